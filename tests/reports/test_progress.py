"""The message that tells how far a long download is: seldom, ten edits at most, never in the way, deleted after all."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.db.requests import State
from bot.errors import DatabaseUnavailable, WebexError
from bot.messages.progress import NOTHING, WORDS, Figures, Stage, percent, words
from bot.queue import tasks
from bot.reports import progress
from bot.reports.progress import MOST_EDITS, ProgressMessage, worth_it
from bot.reports.wanted_messages import Slot, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.requests import Request
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

POSTS = "/v1/messages"
SOON = 10.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is told at once."""
    monkeypatch.setattr(progress, "LONG", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.001)


def fetching(stepped: SteppedBot) -> Request:
    """Return a request in the group space whose file is about to be downloaded."""
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    return stepped.request()


def lines(stepped: SteppedBot, *spaces: Space | None) -> list[Message]:
    """In these spaces (None: 1:1 with Ada), or the group space."""
    return [
        one for space in spaces or [stepped.setup.group] for one in stepped.said(space) if WORDS in (one.text or "")
    ]


def shows(stepped: SteppedBot, words: str) -> None:
    """Wait for a line with these words."""
    stepped.world.wait_for(lambda _: [one.text for one in lines(stepped)] == [words], timeout=SOON)


def progress_of(stepped: SteppedBot, waiting: Callable[[], list[Request]]) -> ProgressMessage:
    return ProgressMessage(stepped.outbox, stepped.thread.report_messages, waiting, "partner")


def fetched(came: int, total: int = 0) -> Figures:
    return Figures(Stage.FETCHING, came, total)


def test_a_short_download_is_not_told(stepped: SteppedBot) -> None:
    request = fetching(stepped)
    stepped.emulator.calls.clear()

    with progress_of(stepped, lambda: [request]) as one:
        for came in range(0, 1001, 10):
            one(came, 1000)

    assert len(stepped.emulator.calls) == 0


@pytest.mark.usefixtures("impatient")
def test_the_message_is_edited_and_deleted_at_the_end(stepped: SteppedBot) -> None:
    request = fetching(stepped)
    with progress_of(stepped, lambda: [request]) as one:
        one(34_000_000, 85_000_000)
        shows(stepped, f"{WORDS}: 40 % of 85.0 MB.")
        (first,) = lines(stepped)
        one(42_000_000, 85_000_000)  # 49 %: not worth an edit
        one(51_000_000, 85_000_000)
        shows(stepped, f"{WORDS}: 60 % of 85.0 MB.")
        assert (lines(stepped)[0].id, first.edits) == (first.id, 1)

    assert lines(stepped) == []


@pytest.mark.usefixtures("impatient")
def test_a_message_that_was_edited_ten_times_is_replaced(stepped: SteppedBot) -> None:
    """Here the size is not known, so there is no end of them; Webex refuses an eleventh edit."""
    request = fetching(stepped)
    seen: dict[str, int] = {}
    with progress_of(stepped, lambda: [request]) as one:
        for number in range(2 * MOST_EDITS + 2):
            one(1000 * 2**number)
            shows(stepped, words(fetched(1000 * 2**number)))
            (there,) = lines(stepped)
            seen[there.id] = there.edits
    assert list(seen.values()) == [MOST_EDITS, MOST_EDITS]
    assert lines(stepped) == []


