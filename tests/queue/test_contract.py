"""What every engine of the queue promises, within one worker process."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, defaultdict

import pytest
from structlog.testing import capture_logs

from bot import process
from bot.queue import Job, RetryLater
from bot.queue.fairness import COMMON, share_threads
from tests.queue.support import RunningWorker, left
from tests.waiting import until


def test_a_committed_job_wakes_an_idle_worker(queue, put):
    worker = RunningWorker(queue)
    with worker:
        put("first")
        worker.ran("first")
        committed = time.monotonic()
        put("second")
        worker.ran("first", "second")
    assert worker.times[1] - committed < 1.0, "it was found by chance, not by being woken"
    assert worker.starts[1] == Job("task", "second", None, 1)


def test_a_rolled_back_put_leaves_no_job(database, queue, put):
    worker = RunningWorker(queue)
    with worker:
        with pytest.raises(ZeroDivisionError), database.begin() as tx:
            _put_and_fail(queue, tx)
        put("after")
        worker.ran("after")


def test_a_put_without_a_worker_is_no_error_and_waits(queue, put):
    put("early")
    queue.wake()
    worker = RunningWorker(queue)
    with worker:
        worker.ran("early")
        assert worker.begun == 1


def test_tasks_and_keys_are_two_things(queue, put):
    put("same", task="one")
    put("same", task="two")
    worker = RunningWorker(queue)
    with worker:
        worker.ran("same", "same")
    assert {job.task for job in worker.starts} == {"one", "two"}


@pytest.mark.parametrize("wait", [-1.0, float("nan"), float("inf")])
def test_a_wait_that_is_none_is_refused(database, queue, wait):
    with pytest.raises(ValueError, match="a wait is"):
        RetryLater(wait)
    with pytest.raises(ValueError, match="a wait"):
        RetryLater(0, others=wait)
    with pytest.raises(ValueError, match="a wait is"), database.begin() as tx:
        queue.put(tx, "task", "key", after=wait)


class TestDedupe:
    def test_put_three_times_while_waiting_it_runs_once(self, database, queue, put):
        put("one", "one")
        put("one")
        with database.read() as tx:
            assert queue.depth(tx)["due"] == 1
        worker = RunningWorker(queue)
        with worker:
            put("last")
            worker.ran("one", "last")
            until(lambda: left(database, queue) == 0, "an empty queue")
        assert sorted(worker.keys) == ["last", "one"]

    def test_put_again_a_waiting_job_comes_earlier(self, queue, put):
        put("one", after=3600)
        worker = RunningWorker(queue)
        with worker:
            put("one")
            worker.ran("one")

    def test_put_again_a_waiting_job_never_comes_later(self, database, queue, put):
        put("one")
        put("one", after=3600)
        worker = RunningWorker(queue)
        with worker:
            worker.ran("one")
            until(lambda: left(database, queue) == 0, "an empty queue: the later put was the same job")

    def test_put_while_it_runs_it_runs_once_more(self, database, queue, put):
        running, go_on = threading.Event(), threading.Event()

        def does(job: Job) -> None:
            running.set()
            assert go_on.wait(5)

        put("one")
        worker = RunningWorker(queue, does)
        with worker:
            assert running.wait(5)
            put("one")
            put("one", "one")
            go_on.set()
            worker.ran("one", "one")
            until(lambda: left(database, queue) == 0, "an empty queue")
        assert [job.attempt for job in worker.starts] == [1, 1]

    def test_put_while_it_runs_keeps_the_wait_asked_for(self, queue, put):
        """Also when a sooner put came before the run began: that one is served by the run."""
        running, go_on = threading.Event(), threading.Event()

        def does(job: Job) -> None:
            running.set()
            assert go_on.wait(5)

        put("one", "one", "one")
        worker = RunningWorker(queue, does)
        with worker:
            assert running.wait(5)
            before = time.monotonic()
            put("one", after=3600)
            put("one", after=0.3)
            go_on.set()
            worker.ran("one", "one")
        assert worker.times[1] - before >= 0.3

    def test_put_while_it_runs_takes_its_place_behind_what_was_put_before(self, queue, put):
        running, go_on = threading.Event(), threading.Event()

        def does(job: Job) -> None:
            running.set()
            assert go_on.wait(5)

        put("a", lock="space")
        worker = RunningWorker(queue, does)
        with worker:
            assert running.wait(5)
            for key in "bac":
                put(key, lock="space")
            go_on.set()
            worker.ran(*"abac")
        assert worker.keys == list("abac")

    def test_keep_time_leaves_a_waiting_job_as_it_is_and_puts_a_missing_one(self, database, queue, put):
        put("there", after=3600)
        worker = RunningWorker(queue)
        with worker:
            with database.begin() as tx:
                for key in ("there", "missing"):
                    queue.put(tx, "task", key, if_absent=True)
            worker.ran("missing")
            until(lambda: left(database, queue) == 1, "one job left, for later")
        assert worker.keys == ["missing"]


class TestLock:
    @pytest.mark.parametrize("seed", range(5))
    def test_jobs_of_one_lock_start_in_order_and_never_overlap(self, queue, put, seed):
        """Random handlers: some slow, some that ask for another run, some that put a job again."""
        chance = random.Random(seed)
        guard = threading.Lock()
        inside: Counter[str | None] = Counter()
        most: dict[str | None, int] = defaultdict(int)
        plan = [(f"{number:03}", chance.choice("xyz"), chance.random()) for number in range(60)]
        moods = {key: mood for key, _, mood in plan}

        def does(job: Job) -> RetryLater | None:
            with guard:
                inside[job.lock] += 1
                most[job.lock] = max(most[job.lock], inside[job.lock])
            time.sleep(moods[job.key] * 0.003)
            with guard:
                inside[job.lock] -= 1
            return RetryLater(0.02) if moods[job.key] > 0.8 and job.attempt == 1 else None

        worker = RunningWorker(queue, does, threads=6)
        with worker:
            for key, lock, _ in plan:
                put(key, lock=lock)
            repeated = [key for key, mood in moods.items() if mood > 0.8]
            worker.ran(*moods, *repeated)
        assert most == {"x": 1, "y": 1, "z": 1}
        first_runs: dict[str | None, list[str]] = defaultdict(list)
        for job in worker.starts:
            if job.attempt == 1:
                first_runs[job.lock].append(job.key)
        for name, keys in first_runs.items():
            assert keys == [key for key, of, _ in plan if of == name]

    def test_a_delayed_job_does_not_hold_up_its_lock(self, queue, put):
        put("first", lock="space", after=3600)
        put("again", "third", lock="space")
        worker = RunningWorker(queue, lambda job: RetryLater(3600) if job.key == "again" else None)
        with worker:
            worker.ran("again", "third")

    def test_those_due_start_in_the_order_of_putting_not_of_their_times(self, database, queue, put):
        put("first", lock="space", after=0.06)
        put("second", lock="space", after=0.03)
        put("third", lock="space")

        def due() -> object:
            with database.read() as tx:
                return queue.depth(tx)["due"]

        until(lambda: due() == 3, "three due jobs")
        worker = RunningWorker(queue)
        with worker:
            worker.ran("first", "second", "third")
        assert worker.keys == ["first", "second", "third"]

    def test_a_job_put_under_another_lock_while_it_runs_does_not_overlap_itself(self, queue, put):
        go_on = threading.Event()
        put("moving", lock="old")
        worker = RunningWorker(queue, lambda job: _wait(go_on) if job.key == "moving" else None)
        with worker:
            worker.ran("moving")
            put("moving", "other", lock="new")
            worker.ran("moving", "other")
            go_on.set()
            worker.ran("moving", "other", "moving")

    def test_many_jobs_of_one_lock_do_not_starve_others(self, queue, put):
        go_on = threading.Event()
        put(*(f"crowd {number}" for number in range(300)), lock="space")

        def does(job: Job) -> None:
            if job.lock:
                assert go_on.wait(5)

        worker = RunningWorker(queue, does, threads=2)
        with worker:
            put(*"abcdefgh")
            worker.ran("crowd 0", *"abcdefgh")
            worker.stop.set()
            go_on.set()

    def test_jobs_that_are_always_due_do_not_starve_others(self, queue, put):
        put("busy 1", "busy 2")
        worker = RunningWorker(queue, lambda job: RetryLater(0) if "busy" in job.key else None, threads=2)
        with worker:
            until(lambda: len(worker.starts) > 20, "busy jobs")
            put("late")
            until(lambda: "late" in worker.keys, "the late one")


CROWDS = pytest.mark.parametrize("crowd", [20, 300], ids=["few", "many"])
"""Few are chosen in memory, many by the database."""


class TestTurns:
    @CROWDS
    def test_people_take_turns(self, queue, put, crowd):
        """One thread: after each of one person's jobs comes one of the others'."""
        put(*(f"ada {number}" for number in range(crowd)), person="ada")
        put("ben 0", "ben 1", person="ben")
        put("cy 0", "cy 1", person="cy")
        worker = RunningWorker(queue, threads=1)
        with worker:
            until(lambda: len(worker.starts) >= 9, "nine runs")
        assert [key.split()[0] for key in worker.keys[:9]] == ["ada", "ben", "cy"] * 2 + ["ada"] * 3
        assert worker.keys[:9:3] == ["ada 0", "ada 1", "ada 2"], "each one's own stay in order"

    @CROWDS
    def test_one_person_never_has_all_threads(self, queue, put, crowd):
        go_on = threading.Event()
        put(*(f"ada {number}" for number in range(crowd)), person="ada")

        def does(job: Job) -> None:
            if "ada" in job.key:
                assert go_on.wait(5)

        worker = RunningWorker(queue, does, threads=4)
        with worker:
            until(lambda: len(worker.starts) == 3, "three of hers")
            put("ben", person="ben")
            until(lambda: "ben" in worker.keys, "his, although none of hers ends")
            assert len(worker.starts) == 4
            worker.stop.set()
            go_on.set()

    @CROWDS
    def test_order_is_kept_for_one_person_in_one_space_and_does_not_hold_up_others_there(self, queue, put, crowd):
        go_on = threading.Event()
        hers = [f"ada {number}" for number in range(crowd)]
        put(*hers, lock="space ada", person="ada")
        put("elsewhere", lock="other ada", person="ada")
        put("ben", lock="space ben", person="ben")

        def does(job: Job) -> None:
            if job.key == hers[0]:
                assert go_on.wait(5)

        worker = RunningWorker(queue, does, threads=4)
        with worker:
            worker.ran(hers[0], "elsewhere", "ben")
            go_on.set()
            until(lambda: len(worker.starts) == crowd + 2, "all")
        assert [key for key in worker.keys if key in hers] == hers

    def test_what_is_nobodys_has_its_turn(self, queue, put):
        put(*(f"ada {number}" for number in range(50)), person="ada")
        put("watch")
        worker = RunningWorker(queue, threads=1)
        with worker:
            until(lambda: "watch" in worker.keys, "nobody's")
            assert worker.keys.index("watch") <= 1

    def test_a_job_that_is_run_again_or_put_again_keeps_its_person(self, queue, put):
        """Else the second runs of hers would be nobody's, and have turns of their own beside hers."""
        put("ada 0", person="ada")
        worker = RunningWorker(queue, lambda job: RetryLater(0), threads=1)
        with worker:
            until(lambda: len(worker.ends) >= 1, "its first run")
        put("ada 0", person="ben")
        put("ada 1", "ada 2", person="ada")
        put("ben 0", "ben 1", "ben 2", person="ben")
        worker = RunningWorker(queue, threads=1)
        with worker:
            until(lambda: len(worker.starts) >= 6, "six runs")
        people = [key.split()[0] for key in worker.keys]
        assert people in (["ada", "ben"] * 3, ["ben", "ada"] * 3)

    @CROWDS
    def test_one_person_in_many_spaces_keeps_nobody_waiting(self, queue, put, crowd):
        for number in range(crowd):
            put(f"ada {number}", lock=f"space {number} ada", person="ada")
        put("ben", lock="space 0 ben", person="ben")
        worker = RunningWorker(queue, threads=1)
        with worker:
            until(lambda: "ben" in worker.keys, "his turn")
        assert worker.keys.index("ben") <= 1


