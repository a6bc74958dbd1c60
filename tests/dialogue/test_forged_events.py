"""Events of somebody who knows the webhook's secret and nothing else: what counts is what Webex shows of their ids."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.chat.answer_limit import MOST as MOST_ANSWERS
from bot.db import audit
from bot.db import events as event_rows
from bot.db.events import Event
from bot.db.tables import events
from bot.db.tables import requests as requests_table
from bot.ops.forget import forget

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.core.workbench import Workbench

DAY = timedelta(days=1).total_seconds()
MOST = 3


def forged(bench: Workbench, message_id: str, space: Space, person: Person, resource: str = "messages") -> None:
    bench._keep(Event(resource, "created", message_id, space.id, space.type, person.id))


def in_the_end(bench: Workbench) -> None:
    """Let pass whatever time a message has that is not there yet."""
    bench.work()
    for _ in range(10):
        bench.wait(10)


def requests(bench: Workbench) -> list[Any]:
    with bench.database.read() as tx:
        return list(tx.execute(requests_table.select()))


def limited(bench: Workbench) -> None:
    bench.stage.environ["REQUESTS_PER_MINUTE"] = str(MOST)
    bench.restart()


def shown_without_type(bench: Workbench, message: Message) -> None:
    """Webex shows the message without the type of its space."""
    body = {
        "id": message.id,
        "roomId": message.room_id,
        "personId": message.person_id,
        "text": message.text,
        "html": message.html,
    }
    bench.emulator.faults.add(method="GET", path=f"/v1/messages/{message.id}", status=200, body=body, times=None)


def test_where_and_by_whom_a_message_was_written_is_what_webex_shows(bench: Workbench) -> None:
    """Ethan's message, announced as Ada's in a space in which she reads alone."""
    stage = bench.stage
    report = stage.partner_report(title="Secret Figures")
    message = bench.world.say(stage.ethan, stage.outside, f"report {report.id}", mention=stage.bot)
    forged(bench, message.id, bench.world.direct_space(stage.ada, stage.bot), stage.ada)

    in_the_end(bench)

    assert bench.said() == []
    assert not [one for one in bench.said(stage.outside) if one.files or "Secret" in f"{one.text} {one.card}"]
    with bench.database.read() as tx:
        assert {row.person_id for row in audit.read(tx, limit=10)} == {stage.ethan.id}


@pytest.mark.parametrize("claimed", ["direct", None])
def test_a_group_is_no_1_1_because_an_event_says_so(bench: Workbench, claimed: str | None) -> None:
    """Outsiders read along: in a 1:1 nobody would look for them."""
    stage = bench.stage
    report = stage.partner_report(title="Secret Figures")
    bench.world.join(stage.group, stage.ethan)
    bench.clock.turn(31)
    message = bench.world.say(stage.ada, stage.group, f"report {report.id}", mention=stage.bot)
    shown_without_type(bench, message)
    bench._keep(Event("messages", "created", message.id, stage.group.id, claimed, stage.ada.id))

    in_the_end(bench)

    assert not [one for one in bench.said(stage.group) if one.files or "Secret" in f"{one.text} {one.card}"]
    assert [one for one in bench.said() if one.files]


def test_another_spelling_of_a_message_s_id_asks_for_nothing_again(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    message = bench.hears(stage.ada, f"report {report.id}", stage.group)
    in_the_end(bench)

    for spelled in (f"{message.id}=", f"{message.id}=="):
        shown_as(bench, message, spelled)
        forged(bench, spelled, stage.group, stage.ada)
    in_the_end(bench)

    assert len(requests(bench)) == 1
    assert len([one for one in bench.said(stage.group) if one.files]) == 1


def shown_as(bench: Workbench, message: Message, spelled: str) -> None:
    """Webex takes another spelling of a message's id, and shows the message."""
    body = {
        "id": message.id,
        "roomId": message.room_id,
        "roomType": bench.world.spaces[message.room_id].type,
        "personId": message.person_id,
        "text": message.text,
        "html": message.html,
    }
    path = f"/v1/messages/{spelled}"
    bench.emulator.faults.add(method="GET", path=path, status=200, body=body, times=None)


