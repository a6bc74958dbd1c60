"""One thread waits for all timers; what is canceled in time is never called."""

from __future__ import annotations

import threading

from bot.reports.timers import Timers

SOON = 10.0
NEVER = 3600.0


def test_a_timer_calls_when_it_is_due_whatever_was_started_before() -> None:
    timers, called = Timers(), threading.Event()
    timers.start(NEVER, called.clear)
    timers.start(0.01, called.set)
    assert called.wait(SOON)


def test_a_canceled_timer_does_not_call() -> None:
    timers, called, other = Timers(), threading.Event(), threading.Event()
    timers.cancel(timers.start(0.02, called.set))
    timers.start(0.05, other.set)
    assert other.wait(SOON)
    assert not called.is_set()


def test_a_call_that_takes_long_holds_up_no_other() -> None:
    timers, end, other = Timers(), threading.Event(), threading.Event()
    long = timers.start(0.0, end.wait)
    timers.start(0.01, other.set)
    assert other.wait(SOON)
    end.set()
    timers.cancel(long)


def test_to_cancel_a_call_that_is_under_way_waits_for_its_end() -> None:
    timers, begun, ended, end = Timers(), threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        assert end.wait(SOON)
        ended.set()

    timer = timers.start(0.0, call)
    assert begun.wait(SOON)
    threading.Timer(0.05, end.set).start()
    timers.cancel(timer)
    assert ended.is_set()


def test_timers_that_wait_have_one_thread() -> None:
    def threads() -> int:
        return sum(one.name == "timers" for one in threading.enumerate())

    timers, before = Timers(), threads()
    for _ in range(100):
        timers.start(NEVER, print)
    assert threads() == before + 1
