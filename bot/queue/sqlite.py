"""The embedded engine: a table of jobs in the product's own SQLite file, for one machine and one worker process.

Why a table: `put` shares the transaction of the row that it is about. Why one process: what runs is then known in its
memory, so taking a job writes nothing, and a worker that was killed leaves nothing to tidy up: every row that is still
there is due. A second worker waits for a lock file, which the kernel frees whatever happens to the first.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    delete,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from bot.queue.fairness import FairLock
from bot.queue.jobs import GRACE, NO_LANES, Claim, Depth, Job, RetryLater
from bot.queue.wakeup import ring
from bot.queue.worker_loop import WorkerLoop

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Row

    from bot.db.database import Database, Transaction

CLOCK_SLACK = 1.0  # seconds that a clock may step back before waits are measured again

metadata = MetaData()
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("lock", Text),
    Column("person", Text, nullable=False, server_default=""),  # in whose turn it runs
    Column("due", Float, nullable=False),  # when it may start, in seconds since 1970
    Column("since", Float, nullable=False),  # when `due` was set: due - since is the wait that was asked for
    Column("place", Integer, nullable=False),  # its place in the order of putting
    Column("attempt", Integer, nullable=False),
    # Set by a put that found the row there. Taking the job clears them, so at its end they tell of a put in between.
    Column("again_due", Float),
    Column("again_place", Integer),
    UniqueConstraint("task", "key"),
)
Index("jobs_due", jobs.c.due)
Index("jobs_turn", jobs.c.task, jobs.c.person, jobs.c.due, jobs.c.place, jobs.c.lock)
Index("jobs_lock_place", jobs.c.lock, jobs.c.place)
Index("jobs_place", jobs.c.place)
Index("jobs_again_place", jobs.c.again_place, sqlite_where=jobs.c.again_place.is_not(None))


def _highest(column: Column[int]) -> ColumnElement[int]:
    return func.coalesce(select(func.max(column)).where(column.is_not(None)).scalar_subquery(), 0)


_now = bindparam("now", type_=Float)
_due = bindparam("of_due", type_=Float)
_this_job = and_(jobs.c.task == bindparam("of_task"), jobs.c.key == bindparam("of_key"))
_forget_puts = {"again_due": null(), "again_place": null()}

_new = insert(jobs).values(
    task=bindparam("of_task"),
    key=bindparam("of_key"),
    lock=bindparam("of_lock"),
    person=bindparam("of_person"),
    due=_due,
    since=_now,
    place=func.max(_highest(jobs.c.place), _highest(jobs.c.again_place)) + 1,
    attempt=1,
)
PUT = _new.on_conflict_do_update(
    index_elements=["task", "key"],
    set_={
        "lock": _new.excluded.lock,
        "due": func.min(jobs.c.due, _new.excluded.due),
        "since": case((_new.excluded.due < jobs.c.due, _new.excluded.since), else_=jobs.c.since),
        "again_due": func.min(func.coalesce(jobs.c.again_due, _new.excluded.due), _new.excluded.due),
        "again_place": func.coalesce(jobs.c.again_place, _new.excluded.place),
    },
)
PUT_IF_ABSENT = _new.on_conflict_do_nothing(index_elements=["task", "key"])

_columns = (jobs.c.id, jobs.c.task, jobs.c.key, jobs.c.lock, jobs.c.person, jobs.c.attempt, jobs.c.again_due)
_startable = select(*_columns).where(jobs.c.due <= _now, jobs.c.id.not_in(bindparam("ids", expanding=True)))
# The job that has been due longest comes first, so that none starves; under its lock, the one that was put first.
LONGEST_DUE = (
    _startable.where(
        jobs.c.task == bindparam("of_task"),
        jobs.c.person == bindparam("of_person"),
        or_(jobs.c.lock.is_(None), jobs.c.lock.not_in(bindparam("locks", expanding=True))),
    )
    .order_by(jobs.c.due, jobs.c.place)
    .limit(1)
)
FIRST_OF_LOCK = _startable.where(jobs.c.lock == bindparam("of_lock")).order_by(jobs.c.place).limit(1)
WAITING = (
    select(jobs.c.task, jobs.c.person)
    .where(jobs.c.due <= _now)
    .group_by(jobs.c.task, jobs.c.person)
    .order_by(func.min(jobs.c.due), func.min(jobs.c.place))
)
WINDOW = 64
"""Jobs that one look takes in: enough for every thread, and for what is locked."""
SOONEST = select(*_columns, jobs.c.due, jobs.c.place).order_by(jobs.c.due, jobs.c.place).limit(bindparam("window"))
NEXT_DUE = select(func.min(jobs.c.due)).where(jobs.c.due > _now)
FORGET_PUTS = update(jobs).where(_this_job).values(_forget_puts)
REMOVE = delete(jobs).where(_this_job)
DROP = delete(jobs).where(_this_job, jobs.c.again_due.is_(None))
RUN_ONCE_MORE = (
    update(jobs)
    .where(_this_job)
    .values(
        {
            "due": jobs.c.again_due,
            "since": func.max(jobs.c.since, _now),  # so that WAIT_ANEW still sees when a clock was set back meanwhile
            "place": jobs.c.again_place,
            "attempt": 1,
            **_forget_puts,
        }
    )
)
POSTPONE = (
    update(jobs)
    .where(_this_job)
    .values(
        {
            "due": func.min(_due, func.coalesce(jobs.c.again_due, _due)),
            "since": _now,
            "attempt": bindparam("of_attempt"),
            **_forget_puts,
        }
    )
)
WAIT_ANEW = (
    update(jobs)
    .where(jobs.c.since > _now + CLOCK_SLACK)
    .values(
        due=_now + (jobs.c.due - jobs.c.since),
        since=_now,
        again_due=case((jobs.c.again_due.is_not(None), _now), else_=null()),
    )
)
DEPTH = select(
    func.count().label("all"),
    func.count().filter(jobs.c.due <= _now).label("due"),
    func.min(jobs.c.due).label("oldest"),
).select_from(jobs)
OLDEST_WAITING = select(func.min(jobs.c.due)).where(
    jobs.c.due <= _now,
    jobs.c.id.not_in(bindparam("ids", expanding=True)),
    jobs.c.task.not_in(bindparam("tasks", expanding=True)),
)


def _claim(row: Row[Any]) -> Claim:
    return Claim(row.id, Job(row.task, row.key, row.lock, row.attempt), row.person, row.again_due is not None)


class _Few:
    """All jobs that are due, in memory: the common case, in which nothing more is asked of the database."""

    def __init__(self, rows: Sequence[Row[Any]]) -> None:
        self._rows = rows

    def waiting(self) -> Iterable[tuple[str, str]]:
        return dict.fromkeys((row.task, row.person) for row in self._rows)

    def first(self, task: str, person: str, ids: Collection[int], locks: Collection[str]) -> Claim | None:
        for row in self._rows:
            if row.task == task and row.person == person and row.id not in ids and row.lock not in locks:
                # A job that runs may have been put under this lock meanwhile: it must not overlap itself.
                same = [one for one in self._rows if one.lock == row.lock and one.id not in ids]
                return _claim(row if row.lock is None else min(same, key=lambda one: one.place))
        return None


class _Many:
    """More jobs than one look holds: thousands of one person, or under one lock, must not hide the others."""

    def __init__(self, tx: Transaction, now: float) -> None:
        self._tx = tx
        self._now = now

    def waiting(self) -> Iterable[tuple[str, str]]:
        return [(row.task, row.person) for row in self._tx.execute(WAITING, {"now": self._now})]

    def first(self, task: str, person: str, ids: Collection[int], locks: Collection[str]) -> Claim | None:
        but = {"now": self._now, "ids": list(ids)}
        of_person = {"of_task": task, "of_person": person, "locks": list(locks)}
        row = self._tx.execute(LONGEST_DUE, but | of_person).one_or_none()
        if row is not None and row.lock is not None:
            row = self._tx.execute(FIRST_OF_LOCK, but | {"of_lock": row.lock}).one()
        return None if row is None else _claim(row)


class SqliteQueue:
    """`bot.queue.Queue` on a table of the store, with the worker's lock and socket in `data_dir`.

    `clock`: seconds since 1970. It may step: a step forward makes jobs come early, after one back waits start anew.
    """

    def __init__(self, database: Database, data_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self.data_dir = data_dir
        self.clock = clock
        self._turns = FairLock()
        self._in_hand: list[int] = []
        """The rows of the jobs that ran, or were chosen, when the worker looked last."""

    def put(
        self,
        tx: Transaction,
        task: str,
        key: str,
        *,
        lock: str | None = None,
        person: str = "",
        after: float = 0.0,
        if_absent: bool = False,
    ) -> None:
        """As in the port. ValueError for a wait that is negative or no number."""
        now = self.clock()
        due = now + RetryLater(after).seconds
        statement = PUT_IF_ABSENT if if_absent else PUT
        row = {"of_task": task, "of_key": key, "of_lock": lock, "of_person": person, "of_due": due, "now": now}
        tx.execute(statement, row)
        tx.after_commit(self.wake, once=True)

    def drop(self, tx: Transaction, task: str, keys: Collection[str]) -> None:
        """As in the port."""
        for key in keys:
            tx.execute(REMOVE, {"of_task": task, "of_key": key})

    def forget_person(self, tx: Transaction, person: str) -> None:
        """As in the port."""
        tx.execute(update(jobs).where(jobs.c.person == person).values(person=""))

    def work(
        self,
        handle: Callable[[Job], RetryLater | None],
        *,
        threads: int,
        lanes: Mapping[str, int] = NO_LANES,
        stop: threading.Event,
        grace: float = GRACE,
        begin: Callable[[bool], None] | None = None,
    ) -> None:
        """As in the port. Waits, and answers `stop`, while another worker holds the lock in `data_dir`."""
        WorkerLoop(self, handle, threads=threads, lanes=lanes, stop=stop, grace=grace).run(begin)

    def wake(self) -> None:
        """As in the port; costs some 20 µs, worker or not."""
        ring(self.data_dir)

    def depth(self, tx: Transaction) -> Depth:
        """As in the port."""
        now = self.clock()
        row = tx.execute(DEPTH, {"now": now}).one()
        lag = max(0.0, now - row.oldest) if row.due else 0.0
        return {"due": row.due, "delayed": row.all - row.due, "oldest_due_seconds": lag}

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """As in the port."""
        now = self.clock()
        oldest = tx.execute(OLDEST_WAITING, {"now": now, "ids": self._in_hand, "tasks": list(without)}).scalar()
        return 0.0 if oldest is None else max(0.0, now - oldest)

    # What follows is for the worker.

    def take(self, running: Collection[Claim], threads: Mapping[str, int]) -> tuple[list[Claim], float | None]:
        """Choose jobs for the threads of each lane that are free beside those `running`, and say when to look next.

        That is in so many seconds, when a job is due that waits for its time; None if there is none.
        """
        now = self.clock()
        with self._database.read() as tx:
            rows = tx.execute(SOONEST, {"window": WINDOW}).all()
            few = [row for row in rows if row.due <= now]
            if len(few) < WINDOW:
                taken = self._turns.choose(_Few(few), running, threads)
                next_due = rows[len(few)].due if len(few) < len(rows) else None
            else:
                taken = self._turns.choose(_Many(tx, now), running, threads)
                next_due = tx.execute(NEXT_DUE, {"now": now}).scalar()
        self._in_hand = [claim.id for claim in (*running, *taken)]
        put_again = [claim for claim in taken if claim.put_again]
        if put_again:  # this run is what those puts asked for
            with self._database.begin(durable=False) as tx:
                for claim in put_again:
                    tx.execute(FORGET_PUTS, claim.where)
        return taken, None if next_due is None else max(0.0, next_due - now)

    def settle(self, claim: Claim, outcome: RetryLater | None) -> None:
        """Drop a job that is done, or have it run again. A loss of power may undo this: the job is repeated then."""
        now = self.clock()
        with self._database.begin(durable=False) as tx:
            if outcome is not None:
                attempt = claim.job.attempt + 1 if outcome.count else 1
                due = now + outcome.seconds
                tx.execute(POSTPONE, {**claim.where, "now": now, "of_due": due, "of_attempt": attempt})
            elif tx.execute(DROP, claim.where).rowcount == 0:
                tx.execute(RUN_ONCE_MORE, {**claim.where, "now": now})

    def wait_anew(self) -> int:
        """Start the wait of every job again that was put by a clock ahead of this one; give their number."""
        with self._database.begin(durable=False) as tx:
            return tx.execute(WAIT_ANEW, {"now": self.clock()}).rowcount


def create_tables(database: Database) -> None:
    """Make the table; for tests only, elsewhere the migrations do."""
    with database.begin() as tx:
        tx.create_all(metadata)
