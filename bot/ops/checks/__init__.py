"""One module for each kind of check. A check says what is wrong and what to do about it."""