class TestLanes:
    @CROWDS
    def test_a_lane_takes_no_thread_of_the_others_and_they_none_of_its_own(self, queue, put, crowd):
        go_on = threading.Event()
        put(*(f"file {number}" for number in range(crowd)), task="file")
        worker = RunningWorker(queue, lambda job: _wait(go_on), threads=2, lanes={"file": 3})
        with worker:
            until(lambda: len(worker.starts) == 3, "three files")
            put(*(f"word {number}" for number in range(5)))
            until(lambda: len(worker.starts) == 5, "two words")
            time.sleep(0.05)
            assert sorted(job.task for job in worker.starts) == ["file"] * 3 + ["task"] * 2
            worker.stop.set()
            go_on.set()

    def test_in_a_crowd_a_lane_starts_two_jobs_and_all_when_the_crowd_ends(self, queue, put):
        crowd_ends, go_on = threading.Event(), threading.Event()
        for person in ("ada", "ben"):
            put(f"word of {person}", person=person)
        put(*(f"file {number}" for number in range(6)), task="file")
        does = {"task": crowd_ends, "file": go_on}
        worker = RunningWorker(queue, lambda job: _wait(does[job.task]), threads=4, lanes={"file": 8})
        with worker:
            until(lambda: len(worker.starts) == 4, "two words and two files")
            time.sleep(0.05)
            assert sorted(job.task for job in worker.starts) == ["file"] * 2 + ["task"] * 2
            crowd_ends.set()
            until(lambda: len(worker.starts) == 8, "all files")
            worker.stop.set()
            go_on.set()

    def test_in_a_crowd_one_person_has_no_lane_alone(self, queue, put):
        crowd_ends, go_on = threading.Event(), threading.Event()
        for person in ("ada", "ben"):
            put(f"word of {person}", person=person)
        put(*(f"hers {number}" for number in range(8)), task="file", person="eve")
        does = {"task": crowd_ends, "file": go_on}
        worker = RunningWorker(queue, lambda job: _wait(does[job.task]), threads=4, lanes={"file": 8})
        with worker:
            until(lambda: len(worker.starts) == 3, "two words and one of her files")
            put("his", task="file", person="ben")
            until(lambda: "his" in worker.keys, "his file beside hers")
            assert len(worker.starts) == 4
            crowd_ends.set()
            until(lambda: len(worker.starts) == 9, "as many of hers as a lane has for one person")
            worker.stop.set()
            go_on.set()

    def test_a_full_lane_holds_up_no_job_that_is_due_later(self, queue, put):
        go_on = threading.Event()
        put("first", task="file", person="ada")
        worker = RunningWorker(queue, lambda job: _wait(go_on) if job.key == "first" else None, lanes={"file": 1})
        with worker:
            until(lambda: worker.keys == ["first"], "the lane is full")
            put("second", task="file", person="ada", after=0.1)
            put("later", person="ben", after=0.3)
            until(lambda: worker.keys == ["first", "later"], "what is due later, before what waits for the lane")
            go_on.set()
            until(lambda: worker.keys == ["first", "later", "second"], "what has waited for the lane")

    @pytest.mark.parametrize("started", range(1, 8))
    def test_on_a_machine_with_fewer_threads_each_lane_still_has_one(self, started):
        places = share_threads(6, {"file": 2}, started)
        assert places[COMMON] >= 1 <= places["file"]
        assert sum(places.values()) <= max(2, started)


