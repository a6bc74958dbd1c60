"""What workers on several machines promise when one of them dies, or the server goes away."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.db import key_values
from bot.db.database import Transaction
from bot.db.migrations import upgrade
from bot.errors import DatabaseUnavailable
from bot.queue import RetryLater, shared_jobs
from bot.queue.postgresql import PostgresqlQueue
from bot.queue.statements import FIRST_OF_LOCK, WINDOW
from bot.services import Clock
from tests.postgresql import MISSING, Server, available, server
from tests.queue.programs import lines, process, work_slowly
from tests.queue.support import Engine, RunningWorker, left
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Executable

    from bot.db.database import Database
    from bot.queue import Job, Queue
    from tests.postgresql import Databases

    Machine = Callable[[str], Engine]

pytestmark = pytest.mark.skipif(not available(), reason=MISSING)


def machines(url: str, folder: Path) -> Machine:
    """Return what makes a machine, by its name, that works on this database in a folder of its own."""

    def made(name: str) -> Engine:
        (folder / name).mkdir()
        return Engine(name, url, folder / name)

    return made


@pytest.fixture
def machine(postgresql: Databases, tmp_path: Path) -> Iterator[Machine]:
    yield machines(postgresql.migrated(), tmp_path)
    postgresql.take_back()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that the test may stop, and that keeps what was committed then."""
    with server(synchronous_commit="on") as running:
        yield running


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of this process find out in less than a second who is dead."""
    monkeypatch.setattr(shared_jobs, "BEAT_EVERY", 0.1)


def put(database: Database, queue: Queue, *keys: str, lock: str | None = None) -> None:
    with database.begin() as tx:
        for key in keys:
            queue.put(tx, "task", key, lock=lock)


@pytest.mark.usefixtures("quick_beats")
def test_what_a_killed_worker_ran_is_run_on_another_machine(machine: Machine, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    one, other = machine("one"), machine("other")
    database, queue = other.open()
    put(database, queue, "first", "second", lock="space")
    with process(work_slowly, one, notes, 60.0) as victim:
        until(lambda: "start first" in lines(notes), "the first job")
        victim.kill()
        victim.join()
    worker = RunningWorker(queue)
    with capture_logs() as said, worker:
        worker.ran("first", "second")
        until(lambda: left(database, queue) == 0, "an empty queue")
    assert worker.keys == ["first", "second"]
    (gone,) = [line for line in said if line["event"] == "worker_is_gone"]
    where = {"host": socket.gethostname(), "folder": str(one.data_dir), "jobs": 1}
    assert {name: gone[name] for name in where} == where
    database.close()


@pytest.mark.usefixtures("quick_beats")
def test_who_was_taken_for_dead_ends_nothing_and_works_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when its machine has slept: what it ran was run again, so the transaction of its end must not commit."""
    database, asleep = machine("one").open()
    other_database, other = machine("other").open()
    goes_on = threading.Event()
    ends: list[str] = []

    def does(job: Job) -> None:
        if job.key != "job":
            return
        assert goes_on.wait(20)
        try:
            with database.begin() as tx:
                key_values.set(tx, "done", "by who was asleep", Clock().now())
                asleep.finish(tx)
        except DatabaseUnavailable as error:
            ends.append(str(error.cause))

    with RunningWorker(asleep, does) as first:
        put(database, asleep, "job")
        first.ran("job")
        monkeypatch.setattr(asleep, "beat", lambda: None)
        with RunningWorker(other) as second:
            second.ran("job")
            until(lambda: left(database, other) == 0, "the end of the job")
        goes_on.set()
        until(lambda: bool(ends), "the refusal")
        put(database, asleep, "later")
        first.ran("job", "later")
    assert ends == ["other workers have taken this one for dead, and have its jobs"]
    with database.read() as tx:
        assert key_values.get(tx, "done") is None
    assert left(database, asleep) == 0
    other_database.close()
    database.close()


@pytest.mark.usefixtures("quick_beats")
def test_while_the_server_stands_still_nobody_is_taken_for_dead(own_server: Server, tmp_path: Path) -> None:
    machine = on(own_server, tmp_path)
    database, one = machine("one").open()
    other_database, other = machine("other").open()
    goes_on = threading.Event()

    def does(_: Job) -> None:
        assert goes_on.wait(30)

    with capture_logs() as said, RunningWorker(one, does) as first, RunningWorker(other, does) as second:
        put(database, one, "a", "b")
        until(lambda: len(first.keys + second.keys) == 2, "both jobs")
        with own_server.paused():
            time.sleep(20 * shared_jobs.BEAT_EVERY)  # several times the looks until somebody is dead
        put(database, one, "c")
        until(lambda: len(first.keys + second.keys) == 3, "the job after the pause")
        goes_on.set()
        until(lambda: left(database, one) == 0, "the end of all jobs")
    assert sorted(first.keys + second.keys) == ["a", "b", "c"]
    assert "worker_is_gone" not in [line["event"] for line in said]
    other_database.close()
    database.close()


