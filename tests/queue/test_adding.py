"""Rows that come with a job each: both or neither, each once, whoever adds the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError

from bot.db.utc_datetime import UtcDateTime
from bot.queue import Job, RowWithJob
from bot.queue.statements import jobs
from tests.queue.support import RunningWorker, left

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.database import Database
    from bot.queue import Queue

    Add = Callable[..., None]

things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("note", Text),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("kind", "name"),
)
AT = datetime(2026, 11, 30, 21, 30, tzinfo=UTC)


def thing(name: str, note: str | None = None, kind: str | None = "a", lock: str | None = None) -> RowWithJob:
    values = {"kind": kind, "name": name, "note": note, "at": AT}
    return RowWithJob(things, values, ("kind", "name"), "task", lock, f"who adds {name}")


@pytest.fixture
def add(database: Database, queue: Queue) -> Add:
    with database.begin() as tx:
        tx.create_all(things.metadata)

    def add(*rows: RowWithJob) -> None:
        for row in rows:
            queue.add(row)

    return add


def stored(database: Database) -> list[tuple[str, str, str | None]]:
    with database.read() as tx:
        rows = tx.execute(select(things).order_by(things.c.id)).all()
    assert all(row.at == AT for row in rows)
    return [(row.kind, row.name, row.note) for row in rows]


def test_each_row_has_its_job(database: Database, queue: Queue, add: Add) -> None:
    add(thing("x", "noted", lock="L"), thing("x", kind="b"))
    assert sorted(stored(database)) == [("a", "x", "noted"), ("b", "x", None)]
    with database.read() as tx:
        put = tx.execute(select(things.c.kind, jobs).join(jobs, jobs.c.key == things.c.id.cast(Text))).all()
    assert sorted((row.kind, row.task, row.lock, row.person) for row in put) == [
        ("a", "task", "L", "who adds x"),
        ("b", "task", None, "who adds x"),
    ]
    assert left(database, queue) == 2


def test_what_is_there_stays_and_gets_no_job(database: Database, queue: Queue, add: Add) -> None:
    add(thing("x", "first"))
    with RunningWorker(queue) as worker:
        worker.ran("1")
    add(thing("x", "again"), thing("y", "first"), thing("y", "again"))
    assert stored(database) == [("a", "x", "first"), ("a", "y", "first")]
    assert left(database, queue) == 1


def test_one_that_is_wrong_is_left_out(database: Database, queue: Queue, add: Add) -> None:
    with pytest.raises(IntegrityError):
        add(thing("x", kind=None))
    assert stored(database) == []
    assert left(database, queue) == 0


def test_many_threads_add_at_once(database: Database, queue: Queue, add: Add) -> None:
    names = [f"{number % 15}" for number in range(60)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda name: add(thing(name)), names))
    assert sorted(name for _, name, _ in stored(database)) == sorted(set(names))
    assert left(database, queue) == len(set(names))


def test_jobs_under_one_lock_start_in_the_order_given(database: Database, queue: Queue, add: Add) -> None:
    names = ["before", "c", "a", "b", "after"]
    add(*(thing(name, lock="L") for name in names))
    with RunningWorker(queue) as worker:
        worker.ran("1", "2", "3", "4", "5")
    with database.read() as tx:
        name_of = {str(row.id): row.name for row in tx.execute(select(things))}
    assert [name_of[key] for key in worker.keys] == names


def test_an_idle_worker_is_woken(queue: Queue, add: Add) -> None:
    with RunningWorker(queue) as worker:
        add(thing("x"))
        worker.ran("1")
    assert worker.starts == [Job("task", "1", None, 1)]
