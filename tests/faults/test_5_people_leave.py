"""The person is deactivated, the bot is removed, the thread's root is deleted, who asked first is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import requests
from bot.db.requests import State
from bot.queue import tasks

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.core.workbench import Workbench


ROLES_REMEMBERED = 301
"""Seconds after which a person's roles are asked for again."""


def asks(bench: Workbench, person: Person, report: Any, space: Space | None = None) -> Message:
    asked = bench.hears(person, f"report {report.id}", space)
    bench.work()
    return asked


def in_thread(bench: Workbench, root: Message, space: Space) -> list[Message]:
    return [one for one in bench.said(space) if one.parent_id == root.id]


def words(messages: list[Message]) -> str:
    return "\n".join(one.markdown or one.text or "" for one in messages)


def test_the_file_of_an_asker_who_was_deactivated_is_refused_in_the_thread(bench: Workbench) -> None:
    space = bench.stage.group
    report = bench.stage.partner_report("Calling Usage", status="waiting")
    root = asks(bench, bench.stage.ada, report, space)
    bench.stage.ada.deactivated = True
    bench.world.set_report(report.id, status="done")

    bench.wait(ROLES_REMEMBERED)
    bench.wait(60)

    assert bench.request().state is State.REFUSED
    there = in_thread(bench, root, space)
    assert not [one for one in there if one.files]
    last = words(there[-1:])
    assert bench.request().reference in last, "it is said, with its reference"
    assert "Calling Usage" not in last, "and it says nothing of the report"


def test_who_asked_after_them_gets_the_file(bench: Workbench) -> None:
    space = bench.stage.group
    report = bench.stage.partner_report(status="waiting")
    first = asks(bench, bench.stage.ada, report, space)
    second = asks(bench, bench.stage.grace, report, space)
    bench.stage.ada.deactivated = True
    bench.world.set_report(report.id, status="done")

    bench.wait(ROLES_REMEMBERED)
    bench.wait(60)

    assert (bench.request(1).state, bench.request(2).state) == (State.REFUSED, State.DELIVERED)
    assert [one for one in in_thread(bench, second, space) if one.files]
    assert not [one for one in in_thread(bench, first, space) if one.files]


@pytest.mark.parametrize("ends", ["done", "failed"])
def test_an_asker_who_left_the_space_is_answered_privately(bench: Workbench, ends: str) -> None:
    space = bench.stage.group
    report = bench.stage.partner_report("Calling Usage", status="waiting")
    root = asks(bench, bench.stage.ada, report, space)
    bench.world.leave(space, bench.stage.ada)
    bench.world.set_report(report.id, status=ends)
    bench.wait(60)

    left = in_thread(bench, root, space)
    assert words(left[-1:]) == "The person who asked has left this space, so I've replied to them directly."
    assert not [one for one in left if one.files]
    private = bench.said()
    assert bool([one for one in private if one.files]) is (ends == "done")
    assert "Calling Usage" in words(private)


def test_who_has_just_written_has_not_left_though_webex_does_not_list_them_yet(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, members = bench.stage.group, bench.chat.members
    ada = bench.stage.ada.id
    monkeypatch.setattr(bench.chat, "members", lambda room: [one for one in members(room) if one.person_id != ada])
    root = asks(bench, bench.stage.ada, bench.stage.partner_report(), space)
    bench.work()

    assert [one for one in in_thread(bench, root, space) if one.files]


def test_who_asked_after_somebody_who_left_is_served_in_the_space(bench: Workbench) -> None:
    space = bench.stage.group
    report = bench.stage.partner_report(status="waiting")
    first = asks(bench, bench.stage.ada, report, space)
    second = asks(bench, bench.stage.grace, report, space)
    bench.world.leave(space, bench.stage.ada)
    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    assert [bool([one for one in in_thread(bench, root, space) if one.files]) for root in (first, second)] == [
        False,
        True,
    ]
    assert [one for one in bench.said() if one.files], "and who asked first has it 1:1"


def test_a_bot_that_is_removed_tells_the_asker_privately_and_serves_the_space_when_it_is_back(bench: Workbench) -> None:
    space, bot = bench.stage.group, bench.stage.bot
    report = bench.stage.partner_report(status="waiting")
    asks(bench, bench.stage.ada, report, space)
    bench.world.leave(space, bot)
    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    private = bench.said()
    assert "Webex doesn't let me post in the space where you asked" in words(private)
    assert [one for one in private if one.files], "what was promised comes all the same"
    assert bench.request().state is State.DELIVERED

    bench.world.join(space, bot)
    again = asks(bench, bench.stage.ada, report, space)
    bench.wait(60)

    assert [one for one in in_thread(bench, again, space) if one.files]


def test_a_bot_that_is_back_in_time_posts_in_the_thread_as_if_nothing_had_been(bench: Workbench) -> None:
    space, bot = bench.stage.group, bench.stage.bot
    report = bench.stage.partner_report(status="waiting")
    root = asks(bench, bench.stage.ada, report, space)
    bench.world.leave(space, bot)
    bench.wait(60)
    bench.world.join(space, bot)
    bench.world.set_report(report.id, status="done")
    bench.wait(60)

    assert [one for one in in_thread(bench, root, space) if one.files]
    assert not bench.said(), "and nobody was bothered 1:1"


@pytest.mark.parametrize("direct", [True, False])
def test_a_file_whose_thread_is_gone_is_posted_beside_it(bench: Workbench, direct: bool) -> None:
    space = None if direct else bench.stage.group
    report = bench.stage.partner_report(status="waiting")
    root = asks(bench, bench.stage.ada, report, space)
    bench.world.delete(root, bench.stage.ada)
    bench.world.set_report(report.id, status="done")

    bench.wait(60)

    assert bench.request().state is State.DELIVERED
    (file,) = [one for one in bench.said(space) if one.files]
    assert file.parent_id is None
    bench.wait(3600)
    assert len([one for one in bench.said(space) if one.files]) == 1, "once"


def test_a_thread_that_goes_while_the_file_is_fetched_is_no_obstacle(bench: Workbench) -> None:
    space = bench.stage.group
    report = bench.stage.partner_report(status="waiting")
    root = asks(bench, bench.stage.ada, report, space)
    bench.world.set_report(report.id, status="done")
    fault = bench.emulator.faults.add(method="POST", path="/v1/messages", status=503)
    bench.wait(60)
    assert fault.hits
    bench.world.delete(root, bench.stage.ada)
    bench.emulator.faults.clear()

    bench.wait(120)

    assert bench.request().state is State.DELIVERED
    assert len([one for one in bench.said(space) if one.files]) == 1


@pytest.mark.parametrize("how", ["canceled", "answered directly"])
def test_nobody_depends_on_a_request_that_has_ended_or_gone_elsewhere_meanwhile(
    bench: Workbench, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the card of the second is being posted."""
    space = bench.stage.group
    report = bench.stage.partner_report(status="waiting")
    asks(bench, bench.stage.ada, report, space)
    bench.hears(bench.stage.grace, f"report {report.id}", space)
    bench.work(until=tasks.LOOKUP)
    post = bench.chat.post

    def gone_first(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        with bench.database.begin() as tx:
            if how == "canceled":
                assert requests.close(tx, bench.request(1), State.CANCELED, bench.clock())
            else:
                requests.set_values(tx, 1, destination=requests.PERSON)
        return post(*args, **more)

    monkeypatch.setattr(bench.chat, "post", gone_first)
    bench.work()
    bench.world.set_report(report.id, status="done")

    bench.wait(60)

    assert bench.request(2).state is State.DELIVERED
    assert len([one for one in bench.said(space) if one.files]) == 1