class TestAgain:
    def test_it_waits_as_long_as_asked_and_counts_runs(self, queue, put):
        waits = [RetryLater(0.15), RetryLater(0.0), RetryLater(0.05, count=False), RetryLater(0.0), None]
        planned = iter(waits)
        put("one")
        worker = RunningWorker(queue, lambda job: next(planned))
        with worker:
            worker.ran(*["one"] * 5)
        assert [job.attempt for job in worker.starts] == [1, 2, 3, 1, 2]
        assert worker.times[1] - worker.times[0] >= 0.15
        assert worker.times[3] - worker.times[2] >= 0.05

    def test_the_task_s_other_due_jobs_may_wait_with_it(self, queue, put):
        """In their order; not those of other tasks, nor those that are put afterwards."""

        def does(job: Job) -> RetryLater | None:
            return RetryLater(0.4, others=0.4) if len(worker.starts) == 1 else None

        put("one", *(str(number) for number in range(90)))
        put("other", task="other")
        worker = RunningWorker(queue, does, threads=1)
        with worker:
            until(lambda: bool(worker.ends), "the first run")
            put("later")
            until(lambda: len(worker.starts) == 94, "all")
        assert sorted(worker.keys[1:3]) == ["later", "other"]
        assert worker.keys[3:] == ["one", *(str(number) for number in range(90))]
        assert worker.times[3] - worker.times[0] >= 0.4

    def test_jobs_of_one_lock_that_wait_together_keep_their_order(self, queue, put):
        def does(job: Job) -> RetryLater | None:
            return RetryLater(0.2, others=0.2) if len(worker.starts) == 1 else None

        put("first", "second", lock="a person in a space")
        worker = RunningWorker(queue, does)
        with worker:
            until(lambda: len(worker.starts) == 3, "all")
        assert worker.keys == ["first", "first", "second"]

    def test_a_put_brings_the_next_run_forward(self, queue, put):
        put("one")
        worker = RunningWorker(queue, lambda job: RetryLater(3600) if job.attempt == 1 else None)
        with worker:
            until(lambda: bool(worker.ends), "the first run")
            put("one")
            worker.ran("one", "one")

    def test_a_handler_that_raises_is_logged_and_run_again(self, queue, put):
        def does(job: Job) -> None:
            if job.attempt == 1:
                raise LookupError("a bug")

        put("one")
        worker = RunningWorker(queue, does)
        with capture_logs() as logs, worker:
            worker.ran("one", "one")
        assert [job.attempt for job in worker.starts] == [1, 2]
        assert worker.times[1] - worker.times[0] >= 1.0
        (line,) = [line for line in logs if line["event"] == "job_raised"]
        assert (line["task"], line["key"], line["attempt"], line["exc_info"]) == ("task", "one", 1, True)

    def test_a_handler_that_leaves_its_thread_is_run_again(self, queue, put):
        def does(job: Job) -> None:
            if job.attempt == 1:
                raise SystemExit

        put("one")
        worker = RunningWorker(queue, does, threads=1)
        with capture_logs(), worker:
            worker.ran("one", "one")


