"""Put the job that looks for missed messages. It imports nothing that asks Webex: the web process puts it, too."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.db import heartbeats
from bot.db.heartbeats import Downtime
from bot.queue import tasks

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.queue import Queue

EVERY: Final = timedelta(minutes=10)
"""How often messages are looked for although nothing seems to be wrong."""
PERIODIC: Final = "look"
"""The key of the job; older versions put others too, which do the same."""
AFTER_HANDOVER: Final = "handover"
"""The key of a second job that comes later than the first."""
LOCK: Final = "catch-up"
"""One at a time: two would tell people twice of a downtime."""


def put(
    tx: Transaction, queue: Queue, since: datetime, until: datetime, *, key: str = PERIODIC, after: float = 0.0
) -> None:
    """Have messages looked for, since some may have been missed between the two times."""
    heartbeats.add_downtime(tx, Downtime(since, until))
    queue.put(tx, tasks.CATCH_UP, key, lock=LOCK, after=after)


def put_if_due(tx: Transaction, queue: Queue, now: datetime, outage: tuple[datetime, datetime] | None = None) -> None:
    """Have messages looked for when that was ten minutes ago, or Webex is back after an outage."""
    mark = heartbeats.caught_up_until(tx)
    if outage is not None and (mark is None or outage[1] > mark):
        put(tx, queue, *outage)
    elif mark is None or not timedelta() <= now - mark < EVERY:
        queue.put(tx, tasks.CATCH_UP, PERIODIC, lock=LOCK, if_absent=True)
