"""An event is signed, and forged: who has the webhook's secret leads nothing anywhere and repeats nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot import tasks
from bot.emulator import ids
from bot.ledger import events
from bot.ledger.events import Event

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.core.workbench import Workbench


def forged(bench: Workbench, resource: str, data_id: str, **fields: Any) -> None:
    """Keep an event with these fields, as the webhook keeps what verifies."""
    with bench.store.begin() as tx:
        number = events.record(tx, Event(resource, "created", data_id, **fields), bench.clock())
        if number is not None:
            bench.queue.put(tx, tasks.EVENT, str(number), lock="forged")


def respelled(message: Message) -> str:
    """Return the message's ID as another cluster spells it."""
    return ids.webex_id("MESSAGE", ids.plain_part(message.id), "urn:TEAM:eu-central-1_k")


def test_a_group_space_is_not_direct_by_the_word_of_an_event(bench: Workbench) -> None:
    """In a 1:1 space nobody reads along, and nobody looks who does."""
    stage = bench.stage
    report = stage.partner_report(title="Secret Figures")
    bench.world.join(stage.group, stage.ethan)
    message = bench.world.say(stage.ada, stage.group, f"report {report.id}", mention=stage.bot)
    forged(bench, "messages", message.id, room_id=stage.group.id, room_type="direct", person_id=stage.ada.id)
    bench.work()

    assert not [one for one in bench.said(stage.group) if "Secret Figures" in f"{one.text} {one.card}" or one.files]


def test_another_spelling_of_a_message_asks_for_nothing_again(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = bench.stage
    message = bench.hears(stage.ada, f"report {stage.partner_report().id}", stage.group)
    bench.work()
    before = [one.id for one in bench.said(stage.group)]

    read = bench.chat.message
    known = {respelled(message): message.id}
    monkeypatch.setattr(bench.chat, "message", lambda an_id: read(known.get(an_id) or an_id))
    forged(bench, "messages", respelled(message), room_id=stage.group.id, person_id=stage.ada.id)
    bench.work()

    assert [one.id for one in bench.said(stage.group)] == before


@pytest.mark.parametrize("word", ["report", "help"])
def test_a_message_older_than_a_day_is_not_answered_again(bench: Workbench, word: str) -> None:
    stage = bench.stage
    rest = stage.partner_report().id if word == "report" else ""
    message = bench.world.say(stage.ada, stage.group, f"{word} {rest}".strip(), mention=stage.bot)
    bench.clock.turn(timedelta(days=1, minutes=1).total_seconds())
    forged(bench, "messages", message.id, room_id=stage.group.id, person_id=stage.ada.id)
    bench.work()

    assert bench.said(stage.group) == []


def test_a_made_up_membership_introduces_nobody(bench: Workbench) -> None:
    stage = bench.stage
    space = bench.world.add_space("Quiet", [stage.ada, stage.bot])
    (member,) = [one for one in bench.world.memberships_in(space.id) if one.person_id == stage.bot.id]
    (other,) = [one for one in bench.world.memberships_in(space.id) if one.person_id == stage.ada.id]
    for number, data_id in enumerate(("made-up", other.id)):
        forged(bench, "memberships", data_id, room_id=space.id, room_type="group", person_id=stage.bot.id)
        bench.wait(60)
        assert bench.said(space) == [], number

    forged(bench, "memberships", member.id, room_id=stage.group.id, room_type="group", person_id=stage.bot.id)
    bench.work()
    assert bench.said(stage.group) == []
    assert len(bench.said(space)) == 1, "it was added there"


def nothing_in(bench: Workbench, *spaces: Space) -> bool:
    return not [one for space in spaces for one in bench.said(space)]


@pytest.mark.parametrize("resource", ["messages", "attachmentActions", "memberships"])
@pytest.mark.parametrize("status", [400, 403, 404, 409, 503])
def test_that_something_cannot_be_read_is_said_in_no_space_that_an_event_names(
    bench: Workbench, resource: str, status: int
) -> None:
    stage = bench.stage
    paths = {"messages": "/v1/messages/*", "attachmentActions": "/v1/attachment/actions/*"}
    bench.emulator.faults.add(method="GET", path=paths.get(resource, "/v1/memberships/*"), status=status)
    whose = stage.bot.id if resource == "memberships" else stage.ada.id
    forged(bench, resource, "made-up", room_id=stage.group.id, room_type="group", person_id=whose)
    bench.wait(300)
    bench.wait(4000)

    assert nothing_in(bench, stage.group)
    assert nothing_in(bench, bench.world.direct_space(stage.ada, stage.bot))


def test_it_is_said_where_webex_lists_the_message(bench: Workbench) -> None:
    stage = bench.stage
    bench.emulator.faults.add(method="GET", path="/v1/messages/*", status=403)
    bench.hears(stage.ada, "help", stage.group)
    bench.work()

    assert ["I could not answer this." in (one.text or "") for one in bench.said(stage.group)] == [True]
