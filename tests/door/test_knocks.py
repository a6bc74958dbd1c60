"""Calls that do not verify: counted over five minutes, slowed down by address, summed up in the log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bot.errors import StoreUnavailable
from bot.web.knocks import EVERYBODY_ELSE, GRAIN, MINUTE, MOST_A_MINUTE, MOST_ADDRESSES, WINDOW, Knocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 5.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def at_rest(knocks: Knocks) -> bool:
    return knocks._teller is None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Set when the test is over, so that no thread outlives it."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def knocks(clock) -> Iterator[Knocks]:
    made = Knocks(clock=clock, line_every=0.02)
    yield made
    until(lambda: at_rest(made))


def test_the_window_rolls(knocks, clock):
    for _ in range(7):
        knocks.note("a", "webhook_not_verified")
    clock.now += WINDOW - GRAIN
    knocks.note("a", "webhook_not_verified")
    assert knocks.lately() == 8
    clock.now += 2 * GRAIN
    assert knocks.lately() == 1
    clock.now += WINDOW
    assert knocks.lately() == 0


def test_an_address_that_comes_too_often_is_told_when_its_minute_is_over(knocks, clock):
    assert [knocks.note("a", "x") for _ in range(MOST_A_MINUTE)] == [None] * MOST_A_MINUTE
    clock.now += 17.5
    assert knocks.note("a", "x") == 43
    assert knocks.note("b", "x") is None
    clock.now += MINUTE
    assert knocks.note("a", "x") is None


def test_memory_is_bounded_whatever_addresses_come(knocks, clock):
    for number in range(MOST_ADDRESSES + MOST_A_MINUTE):  # those above the most share one count
        assert knocks.note(f"address {number}", "x") is None
    assert knocks.note("one more", "x") is not None
    assert len(knocks._addresses) == MOST_ADDRESSES + 1
    assert EVERYBODY_ELSE in knocks._addresses
    for _ in range(1000):
        clock.now += 1
        knocks.note("a", "x")
    assert len(knocks._grains) <= WINDOW / GRAIN + 1


def test_a_flood_is_a_line_now_and_then_that_says_how_many():
    knocks = Knocks(line_every=0.1)
    began = time.monotonic()
    with capture_logs() as lines:
        for number in range(2000):
            knocks.note(f"address {number % 7}", "webhook_too_large" if number % 2 else "webhook_not_verified", bytes=2)
        until(lambda: at_rest(knocks))
    took = time.monotonic() - began
    assert len(lines) <= 2 + took / 0.1
    assert lines[0] == {"event": "webhook_not_verified", "log_level": "warning", "bytes": 2}
    for what in ("webhook_not_verified", "webhook_too_large"):
        assert sum(line.get(what, 0) + (line["event"] == what) for line in lines) == 1000
    sums = [line for line in lines if line["event"] == "webhooks_not_taken"]
    assert sums[-1]["last_5_minutes"] == 2000
    assert sums[-1]["addresses_this_minute"] == 7


def test_the_figure_is_kept_from_another_thread_while_it_changes_until_it_is_nothing(clock, stop):
    kept: list[tuple[int, bool]] = []
    main = threading.get_ident()
    knocks = Knocks(
        lambda number: kept.append((number, threading.get_ident() != main)),
        clock=clock,
        line_every=0.005,
        keep_every=1,
        stop=stop,
    )
    for _ in range(3):
        knocks.note("a", "x")
    until(lambda: kept == [(3, True)])
    knocks.note("a", "x")
    clock.now += 2
    until(lambda: kept[1:] == [(4, True)])
    clock.now += 90  # the same figure, said anew so that it does not look old
    until(lambda: kept[2:] == [(4, True)])
    clock.now += WINDOW
    until(lambda: kept[3:] == [(0, True)])
    until(lambda: at_rest(knocks))
    knocks.note("a", "x")
    clock.now += 2
    until(lambda: kept[4:] == [(1, True)])


def test_a_database_that_is_away_is_tried_again(clock, stop):
    kept: list[int] = []
    away = [StoreUnavailable(OSError()), StoreUnavailable(OSError())]

    def keep(number: int) -> None:
        if away:
            raise away.pop()
        kept.append(number)

    knocks = Knocks(keep, clock=clock, line_every=0.005, keep_every=0.0, stop=stop)
    with capture_logs():
        knocks.note("a", "x")
        until(lambda: kept == [1])


def test_a_crash_of_the_thread_is_logged_and_the_next_call_has_a_new_one(clock, stop):
    numbers: list[int] = []

    def keep(number: int) -> None:
        numbers.append(number)
        raise RuntimeError("a bug")

    knocks = Knocks(keep, clock=clock, line_every=0.005, keep_every=0.0, stop=stop)
    with capture_logs() as lines:
        for wanted in (1, 2):
            knocks.note("a", "x")
            until(lambda: at_rest(knocks))
            assert len(numbers) == wanted
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["knocks_crashed"] * 2


def test_when_the_process_stops_what_is_unsaid_is_said_and_the_thread_ends(clock, stop):
    knocks = Knocks(lambda _: None, clock=clock, line_every=60, stop=stop)
    with capture_logs() as lines:
        for _ in range(3):
            knocks.note("a", "x")
        stop.set()
        until(lambda: at_rest(knocks))
    assert [line.get("x") for line in lines] == [None, 2]


def test_when_the_system_has_no_room_for_a_thread_the_call_is_answered_and_the_next_one_has_it(knocks, monkeypatch):
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    assert knocks.note("a", "x") is None
    monkeypatch.undo()
    with capture_logs() as lines:
        knocks.note("a", "x")
        until(lambda: at_rest(knocks))
    assert [line.get("x") for line in lines] == [1]


def test_threads_may_share_it():
    knocks = Knocks(line_every=0.01)
    with capture_logs():
        threads = [
            threading.Thread(target=lambda: [knocks.note("a", "x") for _ in range(500)], name=f"forger {number}")
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: at_rest(knocks))
    assert knocks.lately() == 4000
