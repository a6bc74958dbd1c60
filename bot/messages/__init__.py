"""Every sentence and card that people read. Pure: what is told is read elsewhere."""
