"""Outbound events: tell other systems' webhooks what happened, signed as Standard Webhooks has it."""
