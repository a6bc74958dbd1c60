"""Who comes at the same time is served together, and nobody is lost or kept waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bot.db.group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_alone_it_is_a_plain_call() -> None:
    done: list[list[int]] = []
    together: GroupCommit[int] = GroupCommit(lambda batch: done.append(list(batch)))

    together(1)
    together(2)

    assert done == [[1], [2]]


def test_who_comes_while_one_is_under_way_is_served_by_the_next() -> None:
    done: list[list[int]] = []
    inside, go = threading.Event(), threading.Event()

    def slow(batch: Sequence[int]) -> None:
        inside.set()
        assert go.wait(5)
        done.append(list(batch))

    together: GroupCommit[int] = GroupCommit(slow)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(together, 0)
        assert inside.wait(5)
        others = [pool.submit(together, number) for number in range(1, 20)]
        while len(together._waiting) < 19:
            threading.Event().wait(0.001)
        go.set()
        for one in (first, *others):
            one.result(timeout=5)

    assert done[0] == [0]
    assert sorted(done[1]) == list(range(1, 20)), "nineteen in one"


def test_everybody_is_served_once_however_they_come() -> None:
    done: list[int] = []
    together: GroupCommit[int] = GroupCommit(done.extend)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(together, range(2000)))

    assert sorted(done) == list(range(2000))


def test_an_error_is_raised_to_all_of_its_batch_and_to_nobody_else() -> None:
    def odd(batch: Sequence[int]) -> None:
        if 13 in batch:
            raise ValueError("thirteen")

    together: GroupCommit[int] = GroupCommit(odd)

    with pytest.raises(ValueError, match="thirteen"):
        together(13)
    together(14)
