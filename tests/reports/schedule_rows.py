"""Schedules of Ada's in the group space, for tests of what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests import origin_rows

if TYPE_CHECKING:
    from bot.db.origin import Origin
    from tests.stepped_bot import SteppedBot


def add_schedule(stepped: SteppedBot, **values: Any) -> Origin:
    """Store a schedule."""
    setup = stepped.setup
    return origin_rows.add_schedule(stepped.database, setup.ada, setup.group, stepped.clock(), **values).origin
