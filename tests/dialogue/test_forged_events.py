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
    from tests.stepped_bot import SteppedBot

DAY = timedelta(days=1).total_seconds()
MOST = 3


def forged(stepped: SteppedBot, message_id: str, space: Space, person: Person, resource: str = "messages") -> None:
    stepped._keep(Event(resource, "created", message_id, space.id, space.type, person.id))


def in_the_end(stepped: SteppedBot) -> None:
    """Let pass whatever time a message has that is not there yet."""
    stepped.work()
    for _ in range(10):
        stepped.wait(10)


def requests(stepped: SteppedBot) -> list[Any]:
    with stepped.database.read() as tx:
        return list(tx.execute(requests_table.select()))


def limited(stepped: SteppedBot) -> None:
    stepped.setup.environ["REQUESTS_PER_MINUTE"] = str(MOST)
    stepped.restart()


def shown_without_type(stepped: SteppedBot, message: Message) -> None:
    """Webex shows the message without the type of its space."""
    body = {
        "id": message.id,
        "roomId": message.room_id,
        "personId": message.person_id,
        "text": message.text,
        "html": message.html,
    }
    stepped.emulator.faults.add(method="GET", path=f"/v1/messages/{message.id}", status=200, body=body, times=None)


def test_where_and_by_whom_a_message_was_written_is_what_webex_shows(stepped: SteppedBot) -> None:
    """Ethan's message, announced as Ada's in a space in which she reads alone."""
    live = stepped.setup
    report = live.partner_report(title="Secret Figures")
    message = stepped.world.say(live.ethan, live.outside, f"report {report.id}", mention=live.bot)
    forged(stepped, message.id, stepped.world.direct_space(live.ada, live.bot), live.ada)

    in_the_end(stepped)

    assert stepped.said() == []
    assert not [one for one in stepped.said(live.outside) if one.files or "Secret" in f"{one.text} {one.card}"]
    with stepped.database.read() as tx:
        assert {row.person_id for row in audit.read(tx, limit=10)} == {live.ethan.id}


@pytest.mark.parametrize("claimed", ["direct", None])
def test_a_group_is_no_1_1_because_an_event_says_so(stepped: SteppedBot, claimed: str | None) -> None:
    """Outsiders read along: in a 1:1 nobody would look for them."""
    live = stepped.setup
    report = live.partner_report(title="Secret Figures")
    stepped.world.join(live.group, live.ethan)
    stepped.clock.turn(31)
    message = stepped.world.say(live.ada, live.group, f"report {report.id}", mention=live.bot)
    shown_without_type(stepped, message)
    stepped._keep(Event("messages", "created", message.id, live.group.id, claimed, live.ada.id))

    in_the_end(stepped)

    assert not [one for one in stepped.said(live.group) if one.files or "Secret" in f"{one.text} {one.card}"]
    assert [one for one in stepped.said() if one.files]


