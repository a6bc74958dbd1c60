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
from tests.live_bot import CSV, FAILED, BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emulator.things import Message, Person, Space
    from bot.webex.types import Target
    from tests.stepped_bot import SteppedBot

POLL = 10.5
"""Seconds after which a watch looks again."""
ROLES_ARE_OLD = 301.0
"""Seconds after which roles are asked for again."""
FOLLOWS = "The file follows below."
ELSEWHERE = "in the thread of the person who asked first"
WILL_BE_ELSEWHERE = "I'll post the file once, in their thread"


@pytest.fixture(params=[True, False], ids=["threads listed", "threads not listed"])
def threads_listed(stepped: SteppedBot, request: pytest.FixtureRequest) -> bool:
    """Whether Webex lets the bot look into a thread."""
    stepped.world.lists_threads = request.param
    return bool(request.param)


def asked(
    stepped: SteppedBot, *people: Person, status: str = "waiting", title: str = "Usage", answered: bool = True
) -> Any:
    """Return a report that these people (Ada) asked for in the group space at the same moment."""
    report = stepped.setup.partner_report(title, status=status)
    for person in people or (stepped.setup.ada,):
        stepped.receive(person, f"report {report.id}", stepped.setup.group)
    stepped.work(until=None if answered else tasks.LOOKUP)
    return report


def card_messages(stepped: SteppedBot, space: Space | None = None) -> list[Message]:
    return [one for one in stepped.said(space or stepped.setup.group) if one.card]


def cards(stepped: SteppedBot, space: Space | None = None) -> list[str]:
    """Return what the cards in the group space show, oldest first."""
    return [BotMessage(one).shown for one in card_messages(stepped, space)]


def files(stepped: SteppedBot, space: Space | None = None) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in stepped.said(space or stepped.setup.group) if one.files]


def directly_sent(stepped: SteppedBot) -> list[Message]:
    return stepped.said()


def press(stepped: SteppedBot, card: Message, title: str, person: Person | None = None) -> None:
    stepped.pressed(person or stepped.setup.ada, card, BotMessage(card).buttons[title])


def shows(stepped: SteppedBot, words: str) -> bool:
    """Return True when the group space has one card, and it says this."""
    return [words in one for one in cards(stepped)] == [True]


def gets_ready(stepped: SteppedBot, report: Any) -> None:
    stepped.world.set_report(report.id, status="done")
    stepped.wait(POLL)


def fails(stepped: SteppedBot, report: Any) -> None:
    stepped.world.set_report(report.id, status="failed")
    stepped.wait(POLL)


def is_refreshed(stepped: SteppedBot, _: Any) -> None:
    press(stepped, card_messages(stepped)[-1], "Refresh")
    stepped.work()


def is_canceled(stepped: SteppedBot, _: Any) -> None:
    press(stepped, card_messages(stepped)[-1], "Cancel")
    stepped.work()


CHANGES: list[tuple[Callable[[SteppedBot, Any], None], str]] = [
    (gets_ready, "● Ready"),
    (fails, FAILED),
    (is_refreshed, "Checked "),
    (is_canceled, "● Canceled"),
]


@pytest.mark.threads_listed
@pytest.mark.parametrize(("change", "shown"), CHANGES)
def test_a_change_leaves_one_card_wherever_the_program_is_killed(
    stepped: SteppedBot, change: Callable[[SteppedBot, Any], None], shown: str
) -> None:
    """Every point before and after each commit and each call that writes, one kill each."""
    for number in count(1):
        stepped.clock.turn(5)  # one person may ask for so many a minute
        report = asked(stepped)
        stepped.points.passed, stepped.points.deadly = 0, number
        try:
            change(stepped, report)
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            for _ in range(3):
                stepped.wait(GENTLY)
            was_killed = True
        else:
            was_killed = False
        stepped.points.deadly = None
        assert len(cards(stepped)) == number, f"killed at point {number}"
        assert shown in cards(stepped)[-1], f"killed at point {number}"
        if not was_killed:
            break
    assert number > 8


def test_a_card_whose_answer_was_lost_is_sent_once_and_holds_nothing_up(
    stepped: SteppedBot, threads_listed: bool
) -> None:
    report = asked(stepped, answered=False)
    stepped.emulator.faults.add(**LOST)
    stepped.wait(GENTLY)
    stepped.wait(1)  # it is tried again, and found or unsure
    assert len(cards(stepped)) == 1

    gets_ready(stepped, report)

    assert files(stepped) == [CSV]
    assert stepped.request().state is State.DELIVERED
    # The first card was never confirmed where the bot cannot look, so it stays.
    assert [FOLLOWS in one for one in cards(stepped)] == ([True] if threads_listed else [False, True])


