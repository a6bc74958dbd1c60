"""The commands of the chat, and their handlers."""