class TestStop:
    def test_what_runs_may_end_and_nothing_new_starts(self, database, queue, put):
        running, go_on = threading.Event(), threading.Event()

        def does(job: Job) -> None:
            running.set()
            assert go_on.wait(5)

        put("one", "two")
        worker = RunningWorker(queue, does, threads=1)
        with worker:
            assert running.wait(5)
            worker.stop.set()
            put("three")
            assert worker.thread.is_alive()
            go_on.set()
        assert worker.keys == ["one"]
        with database.read() as tx:
            assert queue.depth(tx)["due"] == 2
        worker = RunningWorker(queue)
        with worker:
            worker.ran("two", "three")

    def test_what_does_not_end_within_the_grace_is_handed_back(self, engine, queue, put):
        running, go_on = threading.Event(), threading.Event()

        def does(job: Job) -> None:
            running.set()
            assert go_on.wait(5)

        put("slow")
        worker = RunningWorker(queue, does, grace=0.1)
        with worker:
            assert running.wait(5)
        assert worker.ends == []
        database, other = engine.open()
        with RunningWorker(other, lambda job: RetryLater(3600)) as next_worker:
            next_worker.ran("slow")
            until(lambda: bool(next_worker.ends), "its end")
        go_on.set()
        until(lambda: bool(worker.ends), "the end of the one that was given up")
        with database.read() as tx:
            assert other.depth(tx)["delayed"] == 1, "the one that was given up had no say any more"
        database.close()

    def test_an_idle_worker_answers_at_once(self, queue):
        worker = RunningWorker(queue)
        with worker:
            pass
        assert not worker.starts

    def test_a_worker_stopped_before_it_starts_does_nothing(self, queue, put):
        put("one")
        worker = RunningWorker(queue)
        worker.stop.set()
        with worker:
            pass
        assert not worker.starts


