"""What the engines do alike with the rows of jobs, and which rows may start next."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.queue.fairness import COMMON, FairScheduler, lane_of
from bot.queue.jobs import Claim, Depth, Job, RetryLater
from bot.queue.statements import (
    DEPTH,
    DROP,
    FIRST_OF_LOCK,
    FORGET_PERSON,
    FORGET_PUTS,
    LONGEST_DUE,
    NEXT_DUE,
    OLDEST_WAITING,
    POSTPONE,
    POSTPONE_TASK,
    REMOVE,
    RESTART_WAITS,
    RUN_ONCE_MORE,
    RUNNING,
    WAITING,
    WINDOW,
    metadata,
    puts,
    soonest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Row

    from bot.db.database import Database, Transaction


@dataclass(frozen=True)
class Taken:
    """The jobs to start, and when others may."""

    claims: list[Claim]
    left: Collection[str]
    """Lanes: when a job in one of these ends, a due one may start that cannot start now."""
    seconds: float | None
    """Until the next one is due, if any."""


def _claim(row: Row[Any]) -> Claim:
    return Claim(row.id, Job(row.task, row.key, row.lock, row.attempt), row.person, row.again_due is not None)


class _Few:
    """All jobs that are due and do not run, in memory: the common case, in which nothing more is asked."""

    def __init__(self, rows: Sequence[Row[Any]]) -> None:
        self._of_person: dict[tuple[str, str], list[Row[Any]]] = {}
        self._under_lock: dict[str, list[Row[Any]]] = {}
        for row in rows:
            self._of_person.setdefault((row.task, row.person), []).append(row)
            if row.lock is not None:
                self._under_lock.setdefault(row.lock, []).append(row)

    def waiting(self) -> Iterable[tuple[str, str]]:
        return self._of_person

    def first(self, task: str, person: str, taken: Collection[int], locks: Collection[str]) -> Claim | None:
        for row in self._of_person.get((task, person), ()):
            if row.id in taken or row.lock in locks:
                continue
            if row.lock is not None:
                # A job that runs may have been put under this lock meanwhile: it must not overlap itself.
                same = (one for one in self._under_lock[row.lock] if one.id not in taken)
                return _claim(min(same, key=lambda one: one.place))
            return _claim(row)
        return None


class _Many:
    """More due jobs than are read at once: thousands of one person, or under one lock, must not hide the others."""

    def __init__(
        self, tx: Transaction, now: float, running: Collection[tuple[str, str]], full: Collection[str]
    ) -> None:
        self._tx = tx
        self._now = now
        self._full = full
        self._running = tx.execute(RUNNING, {"running": list(running)}).scalars().all()

    def waiting(self) -> Iterable[tuple[str, str]]:
        return [(row.task, row.person) for row in self._tx.execute(WAITING, {"now": self._now, "full": self._full})]

    def first(self, task: str, person: str, taken: Collection[int], locks: Collection[str]) -> Claim | None:
        but = {"now": self._now, "ids": [*self._running, *taken]}
        of_person = {"of_task": task, "of_person": person, "locks": list(locks)}
        row = self._tx.execute(LONGEST_DUE, but | of_person).one_or_none()
        if row is not None and row.lock is not None:
            # Another worker may have taken all of them meanwhile: then this one is refused when it is claimed.
            row = self._tx.execute(FIRST_OF_LOCK, but | {"of_lock": row.lock}).one_or_none() or row
        return None if row is None else _claim(row)


def _lanes_left(
    due: Collection[Row[Any]],
    claims: Collection[Claim],
    running: Collection[Claim],
    lanes: Mapping[str, int],
    full: Collection[str],
) -> set[str]:
    """Return the lanes of the jobs that were not chosen or not looked for, and of those that run under their locks.

    A job that runs and may have deleted its row already has one again when one like it was put: that waits for its end.
    """
    now_run = {(claim.job.task, claim.job.key): claim.ending for claim in (*running, *claims)}
    waiting = [row for row in due if now_run.get((row.task, row.key), True)]
    locks = {row.lock for row in waiting if row.lock is not None}
    holders = (claim for claim in (*running, *claims) if claim.job.lock in locks)
    left = {lane_of(row.task, lanes) for row in waiting} | {lane_of(claim.job.task, lanes) for claim in holders}
    left.update(full)
    busy = Counter(lane_of(claim.job.task, lanes) for claim in (*running, *claims))
    held_back = any(busy[lane] < lanes[lane] for lane in left if lane != COMMON)
    return left | {COMMON} if held_back else left  # by the crowd in that lane


class JobTable:
    """The rows, and what the one worker of this process does with them. `folder` is the worker's.

    Taking a job writes nothing: which jobs run is known in the worker's memory.
    """

    _one_snapshot = True
    """What is chosen is taken, so it is chosen in one snapshot."""

    def __init__(
        self, database: Database, folder: Path, *, clock: Callable[[], float] = time.time, channel: str = ""
    ) -> None:
        self._database = database
        self._folder = folder
        self.clock = clock
        self._puts = puts(database.dialect, channel)
        self._soonest = soonest(database.dialect)
        self._scheduler = FairScheduler()
        self._thread = threading.local()
        self._running: list[int] = []
        """The rows of the jobs that ran, or were chosen, when jobs were taken last."""

    def drop(self, tx: Transaction, task: str, keys: Collection[str]) -> None:
        """Remove the jobs of these keys, if `tx` commits; one that runs ends, and does not run again."""
        for key in keys:
            tx.execute(REMOVE, {"of_task": task, "of_key": key})

    def forget_person(self, tx: Transaction, person: str) -> None:
        """Take a person's jobs out of their turns: they run, and nothing tells any more whose they were."""
        tx.execute(FORGET_PERSON, {"of_person": person})

    def depth(self, tx: Transaction) -> Depth:
        """Count the jobs."""
        now = self.clock()
        row = tx.execute(DEPTH, {"now": now}).one()
        lag = max(0.0, now - row.oldest) if row.due else 0.0
        return {"due": row.due, "delayed": row.all - row.due, "oldest_due_seconds": lag}

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """Return for how long the oldest due job has waited for a thread, tasks `without` aside; 0.0 if none waits.

        Only the worker's process knows which jobs run; in any other, a running job counts as waiting.
        """
        now = self.clock()
        oldest = tx.execute(OLDEST_WAITING, {"now": now, "ids": self._running, "tasks": list(without)}).scalar()
        return 0.0 if oldest is None else max(0.0, now - oldest)

    def take(self, running: Collection[Claim], threads: Mapping[str, int]) -> Taken:
        """Choose jobs for the threads of each lane that are free beside the jobs `running`."""
        taken = self._chosen(running, threads)
        self._running = [claim.id for claim in (*running, *taken.claims)]
        put_again = [claim for claim in taken.claims if claim.put_again]
        if put_again:  # this run is what those puts asked for
            with self._database.begin(durable=False) as tx:
                for claim in put_again:
                    tx.execute(FORGET_PUTS, claim.where)
        return taken

    def _locked_elsewhere(self, tx: Transaction, due: Sequence[Row[Any]]) -> Collection[str]:  # noqa: ARG002
        """Return the locks of due jobs under which others run in other workers; only a shared table has such."""
        return ()

    def _chosen(self, running: Collection[Claim], threads: Mapping[str, int]) -> Taken:
        """Choose jobs beside those that run here."""
        full = self._scheduler.without_room(running, threads)
        if len(full) == len(threads):
            return Taken([], full, seconds=None)
        with self._database.read(snapshot=self._one_snapshot) as tx:
            return self._choose(tx, running, threads, full)

    def _choose(
        self, tx: Transaction, running: Collection[Claim], threads: Mapping[str, int], full: Collection[str]
    ) -> Taken:
        now = self.clock()
        without: dict[str, Any] = {"now": now, "full": sorted(full)}
        names = {(claim.job.task, claim.job.key) for claim in running}
        # One whose row may be deleted is looked for by its name: another job's row may have its id.
        ids = json.dumps([claim.id for claim in running if not claim.ending])
        rows = tx.execute(self._soonest, without | {"ids": ids}).all()
        due = [row for row in rows if row.due <= now]
        locks = self._locked_elsewhere(tx, due)
        if len(due) < WINDOW:
            ready = [row for row in due if (row.task, row.key) not in names]
            claims = self._scheduler.choose(_Few(ready), running, threads, locks)
            left: Collection[str] = _lanes_left(due, claims, running, threads, full)
            next_due = rows[len(due)].due if len(due) < len(rows) else None
        else:
            claims = self._scheduler.choose(_Many(tx, now, names, without["full"]), running, threads, locks)
            left = threads
            next_due = tx.execute(NEXT_DUE, without).scalar()
        return Taken(claims, left, seconds=None if next_due is None else max(0.0, next_due - now))

    @contextmanager
    def running(self, claim: Claim) -> Iterator[None]:
        """Note that this thread runs the job in the block, so that `finish` knows which one to end."""
        self._thread.claim = claim
        try:
            yield
        finally:
            self._thread.claim = None

    @property
    def current(self) -> Claim | None:
        """Return what this thread runs."""
        return getattr(self._thread, "claim", None)

    def finish(self, tx: Transaction) -> bool:
        """End the job that this thread runs, if `tx` commits: it needs no transaction of its own then.

        Only where nothing is left to do that must not be lost: what its handler returns or raises afterwards does not
        run it again. Put while it ran, it still runs once more. In a thread that runs no job nothing happens. Return
        False if the job's row is no longer there, or not its own.
        """
        claim = self.current
        if claim is None or claim.finished:
            return True
        claim.ending = True
        tx.after_commit(claim.finish)
        return self._delete(tx, claim)

    def settle(self, claim: Claim, outcome: RetryLater | None) -> bool:
        """End a job whose handler has returned, or have it run again; True if it is to run again.

        A loss of power may undo this: the job is repeated then.
        """
        if claim.finished:
            return claim.put_again
        claim.ending = outcome is None
        with self._database.begin(durable=False) as tx:
            if outcome is None:
                self._delete(tx, claim)
                return claim.put_again
            now = self.clock()
            attempt = claim.job.attempt + 1 if outcome.count else 1
            due = now + outcome.seconds
            if outcome.others:
                others_due = now + outcome.others
                tx.execute(POSTPONE_TASK, {"of_task": claim.job.task, "now": now, "of_due": others_due})
            tx.execute(POSTPONE, {**claim.where, "now": now, "of_due": due, "of_attempt": attempt})
            return True

    def _delete(self, tx: Transaction, claim: Claim) -> bool:
        """Delete the job's row, or have it run once more if it was put while it ran; False if there is no such row."""
        claim.put_again = tx.execute(DROP, claim.where).rowcount == 0
        return not claim.put_again or tx.execute(RUN_ONCE_MORE, {**claim.where, "now": self.clock()}).rowcount > 0

    def restart_waits(self) -> int:
        """Start the wait of every job again that was put by a clock ahead of this one; return their number."""
        with self._database.begin(durable=False) as tx:
            return tx.execute(RESTART_WAITS, {"now": self.clock()}).rowcount


def create_tables(database: Database) -> None:
    """Make the table; for tests only, elsewhere the migrations do."""
    with database.begin() as tx:
        tx.create_all(metadata)
