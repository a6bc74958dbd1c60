"""Read the audit for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import audit

if TYPE_CHECKING:
    from bot.db.audit import Row
    from tests.core.workbench import Workbench

ALL = 10_000


def rows(bench: Workbench) -> list[Row]:
    """Return every row, oldest first."""
    with bench.database.read() as tx:
        return audit.read(tx, limit=ALL)


def told(bench: Workbench) -> list[tuple[str, str, str]]:
    """Channel, act and outcome of every row, oldest first."""
    return [(row.channel.value, row.act, row.outcome) for row in rows(bench)]


def endings(bench: Workbench) -> list[str]:
    """Return the outcomes of the requests that ended."""
    return [row.outcome for row in rows(bench) if row.act == audit.DELIVERY]
