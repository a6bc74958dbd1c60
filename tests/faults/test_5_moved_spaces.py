"""A space that moves has a new id; an event that says so is believed from nobody, and the asker gets the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import events
from bot.db.requests import State
from bot.ops.alerts import Alerts, Check
from bot.queue import tasks
from bot.web.webhook import read_event

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.core.workbench import Workbench


def arrives(bench: Workbench, data: dict[str, Any]) -> None:
    """A signed ``rooms/migrated`` comes in, as from a webhook that an older version registered."""
    event = read_event(json.dumps({"resource": "rooms", "event": "migrated", "data": data}).encode())
    with bench.database.begin() as tx:
        number = events.record(tx, event, bench.clock())
        bench.queue.put(tx, tasks.EVENT, str(number), lock=event.room_id)


def requested_in(bench: Workbench, space: Space) -> Any:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    assert bench.request().state is State.OPEN
    return report


@pytest.mark.parametrize("named", ["pair", "plain"])
def test_a_forged_move_leads_no_report_and_no_alarm_elsewhere(bench: Workbench, named: str) -> None:
    stage, space = bench.stage, bench.stage.group
    mine = bench.world.add_space("Somebody's own", [stage.grace, stage.bot])
    report = requested_in(bench, space)

    ids = {"oldRoomId": space.id, "newRoomId": mine.id} if named == "pair" else {"roomId": mine.id}
    arrives(bench, {"id": space.id} | ids)
    bench.work()
    bench.world.set_report(report.id, status="done")
    bench.wait(60)
    check = Check("lamp", lambda: "The lamp is out.", "It burns again.")
    Alerts(bench.database, bench.outbox, space.id, [check], bench.clock).look()

    assert bench.request().room_id == space.id
    assert [one for one in bench.said(space) if one.files]
    assert any("The lamp is out." in (one.text or "") for one in bench.said(space))
    assert bench.said(mine) == []


def test_a_forged_move_allows_no_other_space(bench: Workbench) -> None:
    stage = bench.stage
    mine = bench.world.add_space("Somebody's own", [stage.grace, stage.bot])
    stage.environ["ALLOWED_SPACES"] = stage.group.id
    bench.restart()

    arrives(bench, {"id": stage.group.id, "oldRoomId": stage.group.id, "newRoomId": mine.id})
    report = stage.partner_report(title="Secret Figures")
    bench.hears(stage.grace, f"report {report.id}", mine)
    bench.work()

    assert not [one for one in bench.said(mine) if "Secret Figures" in f"{one.text} {one.card}" or one.files]


@pytest.mark.parametrize("keeps_bare_id", [True, False])
def test_from_a_space_that_really_moved_the_asker_gets_the_file_directly(
    bench: Workbench, *, keeps_bare_id: bool
) -> None:
    space = bench.stage.group
    report = requested_in(bench, space)

    bench.world.move_space(space, "nothing", keeps_bare_id=keeps_bare_id)
    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    assert bench.request().state is State.DELIVERED
    direct = bench.said()
    assert any("Webex doesn't let me post in the space where you asked" in (one.text or "") for one in direct)
    assert [one for one in direct if one.files]


def test_in_the_moved_space_the_next_request_is_answered_there(bench: Workbench) -> None:
    space = bench.stage.group
    bench.world.move_space(space, "nothing", keeps_bare_id=False)

    bench.hears(bench.stage.ada, f"report {bench.stage.partner_report().id}", space)
    bench.work()

    assert [one for one in bench.said(space) if one.files]
