"""Check that nobody waits long for a first answer: too few threads, or a slow Webex, then hold others up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.messages.alerts import NO_LONG_WAIT, long_wait
from bot.ops.alerts import Check
from bot.queue import tasks

if TYPE_CHECKING:
    from bot.db.database import Database
    from bot.queue import Queue

CALM: Final = timedelta(minutes=3)
"""How long nobody must have waited before it is over."""


def check(database: Database, queue: Queue) -> Check:
    """Return the check."""

    def look() -> str | None:
        with database.read() as tx:
            waited = queue.oldest_waiting_seconds(tx, without=tasks.BACKGROUND)
        return long_wait(tasks.LONG_WAIT) if waited >= tasks.LONG_WAIT else None

    return Check("oldest_job", look, NO_LONG_WAIT, keep_firing_for=CALM)
