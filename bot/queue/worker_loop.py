"""A worker: a thread that chooses jobs, and some that run them.

It sleeps until a job is put or the next one is due; that a job ends is a reason to read the table only where a due one
is left that could not start before. It never gives up: while the database is away it logs so once, tries at growing
intervals, and keeps what has ended but could not be written.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot import process
from bot.errors import DatabaseUnavailable
from bot.queue.fairness import lane_of, share_threads
from bot.queue.jobs import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.queue.job_table import JobTable
    from bot.queue.jobs import Claim, Job
    from bot.queue.wakeup import Wakeup

log = structlog.get_logger(__name__)

LOOK_MAX = 30.0  # seconds after which an idle worker looks without being woken: datagrams get lost, clocks step
LOOK_MAX_UNLESS_LISTENING = 1.0  # the same where none can wake it
AWAY_FIRST, AWAY_MAX = 0.1, 2.0  # seconds between tries while the database is away, doubling
RAISED_FIRST, RAISED_MAX = 1.0, 300.0  # seconds until a job whose handler raised runs again, doubling
NOTE_EVERY = 1.0  # seconds between two notes that the worker works
CLOCK_STEP = 1.0  # seconds; a wall clock that fell behind by more has been set back
AWAY = (DatabaseUnavailable, SQLAlchemyError)  # the second: a database without our table is as good as none


class WorkerLoop:
    """One call of `Queue.work`; its parameters are explained there."""

    def __init__(
        self,
        jobs: JobTable,
        wakeup: Wakeup,
        folder: Path,
        *,
        handle: Callable[[Job], RetryLater | None],
        stop: threading.Event,
        grace: float,
    ) -> None:
        self._jobs = jobs
        self._folder = folder
        self._handle = handle
        self._stop = stop
        self._grace = grace
        self._lanes: Mapping[str, int] = {}
        self._wakeup = wakeup
        self._left: Collection[str] = ()
        """Lanes: when a job in one of these ends, another one may start."""
        self._ended: set[str] = set()
        """Lanes in which a job has ended since the last look began."""
        self._look = False
        """A job may start because another one has ended."""
        self._to_start: SimpleQueue[Claim | None] = SimpleQueue()
        self._running: set[Claim] = set()
        self._guard = threading.Lock()  # of _running, _left, _ended, _look and _away
        self._away: set[Claim | None] = set()  # who misses the database: claims that cannot settle, None the chooser
        self._say = log.debug  # how the last absence of the database was logged
        self._over = threading.Event()  # the grace has run out: what ends now is no longer ours to write
        self._lead = 0.0
        self._noted = -NOTE_EVERY

    def run(
        self,
        threads: int,
        lanes: Mapping[str, int],
        begin: Callable[[bool], None] | None,
        may_begin: AbstractContextManager[bool],
    ) -> None:
        """Wait until it may begin, begin, work until the stop, give the rest back.

        `may_begin` is entered for the wait, gives whether there was one, and is left at the end.
        """
        noted = process.forget_working(self._folder)
        ended = threading.Event()
        threading.Thread(target=self._watch_stop, args=(ended,), name="queue-stop", daemon=True).start()
        try:
            with may_begin as waited:
                if noted is not None and not waited:  # nobody has this folder: the one before was killed, or crashed
                    at = datetime.fromtimestamp(noted, UTC).isoformat(timespec="seconds")
                    log.warning("earlier_worker_did_not_end", folder=str(self._folder), last_seen=at)
                if not self._stop.is_set():
                    if begin is not None:
                        begin(waited)
                    self._work(threads, lanes)
                    process.forget_working(self._folder)
        finally:
            ended.set()
            self._wakeup.close()

    def _watch_stop(self, ended: threading.Event) -> None:
        """Wake the loop at the stop, so that anyone who sets it need not. (No polling: it sleeps until then.)"""
        self._stop.wait()
        if not ended.is_set():
            self._wakeup.wake()

    def _work(self, threads: int, lanes: Mapping[str, int]) -> None:
        self._wakeup.listen()
        self._lead = self._jobs.clock() - time.monotonic() + 2 * CLOCK_STEP  # so that the first look checks the clock
        started = self._start_threads(threads + sum(lanes.values()))
        self._lanes = share_threads(threads, lanes, len(started))
        log.info("queue_worker_started", threads=len(started))
        try:
            wait_if_away, wait_if_raised = AWAY_FIRST, RAISED_FIRST
            while not self._stop.is_set():
                try:
                    wait = self._start_what_is_due()
                except AWAY as error:
                    self._missing(None, error)
                    wait, wait_if_away = wait_if_away, min(2 * wait_if_away, AWAY_MAX)
                except Exception:  # without this thread no job would start any more
                    log.exception("queue_look_crashed")
                    wait, wait_if_raised = wait_if_raised, min(2 * wait_if_raised, RAISED_MAX)
                else:
                    self._reached(None)
                    wait_if_away, wait_if_raised = AWAY_FIRST, RAISED_FIRST
                self._wait(wait)
        finally:
            self._end(started)

    def _start_threads(self, wanted: int) -> list[threading.Thread]:
        """Start as many threads as the machine gives; RuntimeError when it gives none."""
        started: list[threading.Thread] = []
        for number in range(wanted):
            thread = threading.Thread(target=self._run_jobs, name=f"queue-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                if not started:
                    raise
                log.warning("queue_worker_has_fewer_threads", threads=number, cause=str(error))
                break
            started.append(thread)
        return started

    def _start_what_is_due(self) -> float:
        """Hand jobs to free threads; return the seconds until the next look."""
        if time.monotonic() - self._noted >= NOTE_EVERY:
            process.note_working(self._folder)
            self._noted = time.monotonic()
        self._check_clock()
        longest = LOOK_MAX if self._wakeup.listening else LOOK_MAX_UNLESS_LISTENING
        with self._guard:
            running = list(self._running)
            full = len(running) >= sum(self._lanes.values())
            self._left = self._lanes if full else ()
            self._look = False
            self._ended.clear()
        if full:
            return longest  # the first to end wakes this thread
        taken = self._jobs.take(running, self._lanes)
        with self._guard:
            self._left = taken.left
            self._look |= not self._ended.isdisjoint(taken.left)
            self._running.update(taken.claims)
        for claim in taken.claims:
            self._to_start.put(claim)
        return longest if taken.seconds is None else min(taken.seconds, longest)

    def _wait(self, seconds: float) -> None:
        """Wait so long, or until a look may find a job: one was put, or one has ended and others wait for that."""
        until = time.monotonic() + seconds
        while not (self._stop.is_set() or self._look) and (left := until - time.monotonic()) > 0:
            if self._wakeup.wait(left) or not self._wakeup.listening:
                return

    def _check_clock(self) -> None:
        """Restart the waits if the wall clock was set back since the last look, or before the start."""
        lead = self._jobs.clock() - time.monotonic()
        if lead < self._lead - CLOCK_STEP:
            number = self._jobs.restart_waits()
            if number:
                log.warning("queue_clock_set_back", jobs=number)
        self._lead = lead

    def _run_jobs(self) -> None:
        while (claim := self._to_start.get()) is not None:
            again = False
            if not self._stop.is_set():  # a job that was handed over but not started is given back
                with self._jobs.running(claim):
                    outcome = self._outcome(claim.job)
                again = self._settle(claim, outcome)
            lane = lane_of(claim.job.task, self._lanes)
            with self._guard:
                self._running.remove(claim)
                self._ended.add(lane)
                self._look |= again or lane in self._left
                wake = self._look or self._stop.is_set() or not self._wakeup.listening
            if wake:
                self._wakeup.wake()

    def _outcome(self, job: Job) -> RetryLater | None:
        try:
            return self._handle(job)
        except BaseException:  # nothing above a thread would catch it, and the job must not be lost
            wait = min(RAISED_MAX, RAISED_FIRST * 2 ** min(job.attempt - 1, 30))
            log.exception("job_raised", task=job.task, key=job.key, attempt=job.attempt, again_in_seconds=wait)
            return RetryLater(wait)

    def _settle(self, claim: Claim, outcome: RetryLater | None) -> bool:
        """Write how a job ended, however long the database is away; at a stop the first failure gives it back.

        True: it is to run again.
        """
        wait, longest = AWAY_FIRST, AWAY_MAX
        while not self._over.is_set():
            try:
                again = self._jobs.settle(claim, outcome)
            except AWAY as error:
                self._missing(claim, error)
            except Exception:  # this worker has the job, so nobody else would ever run it
                log.exception("job_not_settled", task=claim.job.task)
                longest = RAISED_MAX
            else:
                self._reached(claim)
                return again
            if self._stop.is_set():
                break
            self._stop.wait(wait)
            wait = min(2 * wait, longest)
        return False

    def _missing(self, who: Claim | None, error: Exception) -> None:
        """Note that the database is away; the first to meet it logs it, unless the database's own line says so."""
        with self._guard:
            first = not self._away
            self._away.add(who)
        if first:
            self._say = log.debug if isinstance(error, DatabaseUnavailable) else log.error
            self._say(
                "queue_database_away", error=str(error.cause if isinstance(error, DatabaseUnavailable) else error)
            )

    def _reached(self, who: Claim | None) -> None:
        """Note that the database is back; the last to see it logs it as its absence was logged."""
        with self._guard:
            last = self._away == {who}
            self._away.discard(who)
        if last:
            self._say("queue_database_back")

    def _end(self, threads: list[threading.Thread]) -> None:
        for _ in threads:
            self._to_start.put(None)
        deadline = time.monotonic() + self._grace
        while (left := deadline - time.monotonic()) > 0 and self._running:
            self._wakeup.wait(left)
        self._over.set()
        with self._guard:
            handed_back = len(self._running)
        if not handed_back:
            for thread in threads:
                thread.join()
        log.info("queue_worker_ended", handed_back=handed_back)
