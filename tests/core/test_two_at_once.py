"""Who asks or presses at the same moment as somebody else: one file, one card for each request, and none that lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.queue import Job, tasks
from tests.stage import CSV, Heard

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.core.workbench import Workbench

POLL = 10.5


def asked(bench: Workbench, *people: Any, **report: Any) -> Any:
    """They ask for the same report in the group space at the same moment; nobody is answered yet."""
    made = bench.stage.partner_report(**({"status": "done"} | report))
    for person in people:
        bench.hears(person, f"report {made.id}", bench.stage.group)
    bench.work(until=tasks.ANSWER)
    return made


def answers(bench: Workbench, number: int) -> None:
    """The request of that row is answered now."""
    bench.worker.handle(Job(tasks.ANSWER, str(number), None, 1))


def files(bench: Workbench) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said(bench.stage.group) if one.files]


def cards(bench: Workbench) -> list[str]:
    return [Heard(one).shown for one in bench.said(bench.stage.group) if one.card]


def card_messages(bench: Workbench) -> list[Message]:
    return [one for one in bench.said(bench.stage.group) if one.card]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("status", ["done", "waiting"])
def test_two_who_ask_at_the_same_moment_get_one_file(bench: Workbench, order: tuple[int, int], status: str) -> None:
    report = asked(bench, bench.stage.ada, bench.stage.grace, status=status)
    for number in order:
        answers(bench, number)
    bench.work()
    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)

    assert files(bench) == [CSV]
    assert bench.downloads == 1
    assert [bench.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]
    first, second = sorted(cards(bench), key=lambda one: "who asked first" in one)
    assert "The file follows here." in first
    assert "The file comes once, in the thread of who asked first." in second


def test_who_is_answered_when_the_file_of_the_first_is_there_already_is_served_with_it(bench: Workbench) -> None:
    asked(bench, bench.stage.ada, bench.stage.grace)
    post = bench.chat.post

    def slow(*args: Any, **more: Any) -> Any:
        bench.chat.post = post  # type: ignore[method-assign]
        posted = post(*args, **more)
        answers(bench, 1)
        bench.worker.handle(Job(tasks.DELIVER, f"partner:{bench.request().report_id}", None, 1))
        return posted

    bench.chat.post = slow  # type: ignore[method-assign]
    answers(bench, 2)
    bench.work()

    assert files(bench) == [CSV]
    assert [bench.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]


def test_who_was_to_join_a_request_that_is_refused_gets_the_file_and_a_card_that_says_so(bench: Workbench) -> None:
    asked(bench, bench.stage.nora, bench.stage.grace)
    assert bench.request().asker_id == bench.stage.grace.id, "who may not ask has no row"

    bench.work()

    assert files(bench) == [CSV]


def test_who_joined_goes_on_with_a_card_of_the_own_when_the_first_cancels(bench: Workbench) -> None:
    report = asked(bench, bench.stage.ada, bench.stage.grace, status="waiting")
    bench.work()
    assert sum("who asked first" in one for one in cards(bench)) == 1

    bench.hears(bench.stage.ada, f"cancel {report.id}", bench.stage.group)
    bench.work()

    assert not any("who asked first" in one for one in cards(bench))
    assert sum("post the file here when it is done" in one for one in cards(bench)) == 1
    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)
    assert files(bench) == [CSV]
    assert sum("The file follows here." in one for one in cards(bench)) == 1


def test_a_cancel_in_the_middle_of_the_download_leaves_the_other_one_a_card_that_is_right(bench: Workbench) -> None:
    report = asked(bench, bench.stage.ada, bench.stage.grace, status="waiting")
    bench.work()
    bench.world.set_report(report.id, status="done")

    def cancel() -> None:
        bench.hears(bench.stage.ada, f"cancel {report.id}", bench.stage.group)
        bench.work_beside()

    bench.while_fetching(cancel)
    bench.wait(POLL)

    assert files(bench) == [CSV]
    assert bench.downloads == 1
    assert not any("who asked first" in one for one in cards(bench))
    (file,) = [one for one in bench.said(bench.stage.group) if one.files]
    assert file.parent_id == bench.request(2).parent_id


@pytest.mark.parametrize("times", [2, 3])
def test_a_refresh_that_is_pressed_twice_leaves_one_card_that_follows(bench: Workbench, times: int) -> None:
    report = asked(bench, bench.stage.ada, status="waiting")
    bench.work()
    (card,) = card_messages(bench)
    for _ in range(times):
        bench.pressed(bench.stage.ada, card, {"command": "refresh", "argument": report.id})
    bench.work()
    assert len(cards(bench)) == 1

    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)

    assert ["● Done" in one for one in cards(bench)] == [True]
    assert files(bench) == [CSV]


def test_a_refresh_that_is_pressed_when_the_file_is_there_leaves_one_card(bench: Workbench) -> None:
    report = asked(bench, bench.stage.ada, status="waiting")
    bench.work()
    (old,) = card_messages(bench)
    bench.pressed(bench.stage.ada, old, {"command": "refresh", "argument": report.id})
    bench.work(until=tasks.EVENT)
    bench.world.set_report(report.id, status="done")
    bench.work()
    bench.wait(POLL)

    assert ["● Done" in one for one in cards(bench)] == [True]


def test_a_refresh_that_is_typed_in_the_thread_renews_its_card(bench: Workbench) -> None:
    report = asked(bench, bench.stage.ada, status="waiting")
    bench.work()
    root = bench.request().parent_id
    bench.hears(bench.stage.grace, f"refresh {report.id}", bench.stage.group, parent_id=root)
    bench.work()
    assert len(cards(bench)) == 1

    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)

    assert ["● Done" in one for one in cards(bench)] == [True]


def test_a_refresh_that_is_typed_elsewhere_says_of_when_it_is_and_promises_nothing_there(bench: Workbench) -> None:
    report = asked(bench, bench.stage.ada, status="waiting")
    bench.work()
    bench.hears(bench.stage.grace, f"refresh {report.id}", bench.stage.group)
    bench.work()

    (other,) = [one for one in cards(bench) if bench.request().reference not in one]
    assert "in the thread of who asked first" in other
    assert "This card shows it as of" in other


@pytest.mark.parametrize("command", ["again", "report"])
def test_a_button_that_is_pressed_twice_brings_one_file(bench: Workbench, command: str) -> None:
    report = asked(bench, bench.stage.ada)
    bench.work()
    before = len(cards(bench))
    for _ in range(2):
        bench.pressed(bench.stage.ada, card_messages(bench)[0], {"command": command, "argument": report.id})
    bench.work()

    assert files(bench) == [CSV, CSV], "the first one, and one more"
    assert len(cards(bench)) == before + (command == "report"), "no two cards for one press"

    bench.pressed(bench.stage.ada, card_messages(bench)[0], {"command": "again", "argument": report.id})
    bench.work()
    assert len(files(bench)) == 3, "who presses it later wants one more"


def test_who_presses_send_again_for_what_another_one_waits_for_is_told_where_it_comes(bench: Workbench) -> None:
    report = asked(bench, bench.stage.ada, status="waiting")
    bench.work()
    bench.hears(bench.stage.grace, f"again {report.id}", bench.stage.group)
    bench.work()

    (said,) = [one.text or "" for one in bench.said(bench.stage.group) if not one.card]
    assert "comes once, in the thread of who asked first, when it is" in said
