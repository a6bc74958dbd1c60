"""Check that the bot is in the space of ``OPERATORS_SPACE``, and store how Webex spells its ID.

A bare UUID or a link doesn't tell in which of Webex's clusters the space is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import key_values
from bot.messages.alerts import IN_SPACE, NOT_IN_SPACE
from bot.ops.alerts import Check
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.db.database import Database
    from bot.webex.types import Space


def check(space: str, spaces: Callable[[], Sequence[Space]], database: Database, now: Callable[[], datetime]) -> Check:
    """Return the check, which looks until the space is found."""
    found: list[str] = []

    def look() -> str | None:
        if not found:
            found.extend(one.id for one in spaces() if same_id(one.id, space))
            if found and found[0] != space:
                with database.begin() as tx:
                    key_values.set(tx, key_values.OPERATORS_SPACE, found[0], now())
        return None if found else NOT_IN_SPACE

    return Check("operators_space", look, IN_SPACE)
