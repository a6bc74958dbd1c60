"""The person is deactivated, the bot is removed, the thread's root is deleted, who asked first is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import requests
from bot.db.requests import State
from bot.queue import tasks

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot


ROLES_REMEMBERED = 301
"""Seconds after which a person's roles are asked for again."""


def asks(stepped: SteppedBot, person: Person, report: Any, space: Space | None = None) -> Message:
    asked = stepped.receive(person, f"report {report.id}", space)
    stepped.work()
    return asked


def in_thread(stepped: SteppedBot, root: Message, space: Space) -> list[Message]:
    return [one for one in stepped.said(space) if one.parent_id == root.id]


def words(messages: list[Message]) -> str:
    return "\n".join(one.markdown or one.text or "" for one in messages)


def test_the_file_of_an_asker_who_was_deactivated_is_refused_in_the_thread(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    report = stepped.setup.partner_report("Calling Usage", status="waiting")
    root = asks(stepped, stepped.setup.ada, report, space)
    stepped.setup.ada.deactivated = True
    stepped.world.set_report(report.id, status="done")

    stepped.wait(ROLES_REMEMBERED)
    stepped.wait(60)

    assert stepped.request().state is State.REFUSED
    there = in_thread(stepped, root, space)
    assert not [one for one in there if one.files]
    last = words(there[-1:])
    assert stepped.request().reference in last, "it is said, with its reference"
    assert "Calling Usage" not in last, "and it says nothing of the report"


def test_who_asked_after_them_gets_the_file(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    report = stepped.setup.partner_report(status="waiting")
    first = asks(stepped, stepped.setup.ada, report, space)
    second = asks(stepped, stepped.setup.grace, report, space)
    stepped.setup.ada.deactivated = True
    stepped.world.set_report(report.id, status="done")

    stepped.wait(ROLES_REMEMBERED)
    stepped.wait(60)

    assert (stepped.request(1).state, stepped.request(2).state) == (State.REFUSED, State.DELIVERED)
    assert [one for one in in_thread(stepped, second, space) if one.files]
    assert not [one for one in in_thread(stepped, first, space) if one.files]


@pytest.mark.parametrize("ends", ["done", "failed"])
def test_an_asker_who_left_the_space_is_answered_privately(stepped: SteppedBot, ends: str) -> None:
    space = stepped.setup.group
    report = stepped.setup.partner_report("Calling Usage", status="waiting")
    root = asks(stepped, stepped.setup.ada, report, space)
    stepped.world.leave(space, stepped.setup.ada)
    stepped.world.set_report(report.id, status=ends)
    stepped.wait(60)

    left = in_thread(stepped, root, space)
    assert words(left[-1:]) == "The person who asked has left this space, so I've replied to them directly."
    assert not [one for one in left if one.files]
    private = stepped.said()
    assert bool([one for one in private if one.files]) is (ends == "done")
    assert "Calling Usage" in words(private)


def test_who_has_just_written_has_not_left_though_webex_does_not_list_them_yet(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, members = stepped.setup.group, stepped.chat.members
    ada = stepped.setup.ada.id
    monkeypatch.setattr(stepped.chat, "members", lambda room: [one for one in members(room) if one.person_id != ada])
    root = asks(stepped, stepped.setup.ada, stepped.setup.partner_report(), space)
    stepped.work()

    assert [one for one in in_thread(stepped, root, space) if one.files]


def test_who_asked_after_somebody_who_left_is_served_in_the_space(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    report = stepped.setup.partner_report(status="waiting")
    first = asks(stepped, stepped.setup.ada, report, space)
    second = asks(stepped, stepped.setup.grace, report, space)
    stepped.world.leave(space, stepped.setup.ada)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)

    assert [bool([one for one in in_thread(stepped, root, space) if one.files]) for root in (first, second)] == [
        False,
        True,
    ]
    assert [one for one in stepped.said() if one.files], "and who asked first has it 1:1"


def test_a_bot_that_is_removed_tells_the_asker_privately_and_serves_the_space_when_it_is_back(
    stepped: SteppedBot,
) -> None:
    space, bot = stepped.setup.group, stepped.setup.bot
    report = stepped.setup.partner_report(status="waiting")
    asks(stepped, stepped.setup.ada, report, space)
    stepped.world.leave(space, bot)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)

    private = stepped.said()
    assert "Webex doesn't let me post in the space where you asked" in words(private)
    assert [one for one in private if one.files], "what was promised comes all the same"
    assert stepped.request().state is State.DELIVERED

    stepped.world.join(space, bot)
    again = asks(stepped, stepped.setup.ada, report, space)
    stepped.wait(60)

    assert [one for one in in_thread(stepped, again, space) if one.files]


def test_a_bot_that_is_back_in_time_posts_in_the_thread_as_if_nothing_had_been(stepped: SteppedBot) -> None:
    space, bot = stepped.setup.group, stepped.setup.bot
    report = stepped.setup.partner_report(status="waiting")
    root = asks(stepped, stepped.setup.ada, report, space)
    stepped.world.leave(space, bot)
    stepped.wait(60)
    stepped.world.join(space, bot)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)

    assert [one for one in in_thread(stepped, root, space) if one.files]
    assert not stepped.said(), "and nobody was bothered 1:1"


@pytest.mark.parametrize("direct", [True, False])
def test_a_file_whose_thread_is_gone_is_posted_beside_it(stepped: SteppedBot, direct: bool) -> None:
    space = None if direct else stepped.setup.group
    report = stepped.setup.partner_report(status="waiting")
    root = asks(stepped, stepped.setup.ada, report, space)
    stepped.world.delete(root, stepped.setup.ada)
    stepped.world.set_report(report.id, status="done")

    stepped.wait(60)

    assert stepped.request().state is State.DELIVERED
    (file,) = [one for one in stepped.said(space) if one.files]
    assert file.parent_id is None
    stepped.wait(3600)
    assert len([one for one in stepped.said(space) if one.files]) == 1, "once"


def test_a_thread_that_goes_while_the_file_is_fetched_is_no_obstacle(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    report = stepped.setup.partner_report(status="waiting")
    root = asks(stepped, stepped.setup.ada, report, space)
    stepped.world.set_report(report.id, status="done")
    fault = stepped.emulator.faults.add(method="POST", path="/v1/messages", status=503)
    stepped.wait(60)
    assert fault.hits
    stepped.world.delete(root, stepped.setup.ada)
    stepped.emulator.faults.clear()

    stepped.wait(120)

    assert stepped.request().state is State.DELIVERED
    assert len([one for one in stepped.said(space) if one.files]) == 1


@pytest.mark.parametrize("how", ["canceled", "answered directly"])
def test_nobody_depends_on_a_request_that_has_ended_or_gone_elsewhere_meanwhile(
    stepped: SteppedBot, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the card of the second is being posted."""
    space = stepped.setup.group
    report = stepped.setup.partner_report(status="waiting")
    asks(stepped, stepped.setup.ada, report, space)
    stepped.receive(stepped.setup.grace, f"report {report.id}", space)
    stepped.work(until=tasks.LOOKUP)
    post = stepped.chat.post

    def gone_first(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        with stepped.database.begin() as tx:
            if how == "canceled":
                assert requests.close(tx, stepped.request(1), State.CANCELED, stepped.clock())
            else:
                requests.set_values(tx, 1, destination=requests.PERSON)
        return post(*args, **more)

    monkeypatch.setattr(stepped.chat, "post", gone_first)
    stepped.work()
    stepped.world.set_report(report.id, status="done")

    stepped.wait(60)

    assert stepped.request(2).state is State.DELIVERED
    assert len([one for one in stepped.said(space) if one.files]) == 1
