"""The ledger: what was asked, what was said and what became of it. The only truth; the queue may lose or repeat."""
