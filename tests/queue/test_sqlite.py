"""What the embedded engine promises beyond the contract: one worker, no polling, care with databases and clocks."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.db.database import Database
from bot.db.sqlite_file import SqliteFile
from bot.queue import open_queue, worker_loop
from bot.queue.job_table import JobTable, create_tables
from bot.queue.sqlite import LOCK_LOOK, SqliteQueue
from bot.queue.statements import LONGEST_DUE, WAITING
from bot.queue.wakeup import ADDRESS_MAX, SOCKET_NAME
from tests.queue.support import Engine, RunningWorker, left, sqlite_engine
from tests.waiting import until

VALUES = {"now": 0.0, "ids": [1], "full": ["watch"], "locks": ["space"], "of_task": "task", "of_person": "ada"}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return sqlite_engine(tmp_path)


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return when the worker looked for jobs."""
    times: list[float] = []
    take = JobTable.take

    def noting(*args):
        taken = take(*args)
        times.append(time.monotonic())
        return taken

    monkeypatch.setattr(JobTable, "take", noting)
    return times


def _events(logs, *names: str) -> list[str]:
    return [line["event"] for line in logs if line["event"] in names]


class TestOneWorker:
    def test_a_second_worker_waits_and_takes_over(self, engine, queue, put):
        database, other = engine.open()
        with capture_logs() as logs, RunningWorker(queue) as first:
            put("one")
            first.ran("one")
            with RunningWorker(other) as second:
                until(lambda: "queue_worker_waits" in _events(logs, "queue_worker_waits"), "the second one's wait")
                put("two")
                first.ran("one", "two")
                assert not second.starts
                assert not second.begun, "what a worker does beside its jobs waits, too"
                first.finish()
                put("three")
                second.ran("three")
                assert (first.begun, second.begun) == (1, 1)
                assert (first.waited, second.waited) == (False, True)
        assert _events(logs, "queue_worker_waits") == ["queue_worker_waits"]
        database.close()

    def test_a_waiting_worker_answers_a_stop_at_once(self, engine, queue, put):
        database, other = engine.open()
        with capture_logs() as logs, RunningWorker(queue) as first:
            put("one")
            first.ran("one")
            with RunningWorker(other) as second:
                until(lambda: bool(_events(logs, "queue_worker_waits")), "the second one's wait")
                before = time.monotonic()
                second.finish()
                assert time.monotonic() - before < LOCK_LOOK / 2
        database.close()


