"""Access: who may have which report."""
