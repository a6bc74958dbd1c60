"""The table of jobs and that of workers, and the statements on them."""

from __future__ import annotations

from dataclasses import dataclass
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
    exists,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Executable

CLOCK_SLACK = 1.0  # seconds that a clock may step back before waits are restarted

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
    # Who runs it; where there is one worker, that is known in its memory alone.
    Column("worker", Text),
    UniqueConstraint("task", "key"),
)
workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beats", Integer, nullable=False),
    Column("seen", Float, nullable=False),  # when it beat last by its own clock, in seconds since 1970; to read only
)
Index("jobs_due", jobs.c.due)
Index("jobs_turn", jobs.c.task, jobs.c.person, jobs.c.due, jobs.c.place, jobs.c.lock)
Index("jobs_lock_place", jobs.c.lock, jobs.c.place)
Index("jobs_place", jobs.c.place)
Index(
    "jobs_again_place",
    jobs.c.again_place,
    sqlite_where=jobs.c.again_place.is_not(None),
    postgresql_where=jobs.c.again_place.is_not(None),
)


def _highest(column: Column[int]) -> ColumnElement[int]:
    return func.coalesce(select(func.max(column)).where(column.is_not(None)).scalar_subquery(), 0)


def _smaller(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the smaller of two values, for which each database has another function."""
    return case((other < one, other), else_=one)


def _larger(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((other > one, other), else_=one)


_now = bindparam("now", type_=Float)
_due = bindparam("of_due", type_=Float)
_this_job = and_(jobs.c.task == bindparam("of_task"), jobs.c.key == bindparam("of_key"))
_this_run = and_(_this_job, jobs.c.worker.is_not_distinct_from(bindparam("of_worker", type_=Text)))
_forget_puts = {"again_due": null(), "again_place": null()}


@dataclass(frozen=True)
class Puts:
    """The statements that put a job, as a database spells them."""

    put: Executable
    if_absent: Executable


NEXT_PLACE = _larger(_highest(jobs.c.place), _highest(jobs.c.again_place)) + 1


def puts(dialect: str, channel: str = "") -> Puts:
    """Return the statements for a database; those of PostgreSQL tell who listens on ``channel`` when they commit."""
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(jobs)
    new = insert.values(
        task=bindparam("of_task"),
        key=bindparam("of_key"),
        lock=bindparam("of_lock"),
        person=bindparam("of_person"),
        due=_due,
        since=_now,
        place=NEXT_PLACE,
        attempt=1,
    )
    put = new.on_conflict_do_update(
        index_elements=["task", "key"],
        set_={
            "lock": case((jobs.c.worker.is_(None), new.excluded.lock), else_=jobs.c.lock),  # what it runs under
            "due": _smaller(jobs.c.due, new.excluded.due),
            "since": case((new.excluded.due < jobs.c.due, new.excluded.since), else_=jobs.c.since),
            "again_due": _smaller(func.coalesce(jobs.c.again_due, new.excluded.due), new.excluded.due),
            "again_place": func.coalesce(jobs.c.again_place, new.excluded.place),
        },
    )
    if_absent = new.on_conflict_do_nothing(index_elements=["task", "key"])
    if channel:
        notify = func.pg_notify(channel, "")
        return Puts(put.returning(notify), if_absent.returning(notify))
    return Puts(put, if_absent)


FORGET_PERSON = update(jobs).where(jobs.c.person == bindparam("of_person")).values(person="")
_columns = (jobs.c.id, jobs.c.task, jobs.c.key, jobs.c.lock, jobs.c.person, jobs.c.attempt, jobs.c.again_due)
_free = jobs.c.worker.is_(None)
_startable = select(*_columns).where(_free, jobs.c.due <= _now, jobs.c.id.not_in(bindparam("ids", expanding=True)))
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
FIRST_OF_LOCK = _startable.where(jobs.c.lock == bindparam("of_lock")).order_by(jobs.c.place, jobs.c.due).limit(1)
_may_start = and_(_free, jobs.c.task.not_in(bindparam("full", expanding=True)))
"""``full``: tasks in whose lanes there is no room, since reading hundreds of rows at each look takes long."""
WAITING = (
    select(jobs.c.task, jobs.c.person)
    .where(_may_start, jobs.c.due <= _now)
    .group_by(jobs.c.task, jobs.c.person)
    .order_by(func.min(jobs.c.due), func.min(jobs.c.place))
)
RUNNING = select(jobs.c.id).where(tuple_(jobs.c.task, jobs.c.key).in_(bindparam("running", expanding=True)))
WINDOW = 64
"""Jobs that are read at once: enough for every thread, and for what is locked."""
NEXT_DUE = select(func.min(jobs.c.due)).where(_may_start, jobs.c.due > _now)


def soonest(dialect: str) -> Executable:
    """Return the statement for the jobs that are due and may start, and one of those that are due next.

    Few rows: to read one from SQLite, a thread gives the interpreter away and waits for it again. Where the rows don't
    tell who runs them, ``ids`` does, as JSON: one text of the statement for any number of jobs. Where they do,
    ``locked`` tells if a job runs under the same lock.
    """
    query = select(*_columns, jobs.c.due, jobs.c.place).where(
        _may_start, jobs.c.due <= func.coalesce(NEXT_DUE.scalar_subquery(), _now)
    )
    if dialect == "sqlite":
        running = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
        query = query.where(jobs.c.id.not_in(select(running.c.value)))
    else:
        other = jobs.alias()
        locked = exists().where(other.c.lock == jobs.c.lock, other.c.worker.is_not(None))
        query = query.add_columns(locked.label("locked"))
    return query.order_by(jobs.c.due, jobs.c.place).limit(bindparam("window", WINDOW))


FORGET_PUTS = update(jobs).where(_this_run).values(_forget_puts)
REMOVE = delete(jobs).where(_this_job)
DROP = delete(jobs).where(_this_run, jobs.c.again_due.is_(None))
RUN_ONCE_MORE = (
    update(jobs)
    .where(_this_run)
    .values(
        {
            "due": jobs.c.again_due,
            "since": _larger(jobs.c.since, _now),  # RESTART_WAITS still sees a clock that was set back
            "place": jobs.c.again_place,
            "attempt": 1,
            "worker": null(),
            **_forget_puts,
        }
    )
)
POSTPONE = (
    update(jobs)
    .where(_this_run)
    .values(
        {
            "due": _smaller(_due, func.coalesce(jobs.c.again_due, _due)),
            "since": _now,
            "worker": null(),
            "attempt": bindparam("of_attempt"),
            **_forget_puts,
        }
    )
)
POSTPONE_TASK = (
    update(jobs).where(_free, jobs.c.task == bindparam("of_task"), jobs.c.due <= _now).values(due=_due, since=_now)
)
"""In SQLite also those that run: how they end says when they are due."""
RESTART_WAITS = (
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
    _free,
    jobs.c.due <= _now,
    jobs.c.id.not_in(bindparam("ids", expanding=True)),
    jobs.c.task.not_in(bindparam("tasks", expanding=True)),
)
