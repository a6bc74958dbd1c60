"""A space that moves has a new id; an event that says so is believed from nobody, and the asker gets the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import events
from bot.db.leader import Leader
from bot.db.requests import State
from bot.ops.alerts import Alerts, Check
from bot.queue import tasks
from bot.web.webhook import read_event

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.stepped_bot import SteppedBot


def arrives(stepped: SteppedBot, data: dict[str, Any]) -> None:
    """A signed ``rooms/migrated`` comes in, as from a webhook that an older version registered."""
    event = read_event(json.dumps({"resource": "rooms", "event": "migrated", "data": data}).encode())
    with stepped.database.begin() as tx:
        number = events.record(tx, event, stepped.clock())
        stepped.queue.put(tx, tasks.EVENT, str(number), lock=event.room_id)


def requested_in(stepped: SteppedBot, space: Space) -> Any:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work()
    assert stepped.request().state is State.OPEN
    return report


@pytest.mark.parametrize("named", ["pair", "plain"])
def test_a_forged_move_leads_no_report_and_no_alarm_elsewhere(stepped: SteppedBot, named: str) -> None:
    live, space = stepped.setup, stepped.setup.group
    mine = stepped.world.add_space("Somebody's own", [live.grace, live.bot])
    report = requested_in(stepped, space)

    ids = {"oldRoomId": space.id, "newRoomId": mine.id} if named == "pair" else {"roomId": mine.id}
    arrives(stepped, {"id": space.id} | ids)
    stepped.work()
    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)
    check = Check("lamp", lambda: "The lamp is out.", "It burns again.")
    Alerts(
        stepped.database, stepped.outbox, space.id, [check], stepped.clock, leader=Leader(stepped.database, "alerts")
    ).look()

    assert stepped.request().room_id == space.id
    assert [one for one in stepped.said(space) if one.files]
    assert any("The lamp is out." in (one.text or "") for one in stepped.said(space))
    assert stepped.said(mine) == []


def test_a_forged_move_allows_no_other_space(stepped: SteppedBot) -> None:
    live = stepped.setup
    mine = stepped.world.add_space("Somebody's own", [live.grace, live.bot])
    live.environ["ALLOWED_SPACES"] = live.group.id
    stepped.restart()

    arrives(stepped, {"id": live.group.id, "oldRoomId": live.group.id, "newRoomId": mine.id})
    report = live.partner_report(title="Secret Figures")
    stepped.receive(live.grace, f"report {report.id}", mine)
    stepped.work()

    assert not [one for one in stepped.said(mine) if "Secret Figures" in f"{one.text} {one.card}" or one.files]


@pytest.mark.parametrize("keeps_bare_id", [True, False])
def test_from_a_space_that_really_moved_the_asker_gets_the_file_directly(
    stepped: SteppedBot, *, keeps_bare_id: bool
) -> None:
    space = stepped.setup.group
    report = requested_in(stepped, space)

    stepped.world.move_space(space, "nothing", keeps_bare_id=keeps_bare_id)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)

    assert stepped.request().state is State.DELIVERED
    direct = stepped.said()
    assert any("Webex doesn't let me post in the space where you asked" in (one.text or "") for one in direct)
    assert [one for one in direct if one.files]


def test_in_the_moved_space_the_next_request_is_answered_there(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    stepped.world.move_space(space, "nothing", keeps_bare_id=False)

    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}", space)
    stepped.work()

    assert [one for one in stepped.said(space) if one.files]
