"""Rows of schedules for tests of what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.db import schedules
from bot.db.origin import Kind, Origin

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


def add_schedule(stepped: SteppedBot, **values: Any) -> Origin:
    """Store a schedule of Ada's in the group space."""
    reference = values.get("reference", "sche2345")
    given: dict[str, Any] = {
        "reference": reference,
        "event_key": f"messages:{reference}",
        "person_id": stepped.setup.ada.id,
        "room_id": stepped.setup.group.id,
        "room_type": "group",
        "created_at": stepped.clock(),
        "family": "partner",
        "template_id": "130",
        "title": "Calling Usage",
        "rrule": "FREQ=DAILY",
        "dtstart": "2026-11-30T08:00:00",
        "time_zone": "UTC",
    }
    with stepped.database.begin() as tx:
        row = schedules.add(tx, given | values)
    assert row is not None
    return Origin(Kind.SCHEDULE, row)