@pytest.mark.usefixtures("threads_listed")
@pytest.mark.parametrize(("button", "shown"), [("Refresh", "Checked "), ("Cancel", "● Canceled")])
def test_a_press_confirms_a_card_whose_answer_was_lost(stepped: SteppedBot, button: str, shown: str) -> None:
    asked(stepped, answered=False)
    stepped.emulator.faults.add(**LOST)
    stepped.wait(GENTLY)
    (card,) = card_messages(stepped)

    press(stepped, card, button)
    stepped.work()

    assert shows(stepped, shown)


@pytest.mark.parametrize("fault", [LOST, NOT_POSTED], ids=str)
def test_a_thread_is_not_left_with_nothing_when_nobody_can_know_whether_its_new_card_is_there(
    stepped: SteppedBot, fault: dict[str, Any]
) -> None:
    report = asked(stepped)
    stepped.emulator.faults.add(**fault)
    fails(stepped, report)
    for _ in range(3):
        stepped.wait(GENTLY)

    assert len(cards(stepped)) == (2 if fault is LOST else 1)


@pytest.mark.parametrize("fault", [LOST, {**POST, "status": 503, "times": 1}], ids=str)
def test_a_card_that_waits_does_not_stand_beside_the_file(stepped: SteppedBot, fault: dict[str, Any]) -> None:
    report = asked(stepped)
    stepped.emulator.faults.add(**fault)
    gets_ready(stepped, report)
    stepped.wait(GENTLY)

    assert files(stepped) == [CSV]
    assert not [one for one in cards(stepped) if "I'll post the file" in one]


def test_a_new_card_is_sent_before_the_old_one_is_deleted(stepped: SteppedBot) -> None:
    report = asked(stepped)
    stepped.emulator.faults.add(**POST, status=503, times=2)
    fails(stepped, report)
    assert shows(stepped, "In progress"), "the old one stays until the new one is there"

    for _ in range(2):
        stepped.wait(GENTLY)

    assert shows(stepped, FAILED)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"cut": "before"}], ids=str)
def test_an_old_card_that_cannot_be_deleted_now_is_deleted_later(stepped: SteppedBot, fault: dict[str, Any]) -> None:
    report = asked(stepped)
    stepped.emulator.faults.add(**DELETE, times=2, **fault)
    gets_ready(stepped, report)
    assert len(cards(stepped)) == 2

    for _ in range(4):
        stepped.wait(60)

    assert shows(stepped, "● Ready")
    tried = stepped.calls("DELETE", "/v1/messages/*")
    stepped.sweep.once()
    stepped.wait(60)
    assert stepped.calls("DELETE", "/v1/messages/*") == tried, "and it is not asked for again"


def test_an_old_card_that_webex_refuses_to_delete_stays(stepped: SteppedBot) -> None:
    report = asked(stepped)
    refused = stepped.emulator.faults.add(**DELETE, status=403)
    gets_ready(stepped, report)
    stepped.sweep.once()
    stepped.wait(60)

    assert refused.hits == 1
    assert stepped.request().state is State.DELIVERED


def test_a_new_card_stands_in_the_thread_of_its_request(stepped: SteppedBot) -> None:
    report = asked(stepped)
    (first,) = card_messages(stepped)
    gets_ready(stepped, report)
    (card,) = card_messages(stepped)
    assert (card.parent_id, card.room_id) == (first.parent_id, first.room_id)


def test_a_thread_whose_root_was_deleted_goes_on_outside_of_it(stepped: SteppedBot) -> None:
    report = asked(stepped)
    (root,) = [one for one in stepped.world.messages(stepped.setup.group) if one.id == stepped.request().thread_id]
    stepped.world.delete(root, stepped.setup.ada)

    gets_ready(stepped, report)

    assert shows(stepped, "● Ready")
    assert files(stepped) == [CSV]
    assert {one.parent_id for one in stepped.said(stepped.setup.group)} == {None}


# Space closed, outsiders, refusals: the person is answered directly, or nobody.


