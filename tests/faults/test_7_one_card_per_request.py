"""One card for each request: whatever becomes of it, one stands in its thread and says what is true now."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator.cards import problems
from bot.reports import progress
from tests.live_bot import CSV, FAILED, BotMessage, Conversation, LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.emulator.things import Message, Space


def settled(live: LiveBot) -> None:
    """A question asked afterwards is answered afterwards: by then what is said about the one before is said."""
    live.at(live.grace).says("help").card()


def only_card(live: LiveBot, line: Conversation, words: str) -> BotMessage:
    """Wait until one card is left in a thread, and it shows these words."""

    def cards() -> list[BotMessage]:
        return [heard for heard in line.answers() if heard.card]

    live.emulator.world.wait_for(lambda _: len(cards()) == 1 and words in cards()[0].shown, timeout=15)
    (card,) = cards()
    assert problems(card.card) == []
    return card


def kinds(line: Conversation) -> list[str]:
    return ["card" if one.card else "file" if one.file else one.words for one in line.answers()]


def bot_says(live: LiveBot, space: Space) -> list[Message]:
    return [one for one in live.emulator.world.messages(space) if one.person_id == live.bot.id]


@pytest.mark.parametrize("where", ["group", "1:1"])
def test_the_card_that_said_pending_says_done_when_the_file_comes(live: LiveBot, where: str) -> None:
    report = live.partner_report(status="In progress")
    line = live.at(live.ada, live.group if where == "group" else None).says(f"report {report.id}")
    assert "● In progress" in line.card().shown

    live.emulator.world.set_report(report.id, status="done")

    assert line.file().content == CSV
    card = only_card(live, line, "● Ready")
    assert "The file follows below." in card.shown
    assert set(card.buttons) == {"Send again", "Refresh", "Run again", "Why?"}
    assert kinds(line) == ["card", "file"]


def test_a_report_that_was_done_at_once_keeps_its_card(live: LiveBot) -> None:
    report = live.partner_report()
    line = live.at(live.ada).says(f"report {report.id}")
    card = line.card()

    line.file()

    settled(live)
    assert not card.message.deleted
    assert live.emulator.calls.calls_to("DELETE", "/v1/messages/*") == []


def test_a_watched_report_that_fails_is_told_by_its_card_alone(live: LiveBot) -> None:
    report = live.partner_report("Broken & <bent>", status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    line.card()

    live.emulator.world.set_report(report.id, status="failed")

    card = only_card(live, line, FAILED)
    assert "Broken & \N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}bent" in card.shown
    assert "Webex couldn't generate this report." in card.words, "clients that show no cards read the same"
    settled(live)
    assert kinds(line) == ["card"]
    ada.presses(card, "Why?")
    assert any(" asked in **Admin reports** on " in heard.shown for heard in line.answers(2))


@pytest.mark.parametrize("settings", [{"WATCH_DEADLINE": "1"}])
def test_a_watch_whose_time_is_over_is_told_by_its_card_alone(live: LiveBot) -> None:
    report = live.partner_report("Slow", status="manual_processing")
    began = time.monotonic()
    line = live.at(live.ada).says(f"report {report.id}")
    line.card()

    card = only_card(live, line, "● Stopped waiting")

    told = re.search(r"wasn't ready after (\d+) s, so I stopped waiting\.", card.shown)
    assert told
    assert 1 <= int(told[1]) <= max(1, round(time.monotonic() - began))
    assert set(card.buttons) == {"Ask again", "Why?"}
    settled(live)
    assert kinds(line) == ["card"]


def test_a_report_whose_file_may_not_be_posted_is_told_by_its_card_alone(live: LiveBot) -> None:
    report = live.partner_report("Odd", html_error=True)

    line = live.at(live.ada).says(f"report {report.id}")

    card = only_card(live, line, "● Not sent")
    assert "web page instead of the report" in card.shown
    assert set(card.buttons) == {"Send again", "Why?"}
    assert kinds(line) == ["card"]


def test_the_refreshed_card_is_the_one_that_says_done(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    first = line.card()
    live.emulator.world.set_report(report.id, status="In progress")
    ada.presses(first, "Refresh")
    refreshed = only_card(live, line, "● In progress")
    assert "I'll stop waiting on " in refreshed.shown, "it tells as much as the first"

    live.emulator.world.set_report(report.id, status="done")

    assert line.file().content == CSV
    only_card(live, line, "● Ready")
    assert first.message.deleted
    assert refreshed.message.deleted
    assert kinds(line) == ["card", "file"]


def test_who_asks_later_is_told_by_a_card_of_their_own(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    first = live.at(live.ada, live.group).says(f"report {report.id}")
    first.card()
    live.on_record(report.id, State.OPEN)
    second = live.at(live.grace, live.group).says(f"report {report.id}")
    assert "Someone here already asked for this report." in second.card().shown

    live.emulator.world.set_report(report.id, status="done")

    first.file()
    assert "in the thread of the person who asked first" in only_card(live, second, "● Ready").shown
    assert kinds(second) == ["card"]


def test_who_asks_later_hears_that_it_failed(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    lines = [live.at(person, live.group).says(f"report {report.id}") for person in (live.ada, live.grace)]
    for line in lines:
        line.card()

    live.emulator.world.set_report(report.id, status="failed")

    for line in lines:
        only_card(live, line, FAILED)


def test_the_card_of_a_canceled_request_says_so(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")

    ada.presses(line.card(), "Cancel")

    card = only_card(live, line, "● Canceled")
    assert "I won't post this report here." in card.shown
    assert kinds(line) == ["card"]
    ada.presses(card, "Ask again")
    line.answers(2)
    live.emulator.world.set_report(report.id, status="done")
    assert line.file().content == CSV


def test_a_cancel_in_another_thread_is_answered_there_and_shown_by_the_card(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    answer = ada.says(f"cancel {report.id}")

    assert "Canceled" in answer.answer().words
    only_card(live, line, "● Canceled")


def test_a_request_that_somebody_else_cancels_is_told_by_its_card(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    live.at(live.grace, live.group).says(f"cancel {report.id}")

    assert "Another administrator canceled" in only_card(live, line, "● Canceled").shown
    assert kinds(line) == ["card"]


@pytest.mark.parametrize("status", [403, 500])
def test_a_card_that_webex_does_not_let_us_delete_holds_nothing_up(live: LiveBot, status: int) -> None:
    report = live.partner_report(status="waiting")
    line = live.at(live.ada).says(f"report {report.id}")
    line.card()
    live.emulator.faults.add(method="DELETE", path="/v1/messages/*", status=status)

    live.emulator.world.set_report(report.id, status="done")

    assert line.file().content == CSV
    assert kinds(line) == ["card", "card", "file"]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403}, {"cut": "before"}])
def test_a_card_that_cannot_be_renewed_holds_nothing_up(live: LiveBot, fault: dict[str, object]) -> None:
    report = live.partner_report(status="waiting")
    line = live.at(live.ada).says(f"report {report.id}")
    line.card()
    live.emulator.faults.add(method="POST", path="/v1/messages", times=1, **fault)  # type: ignore[arg-type]

    live.emulator.world.set_report(report.id, status="done")

    assert line.file().content == CSV
    assert [one for one in kinds(line) if one not in {"card", "file"}] == []


def test_a_card_with_details_is_taken_from_a_space_that_an_outsider_has_joined(live: LiveBot) -> None:
    report = live.partner_report("Secret Merger Usage", status="waiting")
    ada = live.at(live.ada, live.group)
    card = ada.says(f"report {report.id}").card()
    live.emulator.world.join(live.group, live.ethan)

    live.emulator.world.set_report(report.id, status="failed")

    told = ada.hears_privately("couldn't generate")
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert FAILED in told.shown
    assert ["external people" in (one.text or "") for one in bot_says(live, live.group)] == [True]


def test_a_file_that_goes_to_the_person_at_the_last_moment_takes_its_card_along(live: LiveBot) -> None:
    report = live.partner_report("Secret Merger Usage", status="waiting")
    ada = live.at(live.ada, live.group)
    card = ada.says(f"report {report.id}").card()
    live.emulator.world.join(live.group, live.ethan)

    live.emulator.world.set_report(report.id, status="done")

    ada.hears_privately("2 rows")
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert ["external people" in (one.text or "") for one in bot_says(live, live.group)] == [True]
    private = bot_says(live, live.at(live.ada).space)
    assert ["● Ready" in BotMessage(one).shown if one.card else bool(one.files) for one in private] == [True, True]


def test_somebody_who_is_refused_meanwhile_is_told_in_a_sentence_and_the_card_goes(
    live: LiveBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.webex.people.REMEMBERED_SECONDS", 0.0)
    report = live.partner_report(status="waiting")
    line = live.at(live.grace, live.group).says(f"report {report.id}")
    card = line.card()
    live.grace.roles = []

    live.emulator.world.set_report(report.id, status="done")

    line.hears("Only Webex administrators can get this report.")
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert ["Only Webex administrators" in said for said in kinds(line)] == [True]


def test_a_card_that_stands_by_itself_to_the_person_follows_too(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    live.at(live.ada, live.outside).says(f"report {report.id}")
    ada = live.at(live.ada)
    card = ada.hears_privately("In progress")
    ada.presses(card, "Refresh")
    live.emulator.world.wait_for(lambda _: card.message.deleted)

    live.emulator.world.set_report(report.id, status="done")

    ada.hears_privately("2 rows")
    live.on_record(report.id, State.DELIVERED)
    private = bot_says(live, ada.space)
    assert ["● Ready" in BotMessage(one).shown if one.card else bool(one.files) for one in private] == [True, True]


class FileInParts:
    """A large file that comes in three parts, each of the later ones when the test says so."""

    def __init__(self) -> None:
        self.more = threading.Semaphore(0)
        self.size = 9_000_000

    def content(self) -> Iterator[bytes]:
        part = b"Ada,12,34\r\n" * (self.size // 11 // 3)
        yield part
        for _ in range(2):
            assert self.more.acquire(timeout=20)
            yield part
        yield b"\n" * (self.size - 3 * len(part))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is told at once."""
    monkeypatch.setattr(progress, "LONG", 0.05)
    monkeypatch.setattr(progress, "EVERY", 0.02)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["group", "1:1"])