@pytest.mark.usefixtures("impatient")
def test_threads_that_come_to_wait_are_told_too_and_those_that_go_no_more(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    for space in (stepped.setup.group, None):
        stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work(until=tasks.DELIVER)
    first, second = stepped.request(1), stepped.request(2)
    there = [first]
    with progress_of(stepped, lambda: list(there)) as one:
        one(10, 100)
        shows(stepped, f"{WORDS}: 10 % of 100 bytes.")
        assert lines(stepped, None) == []

        there[:] = [first, second]
        stepped.world.wait_for(lambda _: len(lines(stepped, None)) == 1, timeout=SOON)

        there[:] = [second]
        stepped.world.wait_for(lambda _: lines(stepped) == [], timeout=SOON)
        assert len(lines(stepped, None)) == 1
    assert lines(stepped, None) == []


@pytest.mark.usefixtures("impatient")
def test_a_long_upload_is_told_too(stepped: SteppedBot) -> None:
    request = fetching(stepped)
    with progress_of(stepped, lambda: [request]) as one:
        one(100, 100)
        one.posting()
        shows(stepped, f"{WORDS}: done; posting it now.")
        one.posted(request)
        assert lines(stepped) == []
    assert stepped.calls("POST", POSTS) == 2, "the card and one line: what was posted is not talked about again"


@pytest.mark.usefixtures("impatient")
def test_without_the_database_nothing_is_told_and_the_download_goes_on(stepped: SteppedBot) -> None:
    fetching(stepped)
    asked = threading.Event()

    def away() -> list[Request]:
        asked.set()
        raise DatabaseUnavailable(OSError())

    with progress_of(stepped, away) as one:
        one(10, 100)
        assert asked.wait(SOON)
    assert lines(stepped) == []


@pytest.mark.threads_listed
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 429}, {"status": 503}, {"cut": "after"}])
def test_a_message_that_cannot_be_sent_is_not_tried_over_and_over(
    stepped: SteppedBot, fault: dict[str, object]
) -> None:
    request = fetching(stepped)
    refused = stepped.emulator.faults.add(method="POST", path=POSTS, **fault)  # type: ignore[arg-type]
    asked = threading.Semaphore(0)

    def waiting() -> list[Request]:
        asked.release()
        return [request]

    with progress_of(stepped, waiting) as one:
        one(10, 1000)
        for _ in range(20):
            assert asked.acquire(timeout=SOON)
    assert refused.hits == 1
    assert lines(stepped) == [], "what was said unnoticed is looked for"


@pytest.mark.usefixtures("impatient")
def test_a_message_that_a_kill_left_behind_is_used_again(stepped: SteppedBot) -> None:
    request = fetching(stepped)
    stepped.outbox.send(name_of(request, Slot.PROGRESS), request.target, words(fetched(10, 100)))
    stepped.restart()

    with progress_of(stepped, lambda: [request]) as one:
        one(50, 100)
        shows(stepped, f"{WORDS}: 50 % of 100 bytes.")

    assert lines(stepped) == []
    assert stepped.calls("POST", POSTS) == 2, "the card and one line"


@pytest.mark.threads_listed
def test_a_message_that_a_kill_left_behind_is_deleted_when_the_file_is_delivered(stepped: SteppedBot) -> None:
    request = fetching(stepped)
    stepped.emulator.faults.add(method="POST", path=POSTS, cut="after", times=1)
    with pytest.raises(WebexError):
        stepped.outbox.send(name_of(request, Slot.PROGRESS), request.target, words(fetched(10, 100)))
    assert len(lines(stepped)) == 1

    stepped.wait(1)

    assert stepped.request().state is State.DELIVERED
    assert lines(stepped) == []


@pytest.mark.usefixtures("impatient")
def test_a_message_that_webex_does_not_delete_holds_nothing_up(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(method="DELETE", path=f"{POSTS}/*", status=403)
    request = fetching(stepped)
    with progress_of(stepped, lambda: [request]) as one:
        one(10, 100)
        shows(stepped, f"{WORDS}: 10 % of 100 bytes.")
        one.posted(request)
    assert len(lines(stepped)) == 1


def test_without_threads_nothing_is_told_and_the_download_goes_on(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = fetching(stepped)

    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", none_left)
    with progress_of(stepped, lambda: [request]) as one:
        one(10, 100)


@given(st.lists(st.integers(0, 10**9), max_size=200), st.integers(1, 10**9))
def test_edits_are_ten_per_cent_apart_and_so_at_most_ten(pieces: list[int], total: int) -> None:
    shown, said = NOTHING, []
    for came in sorted(pieces):
        if worth_it(shown, fetched(came, total)):
            shown = fetched(came, total)
            said.append(percent(shown))
    assert all(after - before >= 10 for before, after in pairwise(said))
    assert len(said) <= 1 + MOST_EDITS


def test_a_download_that_begins_again_is_told() -> None:
    assert worth_it(fetched(90, 100), fetched(3, 100))
    assert worth_it(fetched(90, 0), fetched(3, 0))


def test_cutting_into_parts_is_told_in_the_same_line() -> None:
    cutting = Figures(Stage.CUTTING, 5_000_000, 10_000_000)
    assert worth_it(fetched(90, 100), cutting)
    assert words(cutting) == f"{WORDS}: done; splitting it into parts, 50 %."


def test_converting_is_told_in_the_same_line() -> None:
    converting = Figures(Stage.CONVERTING)
    assert worth_it(fetched(100, 100), converting)
    assert words(converting) == f"{WORDS}: done; converting it."
