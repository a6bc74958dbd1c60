"""A request's thread follows its rows, wherever the program is killed and whatever Webex does."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import messages
from bot.db.requests import PERSON, State
from bot.errors import WebexError
from bot.messages import sentences
from bot.outbox import FILE_SETTLES, TEXT_SETTLES, Outbox
from bot.queue import tasks
from bot.queue.fairness import COMMON
from tests.core.posting import DELETE, GENTLY, LIST, LOST, NOT_POSTED, POST
from tests.core.workbench import Crash
from tests.stage import CSV, Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emulator.things import Message, Person, Space
    from bot.webex.types import Target
    from tests.core.workbench import Workbench

POLL = 10.5
"""Seconds after which a watch looks again."""
ROLES_ARE_OLD = 301.0
"""Seconds after which roles are asked for again."""
FOLLOWS = "The file follows below."
ELSEWHERE = "in the thread of the person who asked first"
WILL_BE_ELSEWHERE = "I'll post the file once, in their thread"


@pytest.fixture(params=[True, False], ids=["threads listed", "threads not listed"])
def threads_listed(bench: Workbench, request: pytest.FixtureRequest) -> bool:
    """Whether Webex lets the bot look into a thread."""
    bench.world.lists_threads = request.param
    return bool(request.param)


def asked(
    bench: Workbench, *people: Person, status: str = "waiting", title: str = "Usage", answered: bool = True
) -> Any:
    """Return a report that these people (Ada) asked for in the group space at the same moment."""
    report = bench.stage.partner_report(title, status=status)
    for person in people or (bench.stage.ada,):
        bench.hears(person, f"report {report.id}", bench.stage.group)
    bench.work(until=None if answered else tasks.LOOKUP)
    return report


def card_messages(bench: Workbench, space: Space | None = None) -> list[Message]:
    return [one for one in bench.said(space or bench.stage.group) if one.card]


def cards(bench: Workbench, space: Space | None = None) -> list[str]:
    """Return what the cards in the group space show, oldest first."""
    return [Heard(one).shown for one in card_messages(bench, space)]


def files(bench: Workbench, space: Space | None = None) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said(space or bench.stage.group) if one.files]


def directly_sent(bench: Workbench) -> list[Message]:
    return bench.said()


def press(bench: Workbench, card: Message, title: str, person: Person | None = None) -> None:
    bench.pressed(person or bench.stage.ada, card, Heard(card).buttons[title])


def shows(bench: Workbench, words: str) -> bool:
    """Return True when the group space has one card, and it says this."""
    return [words in one for one in cards(bench)] == [True]


def gets_ready(bench: Workbench, report: Any) -> None:
    bench.world.set_report(report.id, status="done")
    bench.wait(POLL)


def fails(bench: Workbench, report: Any) -> None:
    bench.world.set_report(report.id, status="failed")
    bench.wait(POLL)


def is_refreshed(bench: Workbench, _: Any) -> None:
    press(bench, card_messages(bench)[-1], "Refresh")
    bench.work()


def is_canceled(bench: Workbench, _: Any) -> None:
    press(bench, card_messages(bench)[-1], "Cancel")
    bench.work()


CHANGES: list[tuple[Callable[[Workbench, Any], None], str]] = [
    (gets_ready, "● Ready"),
    (fails, "● Failed"),
    (is_refreshed, "Checked "),
    (is_canceled, "● Canceled"),
]


@pytest.mark.threads_listed
@pytest.mark.parametrize(("change", "shown"), CHANGES)
def test_a_change_leaves_one_card_wherever_the_program_is_killed(
    bench: Workbench, change: Callable[[Workbench, Any], None], shown: str
) -> None:
    """Every point before and after each commit and each call that writes, one kill each."""
    for number in count(1):
        bench.clock.turn(5)  # one person may ask for so many a minute
        report = asked(bench)
        bench.points.passed, bench.points.deadly = 0, number
        try:
            change(bench, report)
        except Crash:
            bench.points.deadly = None
            bench.restart()
            for _ in range(3):
                bench.wait(GENTLY)
            was_killed = True
        else:
            was_killed = False
        bench.points.deadly = None
        assert len(cards(bench)) == number, f"killed at point {number}"
        assert shown in cards(bench)[-1], f"killed at point {number}"
        if not was_killed:
            break
    assert number > 8


def test_a_card_whose_answer_was_lost_is_sent_once_and_holds_nothing_up(bench: Workbench, threads_listed: bool) -> None:
    report = asked(bench, answered=False)
    bench.emulator.faults.add(**LOST)
    bench.wait(GENTLY)
    bench.wait(1)  # it is tried again, and found or unsure
    assert len(cards(bench)) == 1

    gets_ready(bench, report)

    assert files(bench) == [CSV]
    assert bench.request().state is State.DELIVERED
    # The first card was never confirmed where the bot cannot look, so it stays.
    assert [FOLLOWS in one for one in cards(bench)] == ([True] if threads_listed else [False, True])


@pytest.mark.usefixtures("threads_listed")
@pytest.mark.parametrize(("button", "shown"), [("Refresh", "Checked "), ("Cancel", "● Canceled")])
def test_a_press_confirms_a_card_whose_answer_was_lost(bench: Workbench, button: str, shown: str) -> None:
    asked(bench, answered=False)
    bench.emulator.faults.add(**LOST)
    bench.wait(GENTLY)
    (card,) = card_messages(bench)

    press(bench, card, button)
    bench.work()

    assert shows(bench, shown)


@pytest.mark.parametrize("fault", [LOST, NOT_POSTED], ids=str)
def test_a_thread_is_not_left_with_nothing_when_nobody_can_know_whether_its_new_card_is_there(
    bench: Workbench, fault: dict[str, Any]
) -> None:
    report = asked(bench)
    bench.emulator.faults.add(**fault)
    fails(bench, report)
    for _ in range(3):
        bench.wait(GENTLY)

    assert len(cards(bench)) == (2 if fault is LOST else 1)


@pytest.mark.parametrize("fault", [LOST, {**POST, "status": 503, "times": 1}], ids=str)
def test_a_card_that_waits_does_not_stand_beside_the_file(bench: Workbench, fault: dict[str, Any]) -> None:
    report = asked(bench)
    bench.emulator.faults.add(**fault)
    gets_ready(bench, report)
    bench.wait(GENTLY)

    assert files(bench) == [CSV]
    assert not [one for one in cards(bench) if "I'll post the file" in one]


def test_a_new_card_is_sent_before_the_old_one_is_deleted(bench: Workbench) -> None:
    report = asked(bench)
    bench.emulator.faults.add(**POST, status=503, times=2)
    fails(bench, report)
    assert shows(bench, "In progress"), "the old one stays until the new one is there"

    for _ in range(2):
        bench.wait(GENTLY)

    assert shows(bench, "● Failed")


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"cut": "before"}], ids=str)
def test_an_old_card_that_cannot_be_deleted_now_is_deleted_later(bench: Workbench, fault: dict[str, Any]) -> None:
    report = asked(bench)
    bench.emulator.faults.add(**DELETE, times=2, **fault)
    gets_ready(bench, report)
    assert len(cards(bench)) == 2

    for _ in range(4):
        bench.wait(60)

    assert shows(bench, "● Ready")
    tried = bench.calls("DELETE", "/v1/messages/*")
    bench.sweep.once()
    bench.wait(60)
    assert bench.calls("DELETE", "/v1/messages/*") == tried, "and it is not asked for again"


def test_an_old_card_that_webex_refuses_to_delete_stays(bench: Workbench) -> None:
    report = asked(bench)
    refused = bench.emulator.faults.add(**DELETE, status=403)
    gets_ready(bench, report)
    bench.sweep.once()
    bench.wait(60)

    assert refused.hits == 1
    assert bench.request().state is State.DELIVERED


def test_a_new_card_stands_in_the_thread_of_its_request(bench: Workbench) -> None:
    report = asked(bench)
    (first,) = card_messages(bench)
    gets_ready(bench, report)
    (card,) = card_messages(bench)
    assert (card.parent_id, card.room_id) == (first.parent_id, first.room_id)


def test_a_thread_whose_root_was_deleted_goes_on_outside_of_it(bench: Workbench) -> None:
    report = asked(bench)
    (root,) = [one for one in bench.world.messages(bench.stage.group) if one.id == bench.request().thread_id]
    bench.world.delete(root, bench.stage.ada)

    gets_ready(bench, report)

    assert shows(bench, "● Ready")
    assert files(bench) == [CSV]
    assert {one.parent_id for one in bench.said(bench.stage.group)} == {None}


# Space closed, outsiders, refusals: the person is answered directly, or nobody.


def test_a_space_that_takes_no_card_is_told_and_the_person_is_answered_directly(bench: Workbench) -> None:
    bench.emulator.faults.add(**POST, status=403, times=1)
    asked(bench, status="done")

    assert [one.text for one in bench.said(bench.stage.group)] == [sentences.SPACE_CLOSED_NOTICE]
    assert [("card" if one.card else "file") for one in directly_sent(bench)] == ["card", "file"]


def test_a_person_whose_space_has_removed_the_bot_is_told_why_the_answer_comes_directly(bench: Workbench) -> None:
    report = asked(bench)
    bench.world.leave(bench.stage.group, bench.stage.bot)
    gets_ready(bench, report)

    sent = directly_sent(bench)
    assert [one.text for one in sent].count(sentences.REMOVED) == 1
    assert files(bench, bench.world.direct_space(bench.stage.ada, bench.stage.bot)) == [CSV]
    assert (bench.request().state, bench.request().destination) == (State.DELIVERED, PERSON)


@pytest.mark.parametrize("change", [gets_ready, fails])
@pytest.mark.parametrize("answer_lost", [False, True])
@pytest.mark.threads_listed
def test_what_a_card_shows_does_not_stay_before_an_outsider_who_joins(
    bench: Workbench, change: Callable[[Workbench, Any], None], answer_lost: bool
) -> None:
    """Nor where the card's answer was lost."""
    if answer_lost:
        bench.emulator.faults.add(**LOST)
    report = asked(bench, title="Secret title")
    bench.world.join(bench.stage.group, bench.stage.ethan)

    change(bench, report)
    for _ in range(3):
        bench.wait(GENTLY)

    (notice,) = bench.said(bench.stage.group)
    assert "external people" in (notice.text or "")
    assert "Secret title" not in f"{notice.markdown}{notice.card}"
    assert len(cards(bench, bench.world.direct_space(bench.stage.ada, bench.stage.bot))) <= 1
    assert bench.request().state is (State.DELIVERED if change is gets_ready else State.FAILED)


