"""Read the audit for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import audit

if TYPE_CHECKING:
    from bot.db.audit import Row
    from tests.stepped_bot import SteppedBot

ALL = 10_000


def rows(stepped: SteppedBot) -> list[Row]:
    """Return every row, oldest first."""
    with stepped.database.read() as tx:
        return audit.read(tx, limit=ALL)


def told(stepped: SteppedBot) -> list[tuple[str, str, str]]:
    """Channel, act and outcome of every row, oldest first."""
    return [(row.channel.value, row.act, row.outcome) for row in rows(stepped)]


def endings(stepped: SteppedBot) -> list[str]:
    """Return the outcomes of the requests that ended."""
    return [row.outcome for row in rows(stepped) if row.act == audit.DELIVERY]