def test_another_spelling_of_a_message_s_id_asks_for_nothing_again(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    message = stepped.receive(live.ada, f"report {report.id}", live.group)
    in_the_end(stepped)

    for spelled in (f"{message.id}=", f"{message.id}=="):
        shown_as(stepped, message, spelled)
        forged(stepped, spelled, live.group, live.ada)
    in_the_end(stepped)

    assert len(requests(stepped)) == 1
    assert len([one for one in stepped.said(live.group) if one.files]) == 1


def shown_as(stepped: SteppedBot, message: Message, spelled: str) -> None:
    """Webex takes another spelling of a message's id, and shows the message."""
    body = {
        "id": message.id,
        "roomId": message.room_id,
        "roomType": stepped.world.spaces[message.room_id].type,
        "personId": message.person_id,
        "text": message.text,
        "html": message.html,
    }
    path = f"/v1/messages/{spelled}"
    stepped.emulator.faults.add(method="GET", path=path, status=200, body=body, times=None)


def test_of_two_spellings_that_come_first_one_is_answered_and_then_not_the_message_itself(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    message = stepped.world.say(live.ada, live.group, f"report {report.id}", mention=live.bot)
    for spelled in (f"{message.id}=", f"{message.id}=="):
        shown_as(stepped, message, spelled)
        forged(stepped, spelled, live.group, live.ada)
    stepped.work()
    with stepped.database.begin() as tx:
        again = Event("messages", "created", message.id, live.group.id, "group", live.ada.id)
        assert event_rows.record(tx, again, stepped.clock()) is None
    in_the_end(stepped)

    assert len([one for one in stepped.said(live.group) if one.files]) == 1


def test_a_message_of_the_day_before_yesterday_is_not_answered(stepped: SteppedBot) -> None:
    live = stepped.setup
    old = stepped.world.say(live.ada, live.group, f"report {live.partner_report().id}", mention=live.bot)
    stepped.clock.turn(2 * DAY)
    forged(stepped, old.id, live.group, live.ada)

    in_the_end(stepped)

    assert stepped.said(live.group) == stepped.said() == []


def test_a_press_of_the_day_before_yesterday_is_not_answered(stepped: SteppedBot) -> None:
    live = stepped.setup
    stepped.receive(live.ada, "help", live.group)
    stepped.work()
    (card,) = stepped.said(live.group)
    old = stepped.world.press(live.ada, card.id, {"command": "report", "argument": live.partner_report().id})
    stepped.clock.turn(2 * DAY)
    forged(stepped, old.id, live.group, live.ada, "attachmentActions")

    in_the_end(stepped)

    assert stepped.said(live.group) == [card]


def test_what_waited_for_two_days_in_the_queue_is_answered(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "help")
    stepped.clock.turn(2 * DAY)

    stepped.work()

    assert len(stepped.said()) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_nothing_is_said_in_a_space_that_only_an_event_names(stepped: SteppedBot, status: int) -> None:
    stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    before = stepped.said()
    path = "/v1/messages/?*"
    stepped.emulator.faults.add(method="GET", path=path, status=status, times=None)
    forged(stepped, "bWFkZSB1cA", stepped.setup.group, stepped.setup.ada)
    forged(
        stepped, "bWFkZSB1cCB0b28", stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot), stepped.setup.ada
    )

    in_the_end(stepped)
    for _ in range(40):
        stepped.wait(120)
        stepped.sweep.once()

    assert stepped.said(stepped.setup.group) == []
    assert stepped.said() == before


def test_a_made_up_membership_introduces_nobody(stepped: SteppedBot) -> None:
    live = stepped.setup
    forged(stepped, "bWFkZSB1cA", live.group, live.bot, "memberships")
    other = next(one for one in stepped.world.memberships_in(live.group.id) if one.person_id == live.ada.id)
    forged(stepped, other.id, live.group, live.bot, "memberships")

    in_the_end(stepped)

    assert stepped.said(live.group) == []


def test_an_introduction_is_not_repeated_by_a_spelling_or_an_old_membership(stepped: SteppedBot) -> None:
    live = stepped.setup
    space = stepped.world.add_space("New", [live.ada])
    member = stepped.world.join(space, live.bot)
    forged(stepped, member.id, space, live.bot, "memberships")
    stepped.work()
    assert len(stepped.said(space)) == 1

    body = stepped.world.membership_data(member)
    path = f"/v1/memberships/{member.id}="
    stepped.emulator.faults.add(method="GET", path=path, status=200, body=body, times=None)
    forged(stepped, f"{member.id}=", space, live.bot, "memberships")
    in_the_end(stepped)
    assert len(stepped.said(space)) == 1

    with stepped.database.begin() as tx:  # as after some months, when its row is gone
        tx.execute(events.delete())
        tx.connection.exec_driver_sql("DELETE FROM posts")
    stepped.clock.turn(2 * DAY)
    forged(stepped, member.id, space, live.bot, "memberships")
    in_the_end(stepped)
    assert len(stepped.said(space)) == 1


def test_a_membership_announced_in_another_space_introduces_the_bot_where_it_is(stepped: SteppedBot) -> None:
    live = stepped.setup
    space = stepped.world.add_space("New", [live.ada])
    member = stepped.world.join(space, live.bot)
    forged(stepped, member.id, live.group, live.bot, "memberships")

    in_the_end(stepped)

    assert stepped.said(live.group) == []
    assert len(stepped.said(space)) == 1


def test_who_is_forgotten_takes_nobody_s_space_along_because_events_say_so(stepped: SteppedBot) -> None:
    """Ada's name, in Grace's 1:1 space with the bot: what the database has of that space is not Ada's."""
    live = stepped.setup
    stepped.receive(live.grace, f"report {live.partner_report(status='waiting').id}")
    stepped.work()
    hers = stepped.world.direct_space(live.grace, live.bot)
    limited(stepped)
    for number in range(2 * MOST):
        forged(stepped, f"bWFkZSB1cA{number}", hers, live.ada, ("messages", "attachmentActions")[number % 2])
    in_the_end(stepped)

    with stepped.database.begin() as tx:
        forget(tx, stepped.queue, live.ada.id, stepped.clock())

    assert [row.room_id for row in requests(stepped)] == [hers.id]


def test_nobody_is_told_to_slow_down_for_events_in_their_name(stepped: SteppedBot) -> None:
    limited(stepped)
    for number in range(4 * MOST):
        forged(stepped, f"bWFkZSB1cA{number}", stepped.setup.group, stepped.setup.ada)
    in_the_end(stepped)

    assert stepped.said() == stepped.said(stepped.setup.group) == []


def test_a_flood_in_one_name_costs_no_call_for_each_event(stepped: SteppedBot) -> None:
    limited(stepped)
    for number in range(20 * MOST):
        forged(stepped, f"bWFkZSB1cA{number}", stepped.setup.group, stepped.setup.ada)
    in_the_end(stepped)

    asked = {call.path for call in stepped.emulator.calls.calls_to("GET", "/v1/messages/?*", "api")}
    assert len(asked) <= 2 * MOST


def test_a_message_counts_for_the_person_who_wrote_it(stepped: SteppedBot) -> None:
    """Grace writes much, and each of her messages is announced in another name."""
    limited(stepped)
    live = stepped.setup
    names = [live.ada, live.ethan, live.nora]
    for number in range(3 * MOST):
        message = stepped.world.say(live.grace, live.group, "help", mention=live.bot)
        forged(stepped, message.id, live.group, names[number % len(names)])
    in_the_end(stepped)

    assert len(stepped.said(live.group)) == MOST
    told = [one for one in stepped.said(person=live.grace) if "hit the limit" in (one.text or "")]
    assert len(told) == 1
    assert stepped.said() == stepped.said(person=live.nora) == []


def test_answers_count_for_the_person_who_is_answered(stepped: SteppedBot) -> None:
    """A bot in a space of its own answers each answer; no other name or space in the events helps it."""
    live = stepped.setup
    names = [live.ada, live.grace, live.nora]
    for number in range(MOST_ANSWERS + 5):
        message = stepped.world.say(live.ethan, live.outside, "hello", mention=live.bot)
        forged(stepped, message.id, live.group, names[number % len(names)])
        stepped.wait(0.1)

    assert len(stepped.said(live.outside)) == MOST_ANSWERS


def test_a_press_of_a_made_up_id_is_told_in_no_space_where_the_bot_speaks(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "help", stepped.setup.group)
    stepped.work()
    before = stepped.said(stepped.setup.group)
    stepped.emulator.faults.add(method="GET", path="/v1/attachment/actions/*", status=400, times=None)
    forged(stepped, "bWFkZSB1cA", stepped.setup.group, stepped.setup.ada, "attachmentActions")

    in_the_end(stepped)

    assert stepped.said(stepped.setup.group) == before