def test_what_is_dropped_does_not_run_and_what_runs_then_not_again(database, queue, put):
    def drop(*keys: str) -> None:
        with database.begin() as tx:
            queue.drop(tx, "task", keys)

    def does(job: Job) -> RetryLater | None:
        if job.key == "running":
            put("running")
            drop("running", "unknown")
            return RetryLater(0)
        return None

    put("waiting", "running", "other")
    put("waiting", task="of another kind")
    drop("waiting")
    worker = RunningWorker(queue, does, threads=1)
    with worker:
        worker.ran("running", "other", "waiting")
        until(lambda: len(worker.ends) == 3, "their ends")
        put("last")
        worker.ran("running", "other", "waiting", "last")
    with database.read() as tx:
        assert queue.depth(tx)["delayed"] == 0


def _finish_and_fail(queue, tx) -> None:
    queue.finish(tx)
    raise ZeroDivisionError


class TestFinish:
    """A handler may end its job in a transaction of its own."""

    def test_the_job_is_gone_with_that_transaction(self, database, queue, put):
        seen = []

        def does(job: Job) -> None:
            with database.begin() as tx:
                queue.finish(tx)
                seen.append(queue.depth(tx)["due"])

        put("one")
        worker = RunningWorker(queue, does)
        with worker:
            worker.ran("one")
            until(lambda: bool(worker.ends), "its end")
        assert seen == [0]
        assert left(database, queue) == 0

    def test_rolled_back_the_job_is_ended_as_others_are(self, database, queue, put):
        def does(job: Job) -> RetryLater | None:
            if job.attempt == 1:
                with pytest.raises(ZeroDivisionError), database.begin() as tx:
                    _finish_and_fail(queue, tx)
                return RetryLater(0)
            return None

        put("one")
        worker = RunningWorker(queue, does)
        with worker:
            worker.ran("one", "one")
            until(lambda: left(database, queue) == 0, "an empty queue")

    def test_what_the_handler_raises_afterwards_does_not_run_it_again(self, database, queue, put):
        def does(job: Job) -> None:
            with database.begin() as tx:
                queue.finish(tx)
            raise LookupError("a bug")

        put("one")
        worker = RunningWorker(queue, does)
        with capture_logs(), worker:
            worker.ran("one")
            put("two")
            worker.ran("one", "two")
        assert left(database, queue) == 0

    def test_put_while_it_runs_it_runs_once_more_whether_before_or_after(self, database, queue, put):
        def does(job: Job) -> None:
            if len(worker.starts) == 1:
                put("before")
            if len(worker.starts) < 4:
                with database.begin() as tx:
                    queue.finish(tx)
            if len(worker.starts) == 2:
                put("before")

        put("before")
        worker = RunningWorker(queue, does, threads=2)
        with worker:
            worker.ran("before", "before", "before")
            until(lambda: left(database, queue) == 0, "an empty queue")

    @CROWDS
    def test_put_again_before_its_handler_returns_it_does_not_overlap_itself(self, database, queue, put, crowd):
        go_on = threading.Event()
        together = []

        def does(job: Job) -> None:
            if job.key != "one":
                return
            together.append(len([one for one in worker.starts if one.key == "one"]) - len(runs_ended))
            with database.begin() as tx:
                queue.finish(tx)
            if len(together) == 1:
                put("one", *(f"other {number}" for number in range(crowd)))
                until(lambda: len(worker.starts) == crowd + 1, "all others")
                go_on.wait(0.05)
            runs_ended.append(job)

        runs_ended: list[Job] = []
        put("one")
        worker = RunningWorker(queue, does, threads=4)
        with worker:
            until(lambda: len(runs_ended) == 2, "its second run")
        assert together == [1, 1]

    def test_in_a_thread_that_runs_no_job_nothing_happens(self, database, queue, put):
        put("one")
        with database.begin() as tx:
            queue.finish(tx)
        assert left(database, queue) == 1