def test_a_space_that_takes_no_card_is_told_and_the_person_is_answered_directly(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(**POST, status=403, times=1)
    asked(stepped, status="done")

    assert [one.text for one in stepped.said(stepped.setup.group)] == [sentences.SPACE_CLOSED_NOTICE]
    assert [("card" if one.card else "file") for one in directly_sent(stepped)] == ["card", "file"]


def test_a_person_whose_space_has_removed_the_bot_is_told_why_the_answer_comes_directly(stepped: SteppedBot) -> None:
    report = asked(stepped)
    stepped.world.leave(stepped.setup.group, stepped.setup.bot)
    gets_ready(stepped, report)

    sent = directly_sent(stepped)
    assert [one.text for one in sent].count(sentences.REMOVED) == 1
    assert files(stepped, stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)) == [CSV]
    assert (stepped.request().state, stepped.request().destination) == (State.DELIVERED, PERSON)


@pytest.mark.parametrize("change", [gets_ready, fails])
@pytest.mark.parametrize("answer_lost", [False, True])
@pytest.mark.threads_listed
def test_what_a_card_shows_does_not_stay_before_an_outsider_who_joins(
    stepped: SteppedBot, change: Callable[[SteppedBot, Any], None], answer_lost: bool
) -> None:
    """Nor where the card's answer was lost."""
    if answer_lost:
        stepped.emulator.faults.add(**LOST)
    report = asked(stepped, title="Secret title")
    stepped.world.join(stepped.setup.group, stepped.setup.ethan)

    change(stepped, report)
    for _ in range(3):
        stepped.wait(GENTLY)

    (notice,) = stepped.said(stepped.setup.group)
    assert "external people" in (notice.text or "")
    assert "Secret title" not in f"{notice.markdown}{notice.card}"
    assert len(cards(stepped, stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot))) <= 1
    assert stepped.request().state is (State.DELIVERED if change is gets_ready else State.FAILED)


def test_a_card_is_deleted_where_an_outsider_joined_during_its_post(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the card that is to go to the person is refused for now."""
    space, post = stepped.setup.group, stepped.chat.post
    refused = [WebexError("POST /messages", 503, message="no")]

    def joined_meanwhile(target: Target, **more: Any) -> object:
        if more.get("card") and target.direct and refused:
            raise refused.pop()
        posted = post(target, **more)
        if more.get("card"):
            stepped.world.join(space, stepped.setup.ethan)
            stepped.clock.turn(11)  # a long post is followed by another look at the members
        return posted

    monkeypatch.setattr(stepped.chat, "post", joined_meanwhile)
    asked(stepped, status="done", title="Secret title")
    stepped.wait(GENTLY)

    assert [one for one in directly_sent(stepped) if one.files]
    assert not [one for one in stepped.said(space) if "Secret title" in f"{one.markdown}{one.card}"]


def test_the_requests_of_one_message_go_to_the_person_together_and_the_space_is_told_once(stepped: SteppedBot) -> None:
    """Also its card's buttons act there: it was answered that nobody waits."""
    first, second = (stepped.setup.partner_report(title, status="waiting") for title in ("One", "Two"))
    stepped.receive(stepped.setup.ada, f"report {first.id} {second.id}", stepped.setup.outside)
    stepped.work()

    (card,) = directly_sent(stepped)
    cancel = {"command": "cancel", "argument": second.id, "reference": stepped.request(2).reference}
    stepped.pressed(stepped.setup.ada, card, cancel)
    gets_ready(stepped, first)
    stepped.wait(GENTLY)

    assert [stepped.request(number).state for number in (1, 2)] == [State.DELIVERED, State.CANCELED]
    assert [one.text for one in stepped.said(stepped.setup.outside)] == [stepped.request().notice]


def test_that_the_person_is_answered_directly_is_not_said_twice_when_its_answer_was_lost(stepped: SteppedBot) -> None:
    """Nobody can know whether it is there. Unlike the end of the request, it isn't all that the person gets."""
    report = stepped.setup.partner_report(status="failed")
    stepped.emulator.faults.add(**LOST)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.outside)
    for _ in range(4):
        stepped.wait(GENTLY)

    assert [one.text for one in stepped.said(stepped.setup.outside)] == [stepped.request().notice]
    assert len(directly_sent(stepped)) == 1


