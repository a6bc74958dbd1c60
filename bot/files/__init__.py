"""The files that the bot keeps on its machine."""
