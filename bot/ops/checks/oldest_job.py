"""Checks that nobody waits long for a first answer: then too few threads, or a slow Webex, hold the others up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.ops.alerts import Check
from bot.queue import tasks

if TYPE_CHECKING:
    from bot.db.database import Database
    from bot.queue import Queue

CALM: Final = timedelta(minutes=3)
"""How long nobody must have waited before the operators hear that it is over."""
TROUBLE: Final = (
    f"Somebody has waited for more than {tasks.LONG_WAIT:.0f} seconds until I began to answer. I may be too busy for "
    "this machine, or Webex answers slowly: look at `reportbot_queue_oldest_due_seconds` and the durations of Webex's "
    "calls in `/metrics`, and at the log."
)
OVER: Final = "I begin to answer within a minute again."


def check(database: Database, queue: Queue) -> Check:
    """Make the operators' check."""

    def look() -> str | None:
        with database.read() as tx:
            waited = queue.oldest_waiting_seconds(tx, without=tasks.BACKGROUND)
        return TROUBLE if waited >= tasks.LONG_WAIT else None

    return Check("oldest_job", look, OVER, calm=CALM)
