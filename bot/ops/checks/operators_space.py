"""Finds the space of ``OPERATORS_SPACE`` as Webex spells its ID: a bare UUID or a link doesn't tell the cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bot.db import key_values
from bot.ops.alerts import Check
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.db.database import Database
    from bot.webex.types import Space

EVERY: Final = 600.0
"""Seconds between looks while the bot isn't in the space: each lists all of the bot's spaces."""
MISSING: Final = (
    "The bot isn't in the space that OPERATORS_SPACE names, so trouble is told in the log alone. Add the bot to that"
    " space, or correct OPERATORS_SPACE."
)


def operators_space(
    space: str,
    spaces: Callable[[], Sequence[Space]],
    database: Database,
    now: Callable[[], datetime],
    clock: Callable[[], float] = time.monotonic,
) -> Check:
    """Make the check that looks until the space is found, and remembers how Webex spells its ID."""
    found: list[str] = []
    due = clock()

    def look() -> str | None:
        nonlocal due
        if found or clock() < due:
            return None if found else MISSING
        found.extend(one.id for one in spaces() if same_id(one.id, space))
        if not found:
            due = clock() + EVERY
            return MISSING
        if found[0] != space:
            with database.begin() as tx:
                key_values.set(tx, key_values.OPERATORS_SPACE, found[0], now())
        return None

    return Check("operators_space", look, "The bot is in the space that OPERATORS_SPACE names.")
