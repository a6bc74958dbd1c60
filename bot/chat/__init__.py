"""What people read and write: words, buttons, cards."""