@pytest.mark.parametrize("titles", [["One"], ["One", "Two"]])
def test_a_file_stays_where_it_was_delivered_when_its_card_goes_to_the_person(
    stepped: SteppedBot, titles: list[str]
) -> None:
    """An outsider has joined since; the person would have no file any more."""
    made = [
        stepped.setup.partner_report(one, status="waiting" if number else "done") for number, one in enumerate(titles)
    ]
    stepped.receive(stepped.setup.ada, f"report {' '.join(one.id for one in made)}", stepped.setup.group)
    stepped.work()
    stepped.world.join(stepped.setup.group, stepped.setup.ethan)

    if len(made) > 1:
        gets_ready(stepped, made[1])
    else:
        press(stepped, card_messages(stepped)[-1], "Refresh")
        stepped.work()

    assert not card_messages(stepped)
    assert files(stepped) == [CSV]
    assert files(stepped, stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)) == [CSV] * (len(made) - 1)


def test_a_person_who_lost_the_right_sees_no_more_of_the_report(stepped: SteppedBot) -> None:
    report = asked(stepped, stepped.setup.grace)
    stepped.setup.grace.roles.clear()
    stepped.clock.turn(ROLES_ARE_OLD)

    gets_ready(stepped, report)

    (end,) = stepped.said(stepped.setup.group)
    assert end.card is None
    assert "Only Webex administrators can get this report." in (end.text or "")
    assert sentences.SENT_DIRECTLY in (end.text or "")
    (details,) = stepped.said(person=stepped.setup.grace)
    assert f"(reference {stepped.request().reference})" in (details.text or "")
    assert stepped.request().state is State.REFUSED


# Refresh and cancel.


@pytest.mark.parametrize("times", [1, 2, 3])
def test_presses_of_refresh_leave_one_card_that_still_follows(stepped: SteppedBot, times: int) -> None:
    report = asked(stepped)
    (card,) = card_messages(stepped)
    for _ in range(times):
        press(stepped, card, "Refresh")
    stepped.work()
    assert shows(stepped, "Checked ")

    gets_ready(stepped, report)

    assert shows(stepped, FOLLOWS)
    assert files(stepped) == [CSV]


def test_a_refresh_that_is_typed_in_the_thread_replaces_its_card(stepped: SteppedBot) -> None:
    report = asked(stepped)
    stepped.receive(
        stepped.setup.grace, f"refresh {report.id}", stepped.setup.group, parent_id=stepped.request().thread_id
    )
    stepped.work()
    assert shows(stepped, "Checked ")

    gets_ready(stepped, report)

    assert shows(stepped, "● Ready")


def test_a_refresh_elsewhere_shows_the_report_and_promises_nothing_there(stepped: SteppedBot) -> None:
    report = asked(stepped)
    stepped.receive(stepped.setup.grace, f"refresh {report.id}", stepped.setup.group)
    stepped.work()

    (other,) = [one for one in cards(stepped) if stepped.request().reference not in one]
    assert WILL_BE_ELSEWHERE in other
    assert "Checked " in other


def test_a_refresh_of_a_card_whose_file_has_come_leaves_one_card(stepped: SteppedBot) -> None:
    report = asked(stepped)
    (card,) = card_messages(stepped)
    press(stepped, card, "Refresh")
    stepped.work(until=tasks.EVENT)
    gets_ready(stepped, report)
    stepped.work()

    assert shows(stepped, "● Ready")
    assert files(stepped) == [CSV]


def test_a_refresh_follows_a_report_that_webex_generates_again(stepped: SteppedBot) -> None:
    report = asked(stepped, status="done", answered=False)
    stepped.work(until=tasks.DELIVER)
    stepped.world.set_report(report.id, status="In progress")
    is_refreshed(stepped, report)
    assert shows(stepped, "● In progress")

    gets_ready(stepped, report)

    assert shows(stepped, "● Ready")
    assert files(stepped) == [CSV]


def while_its_card_is_sent(stepped: SteppedBot, do: Callable[[Message], object]) -> None:
    """Do something when Webex shows the next card and its answer is still on its way; then the event that it makes."""
    post = stepped.chat.post

    def posting(*args: Any, **more: Any) -> Any:
        posted = post(*args, **more)
        stepped.chat.post = post  # type: ignore[method-assign]
        do(stepped.said(stepped.setup.group)[-1])
        for claim in stepped.queue.take([], {COMMON: 16}).claims:
            if claim.job.task == tasks.EVENT:
                stepped.run(claim)
        return posted

    stepped.chat.post = posting  # type: ignore[method-assign]


