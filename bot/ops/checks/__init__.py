"""One module for each thing that can be wrong. A check returns what is wrong and what to do about it."""
