"""A thousand subscriptions and a thousand schedules cost no call to Webex more than the lists of the two families."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert

from bot.db import tables
from bot.reports.schedules import put_schedules
from bot.reports.subscriptions import watch_from_now
from tests.origin_rows import LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stepped_bot import SteppedBot

NUMBER: Final = 1000
HOURS: Final = 2
ROUND: Final = 60.0
LISTS: Final = ("/v1/partner/reports", "/v1/reports")


def rows(stepped: SteppedBot, kind: str) -> Iterator[dict[str, Any]]:
    """Give rows of Ada's in the group space, each with words of its own."""
    setup, now = stepped.setup, stepped.clock()
    for number in range(NUMBER):
        yield {
            "reference": f"{kind}{number:07}",
            "event_key": f"messages:{kind}{number}",
            "person_id": setup.ada.id,
            "room_id": setup.group.id,
            "room_type": "group",
            "created_at": now,
        }


def store(stepped: SteppedBot) -> None:
    about = {"family": "partner", "template_id": "130", "title": "Calling Usage", "period": "yesterday"}
    recurs = {"rrule": "FREQ=DAILY", "dtstart": "2026-01-01T08:00:00", "time_zone": "Europe/Berlin"}
    due = {"next_at": stepped.clock() + timedelta(hours=HOURS + 1)}
    with stepped.database.begin() as tx:
        watch_from_now(tx, stepped.queue, None, None)
        subscriptions = [one | {"words": f"usage {_letters(at)}"} for at, one in enumerate(rows(stepped, "s"))]
        tx.execute(insert(tables.subscriptions), subscriptions)
        tx.execute(insert(tables.schedules), [one | about | recurs | due for one in rows(stepped, "p")])
        put_schedules(tx, stepped.queue)


def _letters(number: int) -> str:
    """Return a word of its own for each number; digits would be taken for a part of an ID."""
    size = len(LETTERS)
    return "".join(LETTERS[number // size**place % size] for place in range(4))


def hours(stepped: SteppedBot, number: float) -> None:
    for _ in range(int(number * 3600 / ROUND)):
        stepped.wait(ROUND)


def test_they_cost_no_call_more_than_the_lists(stepped: SteppedBot) -> None:
    for number in range(50):
        stepped.setup.partner_report(f"Usage {number}")
        stepped.setup.organization_report(f"Meetings {number}")
    store(stepped)
    stepped.work()
    stepped.emulator.calls.clear()

    hours(stepped, HOURS)

    lists = [stepped.calls("GET", path) for path in LISTS]
    assert sum(lists) == len(stepped.emulator.calls)
    assert max(lists) <= HOURS * 3600 / ROUND + 1
    assert min(lists) > 0

    stepped.setup.partner_report(f"Usage {_letters(7)}")
    stepped.emulator.calls.clear()
    stepped.wait(ROUND)
    assert len([one for one in stepped.said(stepped.setup.group) if one.files]) == 1
    assert len(stepped.emulator.calls) < 15, "as for one subscription"
