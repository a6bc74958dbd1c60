"""The card follows its request, wherever the program is killed and whatever Webex does."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from bot.reports.whereto import target_of

from bot.db import messages, requests
from bot.db.requests import State
from bot.db.tables import posts as posts_table
from bot.queue import tasks
from bot.queue.fairness import COMMON
from tests.core.workbench import Crash
from tests.stage import Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emulator.things import Message, Space
    from bot.webex.report import Report
    from tests.core.workbench import Workbench

POLL = 10.5
"""Seconds after which a watch looks again."""
AFTERWARDS = 120.0


def waiting(bench: Workbench, space: Space | None = None, **more: Any) -> Any:
    """A report that Ada waits for, with its card."""
    report = bench.stage.partner_report(**({"status": "In progress"} | more))
    bench.hears(bench.stage.ada, f"report {report.id}", space or bench.stage.group)
    bench.work()
    return report


def details(bench: Workbench, report: Any) -> Report:
    bench.world.set_report(report.id, status="done")
    return bench.services.catalog.details("partner", report.id)


def cards(bench: Workbench, space: Space | None = None) -> list[str]:
    """What the cards in a space show, oldest first."""
    return [Heard(one).shown for one in bench.said(space or bench.stage.group) if one.card]


def killed(bench: Workbench, point: int, do: Callable[[], object]) -> bool:
    """Do something, and be killed at that point and started again. False: it has fewer points than that."""
    bench.points.passed, bench.points.deadly = 0, point
    try:
        do()
    except Crash:
        bench.points.deadly = None
        bench.restart()
        return True
    bench.points.deadly = None
    return False


@pytest.mark.threads_listed
def test_found_leaves_one_card_that_says_done_wherever_it_is_killed(bench: Workbench) -> None:
    for number in count(1):
        report = details(bench, waiting(bench))
        found = partial(bench.card.found, bench.request(number))
        was_killed = killed(bench, number, partial(found, report))
        bench.card.found(bench.request(number), report)
        assert len(cards(bench)) == number
        assert "● Done" in cards(bench)[-1], f"killed at point {number}"
        assert not any("In progress" in one for one in cards(bench))
        if not was_killed:
            break
    assert number > 8


@pytest.mark.threads_listed
def test_an_end_leaves_one_card_wherever_it_is_killed(bench: Workbench) -> None:
    for number in count(1):
        report = waiting(bench, title=f"Report {number}")
        bench.world.set_report(report.id, status="failed")
        bench.wait(POLL, until=tasks.TELL)
        was_killed = killed(bench, number, bench.work)
        bench.wait(AFTERWARDS)
        assert len(cards(bench)) == number
        assert f"**Report {number}** failed" in cards(bench)[-1], f"killed at point {number}"
        assert len(bench.said(bench.stage.group)) == number, "a card, and no sentence beside it"
        if not was_killed:
            break
    assert number > 8


@pytest.mark.threads_listed
@pytest.mark.parametrize(("button", "shown"), [("refresh", "● waiting"), ("cancel", "● Cancelled")])
def test_a_press_leaves_one_card_wherever_it_is_killed(bench: Workbench, button: str, shown: str) -> None:
    for number in count(1):
        bench.clock.turn(5)  # one person may ask for thirty a minute
        report = waiting(bench)
        bench.world.set_report(report.id, status="waiting")
        (*_, card) = bench.said(bench.stage.group)
        bench.pressed(bench.stage.ada, card, {"command": button, "argument": report.id})
        was_killed = killed(bench, number, bench.work)
        bench.restart()
        bench.work()
        assert len(bench.said(bench.stage.group)) == number, f"killed at point {number}"
        assert shown in cards(bench)[-1]
        if not was_killed:
            break
    assert number > 8


@pytest.mark.parametrize("threads", [True, False])
def test_a_done_card_whose_answer_was_lost_is_posted_once(bench: Workbench, threads: bool) -> None:
    report = details(bench, waiting(bench))
    bench.world.lists_threads = threads
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)

    for _ in range(3):
        bench.card.found(bench.request(), report)

    assert ["● Done" in one for one in cards(bench)] == ([True] if threads else [False, True])


def test_found_says_nothing_where_the_card_says_it_or_there_is_none(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.hears(bench.stage.ada, f"again {report.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    bench.emulator.calls.clear()

    for number in (1, 2):
        bench.card.found(bench.request(number), details(bench, report))

    assert bench.calls("*", "/v1/messages*") == 0
    assert len(cards(bench)) == 1


def test_found_again_after_a_report_was_made_anew_says_it_anew(bench: Workbench) -> None:
    """The refreshed card said that it is pending once more."""
    report = waiting(bench)
    bench.card.found(bench.request(), details(bench, report))
    bench.world.set_report(report.id, status="In progress")
    (card,) = bench.said(bench.stage.group)
    bench.pressed(bench.stage.ada, card, {"command": "refresh", "argument": report.id})
    bench.work()
    assert ["In progress" in one for one in cards(bench)] == [True]

    bench.card.found(bench.request(), details(bench, report))

    assert ["● Done" in one for one in cards(bench)] == [True]


def test_a_card_of_the_version_before_is_renewed(bench: Workbench) -> None:
    report = waiting(bench)
    with bench.database.begin() as tx:
        requests.note(tx, 1, card_key=None)
        tx.execute(posts_table.update().values(shows=None))

    bench.card.found(bench.request(), details(bench, report))

    assert ["● Done" in one for one in cards(bench)] == [True]


def test_of_two_that_renew_a_card_at_once_one_card_stays(bench: Workbench) -> None:
    """Somebody presses "Refresh" between the look at the ledger and the change of it."""
    report = waiting(bench)
    before = bench.request()
    (card,) = bench.said(bench.stage.group)
    bench.pressed(bench.stage.ada, card, {"command": "refresh", "argument": report.id})
    bench.work()
    posted = bench.world.post(bench.stage.bot, bench.stage.group, text="new", parent_id=card.parent_id)
    with bench.database.begin() as tx:
        messages.intend(tx, "newest", target_of(before), bench.clock())
        messages.settle(tx, "newest", messages.SENT, bench.clock(), message_id=posted.id, room_id=posted.room_id)

    bench.card.becomes(before, "newest")

    assert [one.id for one in bench.said(bench.stage.group)] == [posted.id]
    assert bench.request().card_key == "newest"


@pytest.mark.threads_listed
def test_a_first_card_that_was_refreshed_before_it_was_on_record_is_not_posted_again(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="In progress")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.ANSWER)
    for point in count(1):
        if not killed(bench, point, bench.work) or cards(bench):
            break
    (card,) = bench.said(bench.stage.group)
    assert bench.request().state is State.OPEN
    bench.pressed(bench.stage.ada, card, {"command": "refresh", "argument": report.id})

    bench.wait(AFTERWARDS)

    assert len(cards(bench)) == 1
    assert bench.request().state is State.OPEN


def while_its_card_is_posted(bench: Workbench, do: Callable[[Message], object]) -> None:
    """Do something when Webex shows the next card and its answer is still on its way; then the event that it makes."""
    post = bench.chat.post

    def posting(*args: Any, **more: Any) -> Any:
        posted = post(*args, **more)
        bench.chat.post = post  # type: ignore[method-assign]
        do(bench.said(bench.stage.group)[-1])
        for claim in bench.queue.jobs.take([], {COMMON: 16}).claims:
            if claim.job.task == tasks.EVENT:
                bench.run(claim)
        return posted

    bench.chat.post = posting  # type: ignore[method-assign]


@pytest.mark.parametrize(("button", "shown"), [("refresh", "● waiting"), ("cancel", "● Cancelled")])
def test_a_card_that_is_pressed_before_its_post_is_answered_is_renewed_too(
    bench: Workbench, button: str, shown: str
) -> None:
    def press(card: Message) -> None:
        bench.pressed(bench.stage.ada, card, {"command": button, "argument": report.id})

    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.ANSWER)
    while_its_card_is_posted(bench, press)

    bench.work()

    assert [shown in one for one in cards(bench)] == [True]


def test_a_request_that_is_cancelled_while_its_card_is_posted_has_no_card(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.ANSWER)
    while_its_card_is_posted(bench, lambda _: bench.hears(bench.stage.ada, f"cancel {report.id}", bench.stage.group))

    bench.work()

    assert cards(bench) == []
    assert ["Cancelled" in (one.text or "") for one in bench.said(bench.stage.group)] == [True]
    assert bench.next_wait() is None, "nothing is watched"


@pytest.mark.parametrize(("button", "shown"), [("refresh", "● waiting"), ("cancel", "● Cancelled")])
def test_who_presses_a_card_whose_post_was_never_answered_proves_that_it_is_there(
    bench: Workbench, button: str, shown: str
) -> None:
    bench.world.lists_threads = False
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    report = waiting(bench, status="waiting")
    bench.wait(AFTERWARDS)
    card, promise = bench.said(bench.stage.group)
    assert "I keep looking" in (promise.text or "")
    bench.pressed(bench.stage.ada, card, {"command": button, "argument": report.id})

    bench.work()

    assert [shown in one for one in cards(bench)] == [True]
    assert card.id not in [one.id for one in bench.said(bench.stage.group)]


def test_the_end_of_a_request_whose_card_was_never_seen_is_a_sentence(bench: Workbench) -> None:
    bench.world.lists_threads = False
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    report = waiting(bench)
    bench.wait(AFTERWARDS)
    bench.world.set_report(report.id, status="failed")

    bench.wait(AFTERWARDS)

    (_, _, end) = bench.said(bench.stage.group)
    assert end.card is None
    assert "could not make it" in (end.text or "")


def test_an_end_that_webex_does_not_take_for_now_is_told_later_and_once(bench: Workbench) -> None:
    report = waiting(bench)
    bench.world.set_report(report.id, status="failed")
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=2)

    bench.wait(POLL)
    assert len(cards(bench)) == 1
    assert "In progress" in cards(bench)[0], "the old one stays until the new one is there"
    bench.wait(AFTERWARDS)
    bench.wait(AFTERWARDS)

    assert ["● Failed" in one for one in cards(bench)] == [True]


def test_every_way_that_a_card_is_told_fits_its_thread(bench: Workbench) -> None:
    """New cards stand in the thread of the request, as the first one did."""
    report = waiting(bench)
    (first,) = bench.said(bench.stage.group)

    bench.card.found(bench.request(), details(bench, report))

    (done,) = bench.said(bench.stage.group)
    assert (done.parent_id, done.room_id) == (first.parent_id, first.room_id)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"cut": "before"}])
def test_an_old_card_that_webex_does_not_take_back_for_now_goes_by_the_sweep(
    bench: Workbench, fault: dict[str, Any]
) -> None:
    report = waiting(bench)
    bench.emulator.faults.add(method="DELETE", path="/v1/messages/*", times=2, **fault)
    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)
    assert len(cards(bench)) == 2

    for _ in range(4):
        bench.sweep.once()
        bench.wait(60)

    assert ["● Done" in one for one in cards(bench)] == [True]
    calls = bench.calls("DELETE", "/v1/messages/*")
    bench.sweep.once()
    bench.wait(60)
    assert bench.calls("DELETE", "/v1/messages/*") == calls, "and is not asked for again"


def test_an_old_card_that_webex_refuses_to_take_back_stays(bench: Workbench) -> None:
    report = waiting(bench)
    fault = bench.emulator.faults.add(method="DELETE", path="/v1/messages/*", status=403)
    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)
    bench.sweep.once()
    bench.wait(60)
    assert fault.hits == 1


def test_a_last_word_whose_answer_is_lost_where_nobody_can_look_is_said_once_more(bench: Workbench) -> None:
    """The thread may not be left with nothing, nor with a card that still promises something."""
    report = waiting(bench)
    bench.world.lists_threads = False
    bench.world.set_report(report.id, status="failed")
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    for _ in range(3):
        bench.wait(AFTERWARDS)

    assert ["● Failed" in one for one in cards(bench)] == [True]


def test_where_that_is_lost_too_the_card_stays(bench: Workbench) -> None:
    report = waiting(bench)
    bench.world.lists_threads = False
    bench.world.set_report(report.id, status="failed")
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=2)
    for _ in range(3):
        bench.wait(AFTERWARDS)

    assert len(cards(bench)) == 1