class TestWaking:
    def test_an_idle_worker_does_not_poll(self, queue, put, looks):
        put("later", after=3600)
        with RunningWorker(queue):
            until(lambda: bool(looks), "a look")
            time.sleep(0.5)
        assert len(looks) <= 2

    def test_the_end_of_a_job_is_no_reason_to_look_where_nothing_else_is_due(self, database, queue, put, looks):
        put("later", after=3600)
        worker = RunningWorker(queue)
        with worker:
            put("one")
            worker.ran("one")
            until(lambda: left(database, queue) == 1, "its end")
            before = len(looks)
            put("two")
            worker.ran("one", "two")
            until(lambda: left(database, queue) == 1, "the end of the other")
        assert len(looks) - before == 1, "that the other was put"

    def test_a_job_whose_row_has_the_id_of_one_that_has_just_ended_is_found(self, queue, put):
        put("one")
        (claim,) = queue.take([], {"": 1}).claims
        queue.settle(claim, None)
        put("two")
        taken = queue.take([claim], {"": 2})  # the worker has not yet noted that it has ended
        assert [(one.id, one.job.key) for one in taken.claims] == [(claim.id, "two")]

    def test_a_job_put_again_before_its_own_end_is_on_the_disk_runs_at_its_end(self, database, queue, put, monkeypatch):
        """Others see that its row is deleted, and may put one like it, before its thread knows that it is finished."""
        deleted, go_on = threading.Event(), threading.Event()

        def finishes(job):
            if len(worker.starts) == 1:
                with database.begin() as tx:
                    queue.finish(tx)

        def slow(_file):
            if worker.starts and not deleted.is_set():
                deleted.set()
                assert go_on.wait(5)

        worker = RunningWorker(queue, finishes)
        put("one")
        monkeypatch.setattr(SqliteFile, "sync", slow)
        with worker:
            assert deleted.wait(5)
            with database.begin(durable=False) as tx:
                queue.put(tx, "task", "one")
            time.sleep(0.1)  # it is looked for, and found to run
            go_on.set()
            worker.ran("one", "one")

    def test_the_end_of_a_job_is_no_reason_to_look_where_others_wait_for_another_lane(self, queue, put, looks):
        go_on = threading.Event()

        def waits(job):
            assert job.task != "slow" or go_on.wait(5)

        worker = RunningWorker(queue, waits, lanes={"slow": 1})
        with worker:
            put("one", "two", task="slow")
            worker.ran("one")
            put("three")
            worker.ran("one", "three")
            until(lambda: [job.key for job in worker.ends] == ["three"], "its end")
            time.sleep(0.1)
            before = len(looks)
            put("four")
            until(lambda: [job.key for job in worker.ends] == ["three", "four"], "the end of the other")
            time.sleep(0.1)
            assert len(looks) - before == 1, "that the other was put"
            go_on.set()
            worker.ran("one", "two", "three", "four")

    def test_a_folder_with_a_path_too_long_for_a_socket_works(self, tmp_path):
        folder = tmp_path / ("long " * 30) / ("longer " * 20)
        folder.mkdir(parents=True)
        assert len(str(folder / SOCKET_NAME)) > 2 * ADDRESS_MAX
        database = Database(f"sqlite:///{folder / 'queue.db'}")
        create_tables(database)
        queue = open_queue(database, folder)
        worker = RunningWorker(queue)
        with capture_logs() as logs, worker:
            until(lambda: bool(_events(logs, "queue_worker_started")), "the start")
            with database.begin() as tx:
                queue.put(tx, "task", "a")
            worker.ran("a")
        assert not _events(logs, "wakeup_socket_unavailable")
        database.close()

    def test_a_relative_folder_works(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        database = Database("sqlite:///queue.db")
        create_tables(database)
        queue = open_queue(database, Path("made/for it"))
        worker = RunningWorker(queue)
        with worker:
            socket = tmp_path / "made/for it" / SOCKET_NAME
            until(socket.exists, "the socket")
            with database.begin() as tx:
                queue.put(tx, "task", "a")
            worker.ran("a")
        database.close()

    def test_without_a_socket_the_worker_looks_by_itself(self, tmp_path, queue, put):
        (tmp_path / SOCKET_NAME).mkdir()
        worker = RunningWorker(queue)
        with capture_logs() as logs, worker:
            until(lambda: bool(_events(logs, "queue_worker_started")), "the start")
            put("a")
            worker.ran("a")
        assert _events(logs, "wakeup_socket_unavailable") == ["wakeup_socket_unavailable"]


class TestDatabaseAway:
    NAMES = ("queue_database_away", "queue_database_back")

    def test_a_moved_file_is_waited_for_and_nothing_is_lost(self, queue, put, database_file, tmp_path):
        put("now")
        put("then", after=0.5)
        worker = RunningWorker(queue)
        with capture_logs() as logs, worker:
            worker.ran("now")
            database_file.rename(tmp_path / "elsewhere.db")
            until(lambda: "queue_database_away" in _events(logs, *self.NAMES), "the word that it is away")
            queue.wake()
            assert not database_file.exists(), "an empty one was put in its place"
            (tmp_path / "elsewhere.db").rename(database_file)
            worker.ran("now", "then")
            until(lambda: "queue_database_back" in _events(logs, *self.NAMES), "the word that it is back")
        assert _events(logs, *self.NAMES) == list(self.NAMES)

    def test_a_job_that_ends_while_the_database_is_locked_is_settled_later(
        self, database, queue, put, database_file, looks
    ):
        running, go_on = threading.Event(), threading.Event()

        def does(_):
            running.set()
            assert go_on.wait(5)

        put("one")
        worker = RunningWorker(queue, does)
        with capture_logs() as logs, worker:
            assert running.wait(5)
            with closing(sqlite3.connect(database_file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                go_on.set()
                until(lambda: bool(_events(logs, *self.NAMES)), "the word that it is away")
                before = len(looks)
                queue.wake()
                until(lambda: len(looks) > before, "a look, which can still read: no reason to say that it is back")
                other.execute("ROLLBACK")
            until(lambda: left(database, queue) == 0, "its end")
        assert worker.keys == ["one"]
        assert _events(logs, *self.NAMES) == list(self.NAMES)

    @pytest.mark.parametrize("step", ["take", "settle"])
    def test_an_error_that_nobody_foresaw_ends_no_thread_and_no_job_is_lost(self, queue, put, monkeypatch, step):
        monkeypatch.setattr(worker_loop, "RAISED_FIRST", 0.02)
        does, calls = getattr(queue, step), count()

        def fails_at_first(*args):
            if next(calls) == 0:
                raise MemoryError
            return does(*args)

        monkeypatch.setattr(queue, step, fails_at_first)
        put("one")
        put("two")
        with capture_logs() as logs, RunningWorker(queue, threads=1) as worker:
            worker.ran("one", "two")
        assert [line["event"] for line in logs if line["log_level"] == "error"] == [
            {"take": "queue_look_crashed", "settle": "job_not_settled"}[step]
        ]

    def test_a_stop_does_not_wait_for_a_locked_database(self, queue, put, database_file):
        running, go_on = threading.Event(), threading.Event()

        def does(_):
            running.set()
            assert go_on.wait(5)

        put("one")
        worker = RunningWorker(queue, does, grace=60.0)
        with capture_logs(), worker:
            assert running.wait(5)
            with closing(sqlite3.connect(database_file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                go_on.set()
                worker.finish()
                other.execute("ROLLBACK")

    def test_a_database_without_tables_is_waited_for(self, tmp_path):
        database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        queue = open_queue(database, tmp_path)
        worker = RunningWorker(queue)
        with capture_logs() as logs, worker:
            until(lambda: bool(_events(logs, *self.NAMES)), "the word that it is away")
            create_tables(database)
            with database.begin() as tx:
                queue.put(tx, "task", "one")
            worker.ran("one")
        database.close()


@pytest.mark.parametrize("statement", [LONGEST_DUE, WAITING])
def test_choosing_among_many_jobs_reads_an_index(database, statement):
    values = {name: value for name, value in VALUES.items() if name in statement.compile().params}
    query = statement.params(values).compile(compile_kwargs={"literal_binds": True})
    with database.read() as tx:
        plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert "INDEX jobs_turn" in plan[0].detail


class Clock:
    def __init__(self) -> None:
        self.step = 0.0

    def __call__(self) -> float:
        return time.time() + self.step


class TestClock:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def queue(self, database, tmp_path, clock) -> SqliteQueue:
        return SqliteQueue(database, tmp_path, clock=clock)

    def test_set_back_while_it_works_no_wait_starts_anew_for_longer_than_asked(self, queue, put, clock):
        put("one", after=0.3)
        put("far", after=3600)
        worker = RunningWorker(queue)
        with capture_logs() as logs, worker:
            until(lambda: bool(_events(logs, "queue_worker_started")), "the start")
            clock.step = -7200.0
            put("now")
            worker.ran("now", "one")
        assert _events(logs, "queue_clock_set_back") == ["queue_clock_set_back"]

    def test_set_back_while_no_worker_runs(self, database, queue, put, clock):
        put("one", "far")
        put("far", after=3600)
        clock.step = -7200.0
        worker = RunningWorker(queue)
        with capture_logs(), worker:
            worker.ran("one", "far")
            until(lambda: left(database, queue) == 0, "an empty queue")

    @pytest.mark.parametrize("looked", [False, True], ids=["unseen", "seen"])
    def test_set_back_between_a_put_and_the_end_of_the_run_it_found(self, queue, put, clock, looked):
        """Whether or not the worker looked at the clock before that end."""
        running, go_on = threading.Event(), threading.Event()

        def does(job):
            if job.key == "one":
                running.set()
                assert go_on.wait(5)

        put("one")
        worker = RunningWorker(queue, does)
        with capture_logs(), worker:
            assert running.wait(5)
            put("one")
            clock.step = -7200.0
            if looked:
                put("other")
                worker.ran("one", "other")
            go_on.set()
            worker.ran("one", "one", *(["other"] if looked else []))
