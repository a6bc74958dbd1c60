"""Calls of the same moment share one transaction; none is lost or kept waiting."""

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
    commit: GroupCommit[int] = GroupCommit(lambda batch: done.append(list(batch)))

    commit(1)
    commit(2)

    assert done == [[1], [2]]


def test_calls_that_come_during_a_transaction_share_the_next_one() -> None:
    done: list[list[int]] = []
    inside, go = threading.Event(), threading.Event()

    def slow(batch: Sequence[int]) -> None:
        inside.set()
        assert go.wait(5)
        done.append(list(batch))

    commit: GroupCommit[int] = GroupCommit(slow)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(commit, 0)
        assert inside.wait(5)
        others = [pool.submit(commit, number) for number in range(1, 20)]
        while len(commit._waiting) < 19:
            threading.Event().wait(0.001)
        go.set()
        for one in (first, *others):
            one.result(timeout=5)

    assert done[0] == [0]
    assert sorted(done[1]) == list(range(1, 20)), "nineteen in one"


def test_each_call_is_done_exactly_once() -> None:
    done: list[int] = []
    commit: GroupCommit[int] = GroupCommit(done.extend)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(commit, range(2000)))

    assert sorted(done) == list(range(2000))


def test_an_error_is_raised_to_each_call_of_its_batch_and_to_no_other() -> None:
    def odd(batch: Sequence[int]) -> None:
        if 13 in batch:
            raise ValueError("thirteen")

    commit: GroupCommit[int] = GroupCommit(odd)

    with pytest.raises(ValueError, match="thirteen"):
        commit(13)
    commit(14)
