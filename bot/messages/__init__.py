"""Every word and card that people read. Pure."""
