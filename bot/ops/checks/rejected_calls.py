"""Check that few webhook calls fail signature verification: the web process counts them, and stores the figure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.db import key_values
from bot.messages.alerts import CALLS_VERIFY, rejected_calls
from bot.ops.alerts import Check

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Database

WINDOW: Final = timedelta(minutes=5)
"""Over how long the web process counts them."""
MOST: Final = 20
"""Calls in that time: a fifth of what makes Webex disable a webhook."""


def check(database: Database, now: Callable[[], datetime]) -> Check:
    """Return the check."""

    def look() -> str | None:
        with database.read() as tx:
            counted_at = key_values.updated_at(tx, key_values.REJECTED_CALLS)
            number = int(key_values.get(tx, key_values.REJECTED_CALLS) or 0)
        fresh = counted_at is not None and now() - counted_at <= WINDOW
        return rejected_calls(MOST) if fresh and number > MOST else None

    return Check("rejected_calls", look, CALLS_VERIFY, keep_firing_for=WINDOW)