def test_a_long_download_tells_how_far_it_is_and_tidies_up(live: LiveBot, where: str) -> None:
    file = FileInParts()
    report = live.partner_report(content=file.content, size=file.size, checksum=None)
    line = live.at(live.ada, live.group if where == "group" else None).says(f"report {report.id}")

    told = line.hears("Downloading the file: ")

    def comes_to(least: int) -> None:
        live.emulator.world.wait_for(lambda _: int(told.words.split()[3]) >= least, timeout=15)

    assert told.words.endswith(" % of 9.0 MB.")
    assert told.card is None
    comes_to(20)
    file.more.release()
    comes_to(50)
    file.more.release()
    line.file()
    live.emulator.world.wait_for(lambda _: told.message.deleted, timeout=15)
    assert kinds(line) == ["card", "file"]


@pytest.mark.usefixtures("impatient")
def test_a_long_download_that_fails_leaves_no_line_behind(live: LiveBot) -> None:
    file = FileInParts()
    names = iter([b"Ada", b"Eve"])

    def another_each_time() -> Iterator[bytes]:
        name = next(names)
        return (piece.replace(b"Ada", name) for piece in file.content())

    report = live.partner_report(content=another_each_time, size=file.size, checksum="0" * 32)
    line = live.at(live.ada).says(f"report {report.id}")
    told = line.hears("Downloading the file")

    for _ in range(4):
        file.more.release()

    only_card(live, line, "● Not sent")
    live.emulator.world.wait_for(lambda _: told.message.deleted, timeout=15)
    assert kinds(line) == ["card"]