@pytest.mark.parametrize(("button", "shown"), [("Refresh", "Checked "), ("Cancel", "● Canceled")])
def test_a_press_before_the_card_s_post_is_answered_is_followed(stepped: SteppedBot, button: str, shown: str) -> None:
    """The rows are read again after each call."""
    asked(stepped, answered=False)
    while_its_card_is_sent(stepped, lambda card: press(stepped, card, button))

    stepped.work()

    assert shows(stepped, shown)


def test_a_request_that_is_canceled_while_its_card_is_sent_says_so(stepped: SteppedBot) -> None:
    report = asked(stepped, answered=False)
    while_its_card_is_sent(
        stepped, lambda _: stepped.receive(stepped.setup.ada, f"cancel {report.id}", stepped.setup.group)
    )

    stepped.work()

    assert shows(stepped, "● Canceled")
    assert stepped.next_wait() is None, "nothing is watched"


def test_two_that_sync_at_once_send_each_message_once(stepped: SteppedBot) -> None:
    report = asked(stepped)
    with stepped.database.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE reports SET phase = 'ready'")
    stepped.world.set_report(report.id, status="done")
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        stepped.thread.sync(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert shows(stepped, "● Ready")
    assert stepped.calls("POST", "/v1/messages") == 2
    assert stepped.calls("DELETE", "/v1/messages/*") == 1


# Several people wait for one report.


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
@pytest.mark.parametrize("status", ["done", "waiting"])
def test_two_who_ask_at_the_same_moment_get_one_file(stepped: SteppedBot, order: tuple[str, str], status: str) -> None:
    report = asked(stepped, stepped.setup.ada, stepped.setup.grace, status=status, answered=False)
    claims = stepped.queue.take([], {COMMON: 16}).claims
    for claim in sorted(claims, key=lambda one: order.index(one.job.key)):
        stepped.run(claim)
    stepped.work()
    gets_ready(stepped, report)

    assert files(stepped) == [CSV]
    assert stepped.downloads == 1
    assert [stepped.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]
    first, second = sorted(cards(stepped), key=lambda one: ELSEWHERE in one)
    assert FOLLOWS in first
    assert ELSEWHERE in second


def test_a_person_without_the_right_is_nobody_to_wait_for(stepped: SteppedBot) -> None:
    asked(stepped, stepped.setup.nora, stepped.setup.grace, status="done")

    assert files(stepped) == [CSV]
    assert [FOLLOWS in one for one in cards(stepped)] == [True]


@pytest.mark.parametrize("when", ["while it waits", "while its file is fetched"])
def test_the_next_one_s_card_says_that_the_file_comes_there_when_the_first_cancels(
    stepped: SteppedBot, when: str
) -> None:
    report = asked(stepped, stepped.setup.ada, stepped.setup.grace)
    assert sum(WILL_BE_ELSEWHERE in one for one in cards(stepped)) == 1

    def cancel() -> None:
        stepped.receive(stepped.setup.ada, f"cancel {report.id}", stepped.setup.group)
        stepped.work_beside()

    if when == "while it waits":
        cancel()
        assert sum("I'll post the file here" in one for one in cards(stepped)) == 1
        assert not any(WILL_BE_ELSEWHERE in one for one in cards(stepped))
    else:
        stepped.while_fetching(cancel)
    gets_ready(stepped, report)

    assert files(stepped) == [CSV]
    assert stepped.downloads == 1
    assert not any(ELSEWHERE in one or WILL_BE_ELSEWHERE in one for one in cards(stepped))
    (file,) = [one for one in stepped.said(stepped.setup.group) if one.files]
    assert file.parent_id == stepped.request(2).thread_id


@pytest.mark.parametrize(("button", "cards_more"), [("Send again", 0), ("Ask again", 1)])
def test_a_button_that_is_pressed_twice_brings_one_file(stepped: SteppedBot, button: str, cards_more: int) -> None:
    report = asked(stepped, status="done")
    (card,) = card_messages(stepped)
    data = {
        "Send again": BotMessage(card).buttons["Send again"],
        "Ask again": {"command": "report", "argument": report.id},
    }
    for _ in range(2):
        stepped.pressed(stepped.setup.ada, card, data[button])
    stepped.work()

    assert files(stepped) == [CSV, CSV], "the first one, and one more"

    stepped.pressed(stepped.setup.ada, card, data[button])
    stepped.work()
    assert len(files(stepped)) == 3, "a later press is another wish"


def test_send_again_while_the_file_is_on_its_way_brings_no_second_card(stepped: SteppedBot) -> None:
    def press() -> None:
        (card,) = card_messages(stepped)
        stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Send again"])
        stepped.work_beside()

    stepped.while_fetching(press)
    asked(stepped, status="done")

    assert len(card_messages(stepped)) == 1
    assert files(stepped) == [CSV]
    assert stepped.request(2).state is State.DELIVERED


# Trouble.


def test_trouble_is_told_once_and_deleted_when_the_card_stands(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    asked(stepped)
    for _ in range(5):
        stepped.wait(10)
    (told,) = stepped.said(stepped.setup.group)
    assert told.text == f"{sentences.REPORTS_AWAY} {sentences.KEEP_TRYING}"

    stepped.emulator.faults.clear()
    stepped.wait(GENTLY)

    assert shows(stepped, "● In progress")
    assert len(stepped.said(stepped.setup.group)) == 1


def test_the_files_of_several_ids_come_below_their_list(stepped: SteppedBot) -> None:
    reports = [stepped.setup.partner_report(title) for title in ("One", "Two", "Three")]
    stepped.receive(stepped.setup.ada, "report " + ", ".join(one.id for one in reports), stepped.setup.group)

    stepped.work_files_first()

    said = stepped.said(stepped.setup.group)
    assert [bool(one.card) for one in said] == [True, False, False, False]
    assert [bool(one.files) for one in said] == [False, True, True, True]


def test_an_id_that_webex_has_trouble_with_does_not_hold_up_the_files_of_the_others(stepped: SteppedBot) -> None:
    silent, ready = stepped.setup.partner_report("Silent"), stepped.setup.partner_report("Ready")
    stepped.emulator.faults.add("GET", f"/v1/partner/reports/{silent.id}", status=503)
    stepped.receive(stepped.setup.ada, f"report {ready.id}, {silent.id}", stepped.setup.group)

    stepped.work_files_first()

    assert files(stepped) == [CSV]
    assert not card_messages(stepped)
    stepped.emulator.faults.clear()
    stepped.wait_for_next()
    stepped.work_files_first()
    assert len(card_messages(stepped)) == 1
    assert files(stepped) == [CSV, CSV]


def test_the_trouble_of_several_ids_in_one_message_is_told_once(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    ids = " ".join(stepped.setup.partner_report(f"Report {number}").id for number in range(3))
    stepped.receive(stepped.setup.ada, f"report {ids}", stepped.setup.group)
    stepped.work()
    for _ in range(3):
        stepped.wait(10)

    assert len(stepped.said(stepped.setup.group)) == 1


def test_a_list_that_fails_is_told_after_its_patience_beside_the_card(stepped: SteppedBot) -> None:
    report = asked(stepped)
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports", status=503)
    stepped.live_through(17 * 60, step=60)
    assert [one.text for one in stepped.said(stepped.setup.group) if not one.card] == [
        f"{sentences.REPORTS_AWAY} {sentences.KEEP_TRYING}"
    ]

    stepped.emulator.faults.clear()
    gets_ready(stepped, report)
    stepped.wait(GENTLY)

    assert files(stepped) == [CSV]
    assert not [one for one in stepped.said(stepped.setup.group) if not one.card and not one.files]


def test_an_end_that_webex_takes_only_later_is_told_once(stepped: SteppedBot) -> None:
    """Settled as the product does: what may have been sent is looked for, some seconds later."""
    stepped.world.lists_threads = True
    stepped.outbox = Outbox(
        stepped.database,
        stepped.chat,
        stepped.services.identity.person,
        stepped.clock,
        settle=(TEXT_SETTLES, FILE_SETTLES),
    )
    stepped.thread._outbox = stepped.thread.report_messages._outbox = stepped.outbox
    unknown = "Y2lzY29zcGFyazovL3VzL1JFUE9SVC8" + "0" * 20
    stepped.emulator.faults.add(**LOST)
    stepped.emulator.faults.add(**LIST, status=503, times=1)
    stepped.receive(stepped.setup.ada, f"report {unknown}", stepped.setup.group)
    for _ in range(4):
        stepped.wait(GENTLY)

    (end,) = stepped.said(stepped.setup.group)
    assert f"(reference {stepped.request().reference})" in (end.text or "")
    with stepped.database.read() as tx:
        assert [one.state for one in messages.of_request(tx, 1)] == [messages.SENT]
