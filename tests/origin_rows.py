"""Subscriptions and schedules as rows, for tests that are not about the commands that make them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from bot.db import origins, schedules, subscriptions

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Database
    from bot.db.origin import Origin
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Person, Space

_numbers = count(2)
LETTERS = "abcdefghjkmnpqrstuvwxyz"


def _shared(person: Person, space: Space, now: datetime) -> dict[str, Any]:
    number = next(_numbers)
    reference = "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(8))
    return {
        "reference": reference,
        "event_key": f"messages:origin{number}",
        "person_id": person.id,
        "room_id": space.id,
        "room_type": space.type,
        "created_at": now,
    }


def add_subscription(database: Database, person: Person, space: Space, now: datetime, **values: Any) -> Subscription:
    """Insert a subscription to what is called "calling usage"."""
    with database.begin() as tx:
        row = subscriptions.add(tx, _shared(person, space, now) | {"words": "calling usage"} | values)
        assert row is not None
        (found,) = (one for one in subscriptions.find(tx) if one.id == row)
    return found


def add_schedule(
    database: Database, person: Person, space: Space, now: datetime, **values: Any
) -> Subscription | Schedule:
    """Insert a schedule of partner reports, every Monday at 8:00."""
    about = {"family": "partner", "template_id": "130", "title": "Calling Usage", "period": "last week"}
    recurs = {"rrule": "FREQ=WEEKLY;BYDAY=MO", "dtstart": "2026-05-04T08:00:00", "time_zone": "Europe/Berlin"}
    with database.begin() as tx:
        row = schedules.add(tx, _shared(person, space, now) | about | recurs | values)
        assert row is not None
        (found,) = (one for one in schedules.find(tx) if one.id == row)
    return found


def stored(database: Database, origin: Origin) -> Subscription | Schedule:
    """Return it as it is now."""
    with database.read() as tx:
        found = origins.get(tx, origin)
    assert found is not None
    return found