def test_of_two_spellings_that_come_first_one_is_answered_and_then_not_the_message_itself(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    message = bench.world.say(stage.ada, stage.group, f"report {report.id}", mention=stage.bot)
    for spelled in (f"{message.id}=", f"{message.id}=="):
        shown_as(bench, message, spelled)
        forged(bench, spelled, stage.group, stage.ada)
    bench.work()
    with bench.database.begin() as tx:
        again = Event("messages", "created", message.id, stage.group.id, "group", stage.ada.id)
        assert event_rows.record(tx, again, bench.clock()) is None
    in_the_end(bench)

    assert len([one for one in bench.said(stage.group) if one.files]) == 1


def test_a_message_of_the_day_before_yesterday_is_not_answered(bench: Workbench) -> None:
    stage = bench.stage
    old = bench.world.say(stage.ada, stage.group, f"report {stage.partner_report().id}", mention=stage.bot)
    bench.clock.turn(2 * DAY)
    forged(bench, old.id, stage.group, stage.ada)

    in_the_end(bench)

    assert bench.said(stage.group) == bench.said() == []


def test_a_press_of_the_day_before_yesterday_is_not_answered(bench: Workbench) -> None:
    stage = bench.stage
    bench.hears(stage.ada, "help", stage.group)
    bench.work()
    (card,) = bench.said(stage.group)
    old = bench.world.press(stage.ada, card.id, {"command": "report", "argument": stage.partner_report().id})
    bench.clock.turn(2 * DAY)
    forged(bench, old.id, stage.group, stage.ada, "attachmentActions")

    in_the_end(bench)

    assert bench.said(stage.group) == [card]


def test_what_waited_for_two_days_in_the_queue_is_answered(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "help")
    bench.clock.turn(2 * DAY)

    bench.work()

    assert len(bench.said()) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_nothing_is_said_in_a_space_that_only_an_event_names(bench: Workbench, status: int) -> None:
    bench.hears(bench.stage.ada, "help")
    bench.work()
    before = bench.said()
    path = "/v1/messages/?*"
    bench.emulator.faults.add(method="GET", path=path, status=status, times=None)
    forged(bench, "bWFkZSB1cA", bench.stage.group, bench.stage.ada)
    forged(bench, "bWFkZSB1cCB0b28", bench.world.direct_space(bench.stage.ada, bench.stage.bot), bench.stage.ada)

    in_the_end(bench)
    for _ in range(40):
        bench.wait(120)
        bench.sweep.once()

    assert bench.said(bench.stage.group) == []
    assert bench.said() == before


def test_a_made_up_membership_introduces_nobody(bench: Workbench) -> None:
    stage = bench.stage
    forged(bench, "bWFkZSB1cA", stage.group, stage.bot, "memberships")
    other = next(one for one in bench.world.memberships_in(stage.group.id) if one.person_id == stage.ada.id)
    forged(bench, other.id, stage.group, stage.bot, "memberships")

    in_the_end(bench)

    assert bench.said(stage.group) == []


def test_an_introduction_is_not_repeated_by_a_spelling_or_an_old_membership(bench: Workbench) -> None:
    stage = bench.stage
    space = bench.world.add_space("New", [stage.ada])
    member = bench.world.join(space, stage.bot)
    forged(bench, member.id, space, stage.bot, "memberships")
    bench.work()
    assert len(bench.said(space)) == 1

    body = bench.world.membership_data(member)
    path = f"/v1/memberships/{member.id}="
    bench.emulator.faults.add(method="GET", path=path, status=200, body=body, times=None)
    forged(bench, f"{member.id}=", space, stage.bot, "memberships")
    in_the_end(bench)
    assert len(bench.said(space)) == 1

    with bench.database.begin() as tx:  # as after some months, when its row is gone
        tx.execute(events.delete())
        tx.connection.exec_driver_sql("DELETE FROM posts")
    bench.clock.turn(2 * DAY)
    forged(bench, member.id, space, stage.bot, "memberships")
    in_the_end(bench)
    assert len(bench.said(space)) == 1


def test_a_membership_announced_in_another_space_introduces_the_bot_where_it_is(bench: Workbench) -> None:
    stage = bench.stage
    space = bench.world.add_space("New", [stage.ada])
    member = bench.world.join(space, stage.bot)
    forged(bench, member.id, stage.group, stage.bot, "memberships")

    in_the_end(bench)

    assert bench.said(stage.group) == []
    assert len(bench.said(space)) == 1


def test_who_is_forgotten_takes_nobody_s_space_along_because_events_say_so(bench: Workbench) -> None:
    """Ada's name, in Grace's 1:1 space with the bot: what the database has of that space is not Ada's."""
    stage = bench.stage
    bench.hears(stage.grace, f"report {stage.partner_report(status='waiting').id}")
    bench.work()
    hers = bench.world.direct_space(stage.grace, stage.bot)
    limited(bench)
    for number in range(2 * MOST):
        forged(bench, f"bWFkZSB1cA{number}", hers, stage.ada, ("messages", "attachmentActions")[number % 2])
    in_the_end(bench)

    with bench.database.begin() as tx:
        forget(tx, bench.queue, stage.ada.id, bench.clock())

    assert [row.room_id for row in requests(bench)] == [hers.id]


def test_nobody_is_told_to_slow_down_for_events_in_their_name(bench: Workbench) -> None:
    limited(bench)
    for number in range(4 * MOST):
        forged(bench, f"bWFkZSB1cA{number}", bench.stage.group, bench.stage.ada)
    in_the_end(bench)

    assert bench.said() == bench.said(bench.stage.group) == []


def test_a_flood_in_one_name_costs_no_call_for_each_event(bench: Workbench) -> None:
    limited(bench)
    for number in range(20 * MOST):
        forged(bench, f"bWFkZSB1cA{number}", bench.stage.group, bench.stage.ada)
    in_the_end(bench)

    asked = {call.path for call in bench.emulator.calls.calls_to("GET", "/v1/messages/?*", "api")}
    assert len(asked) <= 2 * MOST


def test_a_message_counts_for_the_person_who_wrote_it(bench: Workbench) -> None:
    """Grace writes much, and each of her messages is announced in another name."""
    limited(bench)
    stage = bench.stage
    names = [stage.ada, stage.ethan, stage.nora]
    for number in range(3 * MOST):
        message = bench.world.say(stage.grace, stage.group, "help", mention=stage.bot)
        forged(bench, message.id, stage.group, names[number % len(names)])
    in_the_end(bench)

    assert len(bench.said(stage.group)) == MOST
    told = [one for one in bench.said(person=stage.grace) if "hit the limit" in (one.text or "")]
    assert len(told) == 1
    assert bench.said() == bench.said(person=stage.nora) == []


def test_answers_count_for_the_person_who_is_answered(bench: Workbench) -> None:
    """A bot in a space of its own answers each answer; no other name or space in the events helps it."""
    stage = bench.stage
    names = [stage.ada, stage.grace, stage.nora]
    for number in range(MOST_ANSWERS + 5):
        message = bench.world.say(stage.ethan, stage.outside, "hello", mention=stage.bot)
        forged(bench, message.id, stage.group, names[number % len(names)])
        bench.wait(0.1)

    assert len(bench.said(stage.outside)) == MOST_ANSWERS


def test_a_press_of_a_made_up_id_is_told_in_no_space_where_the_bot_speaks(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "help", bench.stage.group)
    bench.work()
    before = bench.said(bench.stage.group)
    bench.emulator.faults.add(method="GET", path="/v1/attachment/actions/*", status=400, times=None)
    forged(bench, "bWFkZSB1cA", bench.stage.group, bench.stage.ada, "attachmentActions")

    in_the_end(bench)

    assert bench.said(bench.stage.group) == before
