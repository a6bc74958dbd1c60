"""Calls that do not verify: counted over five minutes, limited by address, summed up in the log."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from bot.web.rejected_calls import (
    LINE_EVERY,
    MINUTE,
    MOST_A_MINUTE,
    MOST_ADDRESSES,
    OTHER_ADDRESSES,
    SLOT,
    WINDOW,
    RejectedCalls,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rejected(clock: Clock) -> RejectedCalls:
    return RejectedCalls(clock)


def test_the_window_rolls(rejected: RejectedCalls, clock: Clock) -> None:
    for _ in range(7):
        rejected.record("a", "webhook_not_verified")
    clock.now += WINDOW - SLOT
    rejected.record("a", "webhook_not_verified")
    assert rejected.count() == 8
    clock.now += 2 * SLOT
    assert rejected.count() == 1
    clock.now += WINDOW
    assert rejected.count() == 0


def test_an_address_that_calls_too_often_is_told_when_its_minute_ends(rejected: RejectedCalls, clock: Clock) -> None:
    assert [rejected.record("a", "x") for _ in range(MOST_A_MINUTE)] == [None] * MOST_A_MINUTE
    clock.now += 17.5
    assert rejected.record("a", "x") == 43
    assert rejected.record("b", "x") is None
    clock.now += MINUTE
    assert rejected.record("a", "x") is None


def test_memory_is_bounded_for_any_number_of_addresses(rejected: RejectedCalls, clock: Clock) -> None:
    for number in range(MOST_ADDRESSES + MOST_A_MINUTE):  # those above the most share one count
        assert rejected.record(f"address {number}", "x") is None
    assert rejected.record("one more", "x") is not None
    assert len(rejected._addresses) == MOST_ADDRESSES + 1
    assert OTHER_ADDRESSES in rejected._addresses
    for _ in range(1000):
        clock.now += 1
        rejected.record("a", "x")
    assert len(rejected._slots) <= WINDOW / SLOT + 1


def test_a_flood_is_one_line_a_second_that_says_how_many(rejected: RejectedCalls, clock: Clock) -> None:
    with capture_logs() as lines:
        rejected.record("a", "webhook_not_verified", bytes=2)
        for _ in range(50):
            rejected.record("a", "webhook_not_verified", bytes=2)
            rejected.record("b", "webhook_too_large", bytes=70_000)
        clock.now += LINE_EVERY
        rejected.record("a", "webhook_cut_off", cause="shorter than announced")
    shared = {"event": "webhook_calls_rejected", "log_level": "warning"}
    assert lines == [
        shared | {"webhook_not_verified": 1, "last_5_minutes": 1, "last": "webhook_not_verified", "bytes": 2},
        shared
        | {"webhook_not_verified": 50, "webhook_too_large": 50, "webhook_cut_off": 1}
        | {"last_5_minutes": 102, "last": "webhook_cut_off", "cause": "shorter than announced"},
    ]


def test_threads_may_share_it() -> None:
    rejected = RejectedCalls()
    with capture_logs():
        threads = [
            threading.Thread(target=lambda: [rejected.record("a", "x") for _ in range(500)]) for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rejected.count() == 4000
