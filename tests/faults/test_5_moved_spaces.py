"""Issue 4, item 5: a space moves and has a new id; whatever the event says, what is awaited finds its way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import tasks
from bot.emulator.moving import Told
from bot.ledger import audit, events, moved_spaces
from bot.ledger.deliveries import State
from bot.operators import Check, Operators
from bot.web.webhook import read_event
from bot.webex_ids import bare_id

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.core.workbench import Workbench

OLD, NEW = "Y2lzY29zcGFyazovL3VzL1JPT00vMQ", "Y2lzY29zcGFyazovL3VzL1JPT00vMg"
OUTSIDE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8
)
SPEAKING = {
    "old and new": {"oldRoomId": OLD, "newRoomId": NEW},
    "with an id as well": {"id": "something", "oldRoomId": OLD, "newRoomId": NEW},
    "in snakes": {"old_room_id": OLD, "new_room_id": NEW},
    "from and to": {"from": OLD, "to": NEW},
    "source and target": {"sourceSpaceId": OLD, "targetSpaceId": NEW},
    "previous beside the new id": {"id": NEW, "previousId": OLD},
    "the new one beside the old id": {"id": OLD, "migratedTo": NEW},
    "the new one beside the old room": {"roomId": OLD, "newRoomId": NEW, "title": "Admin reports"},
    "within": {"old": {"room": {"id": OLD}}, "new": {"room": {"id": NEW}}},
}


def envelope(data: Any) -> bytes:
    return json.dumps({"resource": "rooms", "event": "migrated", "data": data}).encode()


@pytest.mark.parametrize("data", SPEAKING.values(), ids=SPEAKING)
def test_names_that_say_which_is_which_are_believed(data: dict[str, Any]) -> None:
    old, new, _ = moved_spaces.ids_of(read_event(envelope(data)))

    assert (old, new) == (OLD, NEW)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"id": OLD, "roomId": NEW}, (OLD, NEW)),
        ({"id": OLD}, (OLD,)),
        ({"roomId": OLD}, (OLD,)),
        ({"id": OLD, "roomId": OLD}, (OLD,)),
        ({"newRoomId": NEW}, (NEW,)),
        ({"oldRoomId": OLD, "newRoomId": OLD}, (OLD,)),
        ({}, ()),
        ({"id": 7, "created": "today"}, ()),
    ],
)
def test_ids_that_do_not_say_it_are_kept(data: dict[str, Any], named: tuple[str, ...]) -> None:
    old, new, kept = moved_spaces.ids_of(read_event(envelope(data)))

    assert (old, new) == (None, None)
    assert kept == named


@given(st.dictionaries(st.sampled_from(["id", "roomId", "oldRoomId", "newId", "x"]) | st.text(), OUTSIDE))
def test_the_door_takes_whatever_such_an_event_holds(data: dict[str, Any]) -> None:
    event = read_event(envelope(data))

    assert event.data_id
    assert event.data_id == read_event(envelope(data)).data_id, "and knows it again"


def moves(bench: Workbench, space: Space, told: Told, *, keeps_bare_id: bool = True) -> None:
    """Webex moves the space, and the event comes in as the door takes it."""
    world = bench.world
    if not any(hook.resource == "rooms" for hook in world.webhooks.values()):
        bench.emulator.deliver_webhooks = False
        bench.chat.create_webhook(
            name="moved", target_url="http://127.0.0.1:9/x", resource="rooms", event="migrated", secret="x" * 16
        )
    world.move_space(space, told, keeps_bare_id=keeps_bare_id)
    event = read_event(bench.emulator.undelivered[-1].body)
    with bench.store.begin() as tx:
        number = events.record(tx, event, bench.clock())
        bench.queue.put(tx, tasks.EVENT, str(number), lock=event.room_id)


def awaited_in(bench: Workbench, space: Space) -> Any:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    assert bench.delivery().state is State.PENDING
    return report


@pytest.mark.parametrize("told", [one for one in get_args(Told) if one not in {"nothing", "old"}])
def test_a_watch_follows_its_space(bench: Workbench, told: Told) -> None:
    space = bench.stage.group
    report = awaited_in(bench, space)
    old = space.id

    moves(bench, space, told)
    bench.work()
    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    assert bench.delivery().room_id == space.id != old
    assert bench.delivery().state is State.DONE
    (file,) = [one for one in bench.said(space) if one.files]
    assert file.parent_id is not None, "in the thread where it was asked for"
    with bench.store.read() as tx:
        rows = [row for row in audit.read(tx, limit=100) if row.act == moved_spaces.SPACE]
    assert [(row.outcome, row.room_id) for row in rows] == [("moved:from", old), ("moved:to", space.id)]


def test_the_audit_holds_no_id_of_a_1_1_space_that_moves(bench: Workbench) -> None:
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    awaited_in(bench, space)

    moves(bench, space, "pair")
    bench.work()

    with bench.store.read() as tx:
        assert {row.room_id for row in audit.read(tx, limit=100)} == {audit.DIRECT_SPACE}


@pytest.mark.parametrize("told", ["pair", "names", "ids"])
def test_so_it_does_when_nothing_of_the_id_stays(bench: Workbench, told: Told) -> None:
    space = bench.stage.group
    report = awaited_in(bench, space)

    moves(bench, space, told, keeps_bare_id=False)
    bench.world.set_report(report.id, status="done")
    bench.work()
    bench.wait(60)

    assert bench.delivery().state is State.DONE
    assert [one for one in bench.said(space) if one.files]


def test_a_one_to_one_space_moves_too(bench: Workbench) -> None:
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    report = awaited_in(bench, space)

    moves(bench, space, "new")
    bench.world.set_report(report.id, status="done")
    bench.work()
    bench.wait(60)

    assert [one for one in bench.said(space) if one.files]


def test_a_space_that_moves_on_and_back_is_followed(bench: Workbench) -> None:
    space = bench.stage.group
    report = awaited_in(bench, space)
    first = space.id
    for _ in range(3):
        moves(bench, space, "pair", keeps_bare_id=False)
        bench.work()
    with bench.store.read() as tx:
        assert moved_spaces.now_at(tx, first) == space.id
        assert moved_spaces.with_moved(tx, [first]) >= {first, space.id}

    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    assert bench.delivery().state is State.DONE


@pytest.mark.parametrize("told", ["nothing", "new", "old"])
def test_where_nobody_can_tell_whereto_the_asker_gets_it_privately(bench: Workbench, told: Told) -> None:
    space = bench.stage.group
    report = awaited_in(bench, space)

    moves(bench, space, told, keeps_bare_id=False)
    bench.world.set_report(report.id, status="done")
    bench.work()
    bench.wait(60)

    assert bench.delivery().state is State.DONE
    private = bench.said()
    assert any(
        "Webex does not let me post in the space where you asked" in (one.text or one.markdown or "") for one in private
    )
    assert [one for one in private if one.files]


def test_an_event_that_comes_twice_moves_once(bench: Workbench) -> None:
    space = bench.stage.group
    awaited_in(bench, space)
    moves(bench, space, "pair")
    bench.work()
    event = read_event(bench.emulator.undelivered[-1].body)
    with bench.store.begin() as tx:
        assert events.record(tx, event, bench.clock()) is None


@pytest.mark.parametrize("written", ["{id}", "{uuid}", "webexteams://im?space={uuid}"])
@pytest.mark.parametrize("keeps_bare_id", [True, False])
def test_an_allowed_space_stays_allowed(bench: Workbench, keeps_bare_id: bool, written: str) -> None:
    space = bench.stage.group
    bench.stage.environ["ALLOWED_SPACES"] = written.format(id=space.id, uuid=bare_id(space.id))
    bench.restart()
    report = awaited_in(bench, space)
    moves(bench, space, "pair", keeps_bare_id=keeps_bare_id)
    bench.work()
    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    assert bench.delivery().state is State.DONE
    bench.hears(bench.stage.grace, f"report {report.id}", space)
    bench.work()
    assert bench.delivery(2).state is State.DONE


def test_while_webex_cannot_be_asked_the_event_waits(bench: Workbench) -> None:
    space = bench.stage.group
    report = awaited_in(bench, space)
    fault = bench.emulator.faults.add(method="GET", path="/v1/rooms/*", status=503)
    moves(bench, space, "ids")
    bench.work()
    assert bench.delivery().room_id != space.id

    bench.emulator.faults.clear()
    assert fault.hits
    bench.world.set_report(report.id, status="done")
    bench.wait(120)

    assert bench.delivery().room_id == space.id


def test_the_operators_space_is_followed_too(bench: Workbench) -> None:
    space = bench.stage.group
    before = space.id
    awaited_in(bench, space)
    check = Check("lamp", lambda: "The lamp is out.", "It burns again.")
    moves(bench, space, "pair", keeps_bare_id=False)
    bench.work()

    Operators(bench.store, bench.outbox, before, [check], bench.clock).look()

    assert any("The lamp is out." in (one.text or one.markdown or "") for one in bench.said(space))
