"""The database: what was asked for, what was sent, and what happened. The queue may lose or repeat a job; rows stay."""
