"""The fair lock: first come, first served, and no turn is lost when one gives up waiting."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bot.db.fair_lock import FairLock
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held(lock: FairLock, patience: float) -> Iterator[None]:
    lock.acquire(patience)
    try:
        yield
    finally:
        lock.release()


def _start(target) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def _until_waiting(turns: FairLock, number: int) -> None:
    until(lambda: len(turns._waiting) >= number, f"{number} threads wait")


def test_waiters_come_in_the_order_of_asking():
    turns = FairLock()
    order: list[int] = []
    threads = []

    def take(number: int) -> None:
        with held(turns, 5):
            order.append(number)

    with held(turns, 5):
        for number in range(6):
            threads.append(_start(lambda number=number: take(number)))
            _until_waiting(turns, number + 1)
    for thread in threads:
        thread.join()
    assert order == list(range(6))


def test_one_that_loses_patience_is_left_out_and_the_rest_go_on():
    turns = FairLock()
    came = []

    def impatient() -> None:
        with pytest.raises(TimeoutError), held(turns, 0.02):
            pytest.fail("it was not its turn")

    def patient() -> None:
        with held(turns, 5):
            came.append(True)

    with held(turns, 5):
        first = _start(impatient)
        _until_waiting(turns, 1)
        second = _start(patient)
        first.join()
    second.join()
    assert came == [True]
    with held(turns, 0):
        pass


def test_many_threads_with_little_patience_never_meet_and_never_lose_the_turn():
    turns = FairLock()
    inside = []
    most = []

    def fight() -> None:
        for _ in range(100):
            try:
                with held(turns, 0.001):
                    inside.append(1)
                    most.append(len(inside))
                    time.sleep(0.0002)
                    inside.pop()
            except TimeoutError:
                continue

    threads = [_start(fight) for _ in range(6)]
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    with held(turns, 0):
        pass