def test_a_card_is_deleted_where_an_outsider_joined_during_its_post(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the card that is to go to the person is refused for now."""
    space, post = bench.stage.group, bench.chat.post
    refused = [WebexError("POST /messages", 503, message="no")]

    def joined_meanwhile(target: Target, **more: Any) -> object:
        if more.get("card") and target.direct and refused:
            raise refused.pop()
        posted = post(target, **more)
        if more.get("card"):
            bench.world.join(space, bench.stage.ethan)
            bench.clock.turn(11)  # a long post is followed by another look at the members
        return posted

    monkeypatch.setattr(bench.chat, "post", joined_meanwhile)
    asked(bench, status="done", title="Secret title")
    bench.wait(GENTLY)

    assert [one for one in directly_sent(bench) if one.files]
    assert not [one for one in bench.said(space) if "Secret title" in f"{one.markdown}{one.card}"]


def test_a_person_who_lost_the_right_sees_no_more_of_the_report(bench: Workbench) -> None:
    report = asked(bench, bench.stage.grace)
    bench.stage.grace.roles.clear()
    bench.clock.turn(ROLES_ARE_OLD)

    gets_ready(bench, report)

    (end,) = bench.said(bench.stage.group)
    assert end.card is None
    assert "Only Webex administrators can get this report." in (end.text or "")
    assert sentences.SENT_DIRECTLY in (end.text or "")
    (details,) = bench.said(person=bench.stage.grace)
    assert f"(reference {bench.request().reference})" in (details.text or "")
    assert bench.request().state is State.REFUSED


# Refresh and cancel.


@pytest.mark.parametrize("times", [1, 2, 3])
def test_presses_of_refresh_leave_one_card_that_still_follows(bench: Workbench, times: int) -> None:
    report = asked(bench)
    (card,) = card_messages(bench)
    for _ in range(times):
        press(bench, card, "Refresh")
    bench.work()
    assert shows(bench, "Checked ")

    gets_ready(bench, report)

    assert shows(bench, FOLLOWS)
    assert files(bench) == [CSV]


def test_a_refresh_that_is_typed_in_the_thread_replaces_its_card(bench: Workbench) -> None:
    report = asked(bench)
    bench.hears(bench.stage.grace, f"refresh {report.id}", bench.stage.group, parent_id=bench.request().thread_id)
    bench.work()
    assert shows(bench, "Checked ")

    gets_ready(bench, report)

    assert shows(bench, "● Ready")


def test_a_refresh_elsewhere_shows_the_report_and_promises_nothing_there(bench: Workbench) -> None:
    report = asked(bench)
    bench.hears(bench.stage.grace, f"refresh {report.id}", bench.stage.group)
    bench.work()

    (other,) = [one for one in cards(bench) if bench.request().reference not in one]
    assert WILL_BE_ELSEWHERE in other
    assert "Checked " in other


def test_a_refresh_of_a_card_whose_file_has_come_leaves_one_card(bench: Workbench) -> None:
    report = asked(bench)
    (card,) = card_messages(bench)
    press(bench, card, "Refresh")
    bench.work(until=tasks.EVENT)
    gets_ready(bench, report)
    bench.work()

    assert shows(bench, "● Ready")
    assert files(bench) == [CSV]


def test_a_refresh_follows_a_report_that_webex_generates_again(bench: Workbench) -> None:
    report = asked(bench, status="done", answered=False)
    bench.work(until=tasks.DELIVER)
    bench.world.set_report(report.id, status="In progress")
    is_refreshed(bench, report)
    assert shows(bench, "● In progress")

    gets_ready(bench, report)

    assert shows(bench, "● Ready")
    assert files(bench) == [CSV]


def while_its_card_is_sent(bench: Workbench, do: Callable[[Message], object]) -> None:
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


@pytest.mark.parametrize(("button", "shown"), [("Refresh", "Checked "), ("Cancel", "● Canceled")])
def test_a_press_before_the_card_s_post_is_answered_is_followed(bench: Workbench, button: str, shown: str) -> None:
    """The rows are read again after each call."""
    asked(bench, answered=False)
    while_its_card_is_sent(bench, lambda card: press(bench, card, button))

    bench.work()

    assert shows(bench, shown)


def test_a_request_that_is_canceled_while_its_card_is_sent_says_so(bench: Workbench) -> None:
    report = asked(bench, answered=False)
    while_its_card_is_sent(bench, lambda _: bench.hears(bench.stage.ada, f"cancel {report.id}", bench.stage.group))

    bench.work()

    assert shows(bench, "● Canceled")
    assert bench.next_wait() is None, "nothing is watched"


def test_two_that_sync_at_once_send_each_message_once(bench: Workbench) -> None:
    report = asked(bench)
    with bench.database.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE reports SET phase = 'ready'")
    bench.world.set_report(report.id, status="done")
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        bench.thread.sync(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert shows(bench, "● Ready")
    assert bench.calls("POST", "/v1/messages") == 2
    assert bench.calls("DELETE", "/v1/messages/*") == 1


# Several people wait for one report.


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
@pytest.mark.parametrize("status", ["done", "waiting"])
def test_two_who_ask_at_the_same_moment_get_one_file(bench: Workbench, order: tuple[str, str], status: str) -> None:
    report = asked(bench, bench.stage.ada, bench.stage.grace, status=status, answered=False)
    claims = bench.queue.jobs.take([], {COMMON: 16}).claims
    for claim in sorted(claims, key=lambda one: order.index(one.job.key)):
        bench.run(claim)
    bench.work()
    gets_ready(bench, report)

    assert files(bench) == [CSV]
    assert bench.downloads == 1
    assert [bench.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]
    first, second = sorted(cards(bench), key=lambda one: ELSEWHERE in one)
    assert FOLLOWS in first
    assert ELSEWHERE in second


def test_a_person_without_the_right_is_nobody_to_wait_for(bench: Workbench) -> None:
    asked(bench, bench.stage.nora, bench.stage.grace, status="done")

    assert files(bench) == [CSV]
    assert [FOLLOWS in one for one in cards(bench)] == [True]


@pytest.mark.parametrize("when", ["while it waits", "while its file is fetched"])
def test_the_next_one_s_card_says_that_the_file_comes_there_when_the_first_cancels(bench: Workbench, when: str) -> None:
    report = asked(bench, bench.stage.ada, bench.stage.grace)
    assert sum(WILL_BE_ELSEWHERE in one for one in cards(bench)) == 1

    def cancel() -> None:
        bench.hears(bench.stage.ada, f"cancel {report.id}", bench.stage.group)
        bench.work_beside()

    if when == "while it waits":
        cancel()
        assert sum("I'll post the file here" in one for one in cards(bench)) == 1
        assert not any(WILL_BE_ELSEWHERE in one for one in cards(bench))
    else:
        bench.while_fetching(cancel)
    gets_ready(bench, report)

    assert files(bench) == [CSV]
    assert bench.downloads == 1
    assert not any(ELSEWHERE in one or WILL_BE_ELSEWHERE in one for one in cards(bench))
    (file,) = [one for one in bench.said(bench.stage.group) if one.files]
    assert file.parent_id == bench.request(2).thread_id


@pytest.mark.parametrize(("button", "cards_more"), [("Send again", 0), ("Ask again", 1)])
def test_a_button_that_is_pressed_twice_brings_one_file(bench: Workbench, button: str, cards_more: int) -> None:
    report = asked(bench, status="done")
    (card,) = card_messages(bench)
    data = {"Send again": Heard(card).buttons["Send again"], "Ask again": {"command": "report", "argument": report.id}}
    for _ in range(2):
        bench.pressed(bench.stage.ada, card, data[button])
    bench.work()

    assert files(bench) == [CSV, CSV], "the first one, and one more"

    bench.pressed(bench.stage.ada, card, data[button])
    bench.work()
    assert len(files(bench)) == 3, "a later press is another wish"


# Trouble.


def test_trouble_is_told_once_and_deleted_when_the_card_stands(bench: Workbench) -> None:
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    asked(bench)
    for _ in range(5):
        bench.wait(10)
    (told,) = bench.said(bench.stage.group)
    assert told.text == f"{sentences.REPORTS_AWAY} {sentences.KEEP_TRYING}"

    bench.emulator.faults.clear()
    bench.wait(GENTLY)

    assert shows(bench, "● In progress")
    assert len(bench.said(bench.stage.group)) == 1


def test_the_trouble_of_several_ids_in_one_message_is_told_once(bench: Workbench) -> None:
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    ids = " ".join(bench.stage.partner_report(f"Report {number}").id for number in range(3))
    bench.hears(bench.stage.ada, f"report {ids}", bench.stage.group)
    bench.work()
    for _ in range(3):
        bench.wait(10)

    assert len(bench.said(bench.stage.group)) == 1


def test_a_list_that_fails_is_told_after_its_patience_beside_the_card(bench: Workbench) -> None:
    report = asked(bench)
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports", status=503)
    for _ in range(17):
        bench.wait(60)
        bench.sweep.once()
        bench.work()
    assert [one.text for one in bench.said(bench.stage.group) if not one.card] == [
        f"{sentences.REPORTS_AWAY} {sentences.KEEP_TRYING}"
    ]

    bench.emulator.faults.clear()
    gets_ready(bench, report)
    bench.wait(GENTLY)

    assert files(bench) == [CSV]
    assert not [one for one in bench.said(bench.stage.group) if not one.card and not one.files]


def test_an_end_that_webex_takes_only_later_is_told_once(bench: Workbench) -> None:
    """Settled as the product does: what may have been sent is looked for, some seconds later."""
    bench.world.lists_threads = True
    bench.outbox = Outbox(
        bench.database, bench.chat, bench.services.identity.person, bench.clock, settle=(TEXT_SETTLES, FILE_SETTLES)
    )
    bench.thread._outbox = bench.thread.report_messages._outbox = bench.outbox
    unknown = "Y2lzY29zcGFyazovL3VzL1JFUE9SVC8" + "0" * 20
    bench.emulator.faults.add(**LOST)
    bench.emulator.faults.add(**LIST, status=503, times=1)
    bench.hears(bench.stage.ada, f"report {unknown}", bench.stage.group)
    for _ in range(4):
        bench.wait(GENTLY)

    (end,) = bench.said(bench.stage.group)
    assert f"(reference {bench.request().reference})" in (end.text or "")
    with bench.database.read() as tx:
        assert [one.state for one in messages.of_request(tx, 1)] == [messages.SENT]