def test_depth_counts_due_and_delayed_jobs(database, queue, put):
    with database.read() as tx:
        assert queue.depth(tx) == {"due": 0, "delayed": 0, "oldest_due_seconds": 0.0}
    put("a", "b")
    put("c", after=60)
    time.sleep(0.05)
    with database.read() as tx:
        depth = queue.depth(tx)
    assert (depth["due"], depth["delayed"]) == (2, 1)
    assert 0.05 <= depth["oldest_due_seconds"] < 5


def test_the_oldest_waiting_job_is_one_that_does_not_run(database, queue, put):
    """Not those that run, wait for their time, or are of the tasks left aside."""
    go_on = threading.Event()

    def waiting() -> float:
        with database.read() as tx:
            return float(queue.oldest_waiting_seconds(tx, without=["file"]))

    def does(job: Job) -> None:
        assert go_on.wait(5)

    put("file", task="file")
    put("later", after=60)
    time.sleep(0.05)
    assert waiting() == 0.0
    put("runs")
    worker = RunningWorker(queue, does, threads=2)
    with worker:
        until(lambda: len(worker.starts) == 2, "both threads busy")
        assert waiting() == 0.0
        put("waits")
        time.sleep(0.05)
        assert 0.05 <= waiting() < 5
        go_on.set()
        worker.ran("file", "runs", "waits")
    assert waiting() == 0.0


def test_each_look_for_jobs_is_noted_for_the_health_check(engine, queue, put):
    noted = engine.data_dir / process.WORKING_FILE
    noted.touch()
    os.utime(noted, (0, 0))
    worker = RunningWorker(queue)
    with worker:
        put("one")
        worker.ran("one")
        until(noted.exists, "a note")
        assert process.is_working(engine.data_dir)


def _wait(event: threading.Event) -> None:
    assert event.wait(5)


def _put_and_fail(queue, tx) -> None:
    queue.put(tx, "task", "never")
    raise ZeroDivisionError
