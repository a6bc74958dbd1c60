"""What two workers on one PostgreSQL promise beside what one does."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bot.db.database import Database
from bot.queue import open_queue
from bot.queue.shared_jobs import NAME_FILE
from tests.queue.support import RunningWorker
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.queue import Queue
    from tests.postgresql import Databases


@pytest.fixture
def queues(postgresql: Databases, tmp_path: Path) -> Iterator[tuple[Database, Queue, Queue]]:
    database = Database(postgresql.migrated())
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    one, two = (open_queue(database, folder) for folder in folders)
    yield database, one, two
    database.close()
    postgresql.take_back()


def _put(database: Database, queue: Queue, *keys: str, lock: str | None = None) -> None:
    with database.begin() as tx:
        for key in keys:
            queue.put(tx, "task", key, lock=lock)


def test_each_job_runs_once_and_both_have_some(queues):
    database, one, two = queues
    both = threading.Barrier(2)
    with (
        RunningWorker(one, lambda _: _meet(both), threads=1) as first,
        RunningWorker(two, lambda _: _meet(both), threads=1) as second,
    ):
        _put(database, one, "a", "b")
        until(lambda: len(first.ends) + len(second.ends) == 2, "both jobs, side by side")
    assert len(first.ends) == len(second.ends) == 1


def test_a_lock_holds_in_all_workers_and_is_free_when_its_worker_leaves(queues):
    database, one, two = queues
    go_on = threading.Event()
    with RunningWorker(two, threads=2) as second:
        with RunningWorker(one, lambda _: _meet(go_on), threads=1) as first:
            until(lambda: first.begun + second.begun == 2, "both workers")
            while not first.starts:  # until the first worker has the first job
                second.starts.clear()
                _put(database, one, "held", lock="space")
                until(lambda: bool(first.starts or second.ends), "the first job")
            _put(database, one, "next", lock="space")
            _put(database, one, "free")
            until(lambda: "free" in second.keys, "a job without a lock")
            assert "next" not in second.keys
            first.stop.set()
            go_on.set()
        until(lambda: "next" in second.keys, "the job under the lock")


def _meet(event: threading.Barrier | threading.Event) -> None:
    event.wait(10)


def test_a_worker_whose_folder_cannot_be_written_works_all_the_same(queues, tmp_path):
    database, one, _ = queues
    (tmp_path / "one" / NAME_FILE).mkdir()
    with capture_logs() as logs, RunningWorker(one) as worker:
        _put(database, one, "a")
        worker.ran("a")
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["worker_not_noted"]


def test_a_copy_of_a_workers_folder_takes_none_of_its_jobs(queues, tmp_path):
    database, one, _ = queues
    go_on = threading.Event()
    with RunningWorker(one, lambda _: _meet(go_on)) as first:
        _put(database, one, "held")
        until(lambda: bool(first.starts), "its start")
        shutil.copytree(tmp_path / "one", tmp_path / "copy")
        with RunningWorker(open_queue(database, tmp_path / "copy")) as second:
            _put(database, one, "next")
            until(lambda: "next" in first.keys + second.keys, "another job")
            assert "held" not in second.keys
        go_on.set()
    assert first.keys.count("held") == 1


def test_a_worker_that_starts_in_the_folder_of_a_dead_one_has_its_jobs_at_once(queues, tmp_path):
    database, one, _ = queues
    with database.begin() as tx:
        one.put(tx, "task", "held")
    (claim,) = one.take([], {"": 1}).claims  # and is never heard of again
    worker = RunningWorker(open_queue(database, tmp_path / "one"))
    with worker:
        worker.ran(claim.job.key)
