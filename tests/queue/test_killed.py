"""What every engine promises when processes are killed, told to stop, or many at once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

from tests.queue.programs import lines, process, put_all, put_until_killed, work, work_slowly
from tests.queue.support import RunningWorker, left
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from bot.queue import Queue

JOBS = 600
KILLS = 20


def test_twenty_kills_of_the_worker_lose_none_of_600_jobs(engine, database, queue, put, tmp_path):
    notes = tmp_path / "notes"
    wanted = {f"{number:03}" for number in range(JOBS)}
    keys = sorted(wanted)
    put(*keys[:300])
    for number, key in enumerate(keys[300:]):
        put(key, lock=f"space {number % 7}", after=0.001 * (number % 50))
    for kill in range(KILLS):
        seen = len(lines(notes))
        with process(work, engine, notes, kill) as worker:
            until(lambda seen=seen: len(lines(notes)) >= seen + 12, "progress")  # type: ignore[misc]
            worker.kill()
            worker.join()
            assert worker.exitcode == -signal.SIGKILL
    assert set(lines(notes)) != wanted, "the kills came too late to tell anything"
    with process(work, engine, notes, KILLS) as worker:
        until(lambda: set(lines(notes)) == wanted, "every job")
        until(lambda: left(database, queue) == 0, "an empty queue")
        os.kill(worker.pid or 0, signal.SIGTERM)
        worker.join(5)
        assert worker.exitcode == 0
    repeated = [key for key, times in Counter(lines(notes)).items() if times > 1]
    assert len(repeated) <= KILLS * 4, "only what ran in one of 4 threads at a kill may run twice"


def test_the_next_worker_in_a_folder_says_that_the_one_before_was_killed(engine, queue, put, tmp_path):
    notes = tmp_path / "notes"
    put("one", "two")
    with process(work_slowly, engine, notes, 60.0) as killed:
        until(lambda: "start one" in lines(notes), "the first job")
        killed.kill()
        killed.join()
    (said,) = told_by_a_worker(queue, "one")
    assert said["folder"] == str(engine.data_dir)
    assert datetime.fromisoformat(said["last_seen"]) <= datetime.now(UTC)
    put("three")
    assert told_by_a_worker(queue, "three") == [], "the last one has ended"


def told_by_a_worker(queue: Queue, key: str) -> list[MutableMapping[str, Any]]:
    with capture_logs() as logs, RunningWorker(queue) as worker:
        until(lambda: key in worker.keys, "the job")
    return [line for line in logs if line["event"] == "earlier_worker_did_not_end"]


def test_what_a_killed_putter_committed_is_there(engine, queue, tmp_path):
    notes = tmp_path / "notes"
    with process(put_until_killed, engine, notes):
        until(lambda: len(lines(notes)) >= 50, "puts")
    committed = set(lines(notes))
    worker = RunningWorker(queue)
    with worker:
        until(lambda: committed <= set(worker.keys), "every committed job")
    assert len(worker.keys) <= len(committed) + 1, "at most one was committed and not noted any more"


def test_sigterm_lets_the_running_job_end_and_keeps_the_rest(engine, database, queue, put, tmp_path):
    notes = tmp_path / "notes"
    put("one", "two", "three", lock="space")
    with process(work_slowly, engine, notes, 0.3) as worker:
        until(lambda: "start one" in lines(notes), "the first job")
        os.kill(worker.pid or 0, signal.SIGTERM)
        worker.join(5)
        assert worker.exitcode == 0
    assert lines(notes) == ["start one", "end one", "returned"]
    assert left(database, queue) == 2


def test_sigterm_ends_an_idle_worker_at_once(engine, queue, put, tmp_path):
    notes = tmp_path / "notes"
    put("one")
    with process(work_slowly, engine, notes, 0.0) as worker:
        until(lambda: "end one" in lines(notes), "the first job")
        before = time.monotonic()
        os.kill(worker.pid or 0, signal.SIGTERM)
        worker.join(5)
        assert worker.exitcode == 0
        assert time.monotonic() - before < 2


def test_two_processes_that_put_the_same_keys_make_one_job_each(engine, database, queue):
    keys = [str(number) for number in range(100)]
    with process(put_all, engine, keys, 1) as one, process(put_all, engine, keys, 1) as other:
        one.join(10)
        other.join(10)
        assert (one.exitcode, other.exitcode) == (0, 0)
    assert left(database, queue) == 100
    worker = RunningWorker(queue)
    with worker:
        worker.ran(*keys)


def test_keys_put_by_two_processes_while_they_run_are_neither_lost_nor_overlapping(engine, database, queue):
    """Every put is followed by a run that began after it: a key's last run starts after its last put."""
    keys = [str(number) for number in range(20)]
    inside: Counter[str] = Counter()

    def does(job):
        inside[job.key] += 1
        assert inside[job.key] == 1
        time.sleep(0.001)
        inside[job.key] -= 1

    worker = RunningWorker(queue, does)
    with worker:
        with process(put_all, engine, keys, 5) as one, process(put_all, engine, keys, 5) as other:
            one.join(10)
            other.join(10)
            assert (one.exitcode, other.exitcode) == (0, 0)
        last_put = time.monotonic()
        with database.begin() as tx:
            for key in keys:
                queue.put(tx, "task", key)
        until(lambda: left(database, queue) == 0, "an empty queue")
    for key in keys:
        runs = [at for job, at in zip(worker.starts, worker.times, strict=True) if job.key == key]
        assert 1 <= len(runs) <= 11
        assert runs[-1] >= last_put
