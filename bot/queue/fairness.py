"""Choose which jobs start next: people take turns, and tasks that take long have a few threads of their own.

First come, first served would have everyone wait for twenty reports or a hundred messages of one person. And a thread
that waits for a file answers nobody, so the task that does this has a lane: a number of threads, all of them its own.
While a crowd waits for first answers, it has a few of those only: all threads share one processor.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bot.queue.jobs import Claim

COMMON: Final = ""
"""The lane of all tasks that have none of their own."""
SPARE_SHARE: Final = 4
"""One thread in so many is kept from each person, so that others find one when all of that person's jobs hang."""
CROWD_SHARE: Final = 4
"""Jobs that run, and people who wait, for one in so many of the common threads are a crowd…"""
LANE_IN_CROWD: Final = 2
"""…in which so many threads of each other lane start jobs."""
MOST_REMEMBERED: Final = 4096
"""People whose last turn is remembered; when there are more, all are forgotten."""


class Due(Protocol):
    """The jobs that are due and do not run."""

    def waiting(self) -> Iterable[tuple[str, str]]:
        """Return each task and person that have such a job, the oldest job's first."""

    def first(self, task: str, person: str, taken: Collection[int], locks: Collection[str]) -> Claim | None:
        """Return that person's next job of the task, apart from the rows taken already and jobs under these locks."""


class FairScheduler:
    """Choose jobs and remember who had a turn; for one thread only."""

    def __init__(self) -> None:
        self._number = itertools.count(1)
        self._last: dict[str, int] = {}

    @staticmethod
    def without_room(running: Collection[Claim], threads: Mapping[str, int]) -> set[str]:
        """Return the lanes in which no job can start beside those that run, whichever are due."""
        load = Counter(lane_of(claim.job.task, threads) for claim in running)
        crowded = _is_crowd(load[COMMON], threads)
        return {lane for lane in threads if load[lane] >= _most(lane, threads, crowded=crowded)}

    def choose(
        self, due: Due, running: Collection[Claim], threads: Mapping[str, int], locked: Collection[str] = ()
    ) -> list[Claim]:
        """Choose a job for each free thread; `threads` is how many each lane has, busy or not.

        `locked`: locks under which jobs run in other workers.

        The next turn is of the person with the fewest jobs running in the lane; among equals, of the one whose last
        turn is longest ago. Jobs of no person (a watch, a clean-up) take turns as one person's do.
        """
        locks = {claim.job.lock for claim in running if claim.job.lock is not None}.union(locked)
        load = Counter((lane_of(claim.job.task, threads), claim.person) for claim in running)
        chosen: list[Claim] = []
        taken: set[int] = set()
        # A person's tasks in the order of their oldest job.
        waiting: dict[tuple[str, str], list[str]] = {}
        for task, person in due.waiting():
            waiting.setdefault((lane_of(task, threads), person), []).append(task)
        crowd = sum(count for (lane, _), count in load.items() if lane == COMMON)
        crowd += sum(len(tasks) for (lane, _), tasks in waiting.items() if lane == COMMON)
        crowded = _is_crowd(crowd, threads)
        for lane in threads:
            number = _most(lane, threads, crowded=crowded)
            free = number - sum(count for (of, _), count in load.items() if of == lane)
            people = [person for of, person in waiting if of == lane]
            while free > 0 and people:
                person = min(people, key=lambda one: (load[lane, one], self._last.get(one, 0)))
                claim = None
                if load[lane, person] < _most_of_one(number, person):
                    found = (due.first(task, person, taken, locks) for task in waiting[lane, person])
                    claim = next((one for one in found if one is not None), None)
                if claim is None:
                    people.remove(person)
                    continue
                chosen.append(claim)
                taken.add(claim.id)
                if claim.job.lock is not None:
                    locks.add(claim.job.lock)
                load[lane, person] += 1
                free -= 1
                self._had_turn(person)
        return chosen

    def _had_turn(self, person: str) -> None:
        if len(self._last) >= MOST_REMEMBERED:
            self._last.clear()
        self._last[person] = next(self._number)


def _is_crowd(number: int, threads: Mapping[str, int]) -> bool:
    return number >= max(1, threads[COMMON] // CROWD_SHARE)


def _most(lane: str, threads: Mapping[str, int], *, crowded: bool) -> int:
    """Return how many jobs of a lane may run for another one to start."""
    return threads[lane] if lane == COMMON or not crowded else min(threads[lane], LANE_IN_CROWD)


def _most_of_one(number: int, person: str) -> int:
    """Return how many of a lane's threads a person may have: not all. Jobs of no person may have all of a few."""
    return number - (number // SPARE_SHARE or int(number > 1 and person != ""))


def lane_of(task: str, lanes: Collection[str]) -> str:
    """Return the lane of a task."""
    return task if task in lanes else COMMON


def share_threads(threads: int, lanes: Mapping[str, int], started: int) -> dict[str, int]:
    """Return how many threads each lane has when `started` of those wanted could be started."""
    if started < threads + sum(lanes.values()):
        lanes = {lane: min(number, max(1, started // 4)) for lane, number in lanes.items()}
        threads = max(1, started - sum(lanes.values()))
    return {COMMON: threads, **lanes}
