"""How many webhook calls did not verify, as each web process has counted: so that the worker can tell the operators.

Each process keeps a fact of its own, because one that is left in peace must not write over the figure of one that is
not. What a process that is gone has kept stops counting after the window, and is cleared away by the next that writes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from bot.ledger import facts as by_name
from bot.ledger.tables import facts

if TYPE_CHECKING:
    from datetime import datetime

    from bot.store import Transaction

PREFIX = "unverified:"
WINDOW = timedelta(minutes=5)
"""Over how long each process counts."""


def keep(tx: Transaction, process: str, number: int, now: datetime) -> None:
    """Keep how many a process has counted in the window that ends now, over what it kept before."""
    stale = facts.c.name.startswith(PREFIX, autoescape=True) & (facts.c.noted_at < now - WINDOW)
    tx.execute(delete(facts).where(stale))
    by_name.note(tx, f"{PREFIX}{process}", str(number), now)


def total(tx: Transaction, now: datetime) -> int:
    """The sum of what the processes have kept within the window."""
    fresh = facts.c.name.startswith(PREFIX, autoescape=True) & (facts.c.noted_at >= now - WINDOW)
    return sum(int(value) for value in tx.execute(select(facts.c.value).where(fresh)).scalars())