def test_a_restart_of_the_server_loses_nothing_and_ends_no_worker(own_server: Server, tmp_path: Path) -> None:
    """What was put in a transaction that committed is run; what ran in one that committed is not run again."""
    machine = on(own_server, tmp_path)
    database, one = machine("one").open()
    other_database, other = machine("other").open()
    committed: list[str] = []
    ended: Counter[str] = Counter()
    stop = threading.Event()

    def putting() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                put(database, one, str(number), lock=f"space {number % 3}")
            except DatabaseUnavailable:
                stop.wait(0.01)
            else:
                committed.append(str(number))

    def does(queue: Queue, where: Database) -> Callable[[Job], None]:
        def run(job: Job) -> None:
            with where.begin() as tx:
                queue.finish(tx)
            ended[job.key] += 1

        return run

    puts = threading.Thread(target=putting)
    with RunningWorker(one, does(one, database)) as first, RunningWorker(other, does(other, other_database)) as second:
        puts.start()
        for _ in range(2):
            seen = len(ended)
            until(lambda seen=seen: len(ended) >= seen + 20, "jobs that ended")  # type: ignore[misc]
            own_server.stop("immediate")
            own_server.start()
        seen = len(ended)
        until(lambda: len(ended) >= seen + 20, "jobs that ended")
        stop.set()
        puts.join()
        until(lambda: left(database, one) == 0, "an empty queue", 30)
        assert (first.begun, second.begun) == (1, 1)
    assert set(committed) <= set(first.keys + second.keys)
    assert [key for key, times in ended.items() if times > 1] == []
    other_database.close()
    database.close()


def test_a_job_whose_end_the_server_forgot_is_run_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash its row may still name the worker, which lives, so nobody would take that one for dead."""
    monkeypatch.setattr(shared_jobs, "COMPARE_EVERY", 0.0)
    database, queue = machine("one").open()
    forget = text("UPDATE jobs SET worker = (SELECT id FROM workers), due = 0 WHERE key = 'watch'")
    free = text("SELECT count(*) FROM jobs WHERE key = 'watch' AND worker IS NULL")

    def is_put_off() -> bool:
        with database.read() as tx:
            return bool(tx.execute(free).scalar_one())

    with RunningWorker(queue, lambda job: RetryLater(60.0) if job.key == "watch" else None) as worker:
        put(database, queue, "watch")
        worker.ran("watch")
        until(is_put_off, "the job put off")
        with database.begin() as tx:
            tx.execute(forget)
        put(database, queue, "other")
        until(lambda: sorted(worker.keys) == ["other", "watch", "watch"] and is_put_off(), "the forgotten job")
    database.close()


def on(running: Server, folder: Path) -> Machine:
    """Return what makes machines that work on a server's database."""
    machine = machines(running.url.render_as_string(hide_password=False), folder)
    database, _ = machine("first").open()
    upgrade(database)
    database.close()
    return machine


def test_jobs_that_another_worker_takes_during_a_look_are_no_trouble(machine: Machine) -> None:
    database, queue = machine("here").open()
    assert isinstance(queue, PostgresqlQueue)
    put(database, queue, *map(str, range(2 * WINDOW)), lock="space")
    drop = text("DELETE FROM jobs")
    looked: list[Any] = []

    def look(tx: Transaction, statement: Executable, *more: Any) -> Any:
        looked.append(statement)
        if statement is FIRST_OF_LOCK:
            with database.begin() as other:
                other.connection.execute(drop)
        return tx.connection.execute(statement, *more)

    with patch.object(Transaction, "execute", look), capture_logs() as logs, RunningWorker(queue):
        until(lambda: FIRST_OF_LOCK in looked, "a look among many")
        until(lambda: looked.count(queue._soonest) > 1, "another look")
    assert [line for line in logs if line["log_level"] == "error"] == []


def test_a_worker_that_is_stopped_before_there_are_tables_ends_without_a_crash(
    postgresql: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its user may not make them: it waits until it is given the right."""
    monkeypatch.setattr(shared_jobs, "BEAT_EVERY", 0.01)
    database, queue = Engine("early", postgresql.empty(), tmp_path).open()
    assert isinstance(queue, PostgresqlQueue)
    stop, beats, beat = threading.Event(), [0], queue.beat

    def counted() -> None:
        beats[0] += 1
        beat()

    monkeypatch.setattr(queue, "beat", counted)

    def begin(_: bool) -> None:
        until(lambda: beats[0] > 1, "a beat that has ended")
        stop.set()

    with capture_logs() as logs:
        queue.work(lambda _: None, threads=1, lanes={}, stop=stop, begin=begin)
    assert {line["log_level"] for line in logs} == {"info"}
    database.close()
    postgresql.take_back()


def test_beats_go_on_after_an_error_that_nobody_foresaw(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is not there yet, for one: without beats the worker would be taken for dead for good."""
    beats: list[int] = []
    third = threading.Event()

    class Table:
        def beat(self) -> None:
            beats.append(1)
            if len(beats) < 3:
                raise RuntimeError("no such table")
            third.set()

        def leave(self) -> None:
            beats.clear()

    monkeypatch.setattr(shared_jobs, "BEAT_EVERY", 0.01)
    table: Any = Table()
    with shared_jobs.Beats(table):
        assert third.wait(20)
    assert beats == []
