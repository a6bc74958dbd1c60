"""The embedded engine: a table of jobs in the product's own SQLite file, for one machine and one worker process.

Why a table: `put` shares the transaction of the row that it is about. Why one process: what runs is then known in its
memory, so taking a job writes nothing, and a worker that was killed leaves nothing to tidy up: every row that is still
there is due. A second worker waits for a lock file, which the kernel frees whatever happens to the first.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from bot.queue.job_table import JobTable
from bot.queue.jobs import GRACE, NO_LANES, Depth, Job, RetryLater
from bot.queue.wakeup import WakeupSocket, notify
from bot.queue.worker_loop import WorkerLoop

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from bot.db.database import Database, Transaction

log = structlog.get_logger(__name__)

LOCK_NAME = "worker.lock"
LOCK_LOOK = 0.5  # seconds between looks at another worker's lock


class SqliteQueue:
    """`bot.queue.Queue` on a table of the database, with the worker's lock and socket in `data_dir`.

    `clock`: seconds since 1970. It may step: a step forward makes jobs come early, after one back waits start again.
    """

    def __init__(self, database: Database, data_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.jobs = JobTable(database, clock)
        self._data_dir = data_dir

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
        self.jobs.put(tx, Job(task, key, lock, attempt=1), person, after, if_absent=if_absent)
        tx.when_visible(self.wake)

    def drop(self, tx: Transaction, task: str, keys: Collection[str]) -> None:
        """As in the port."""
        self.jobs.drop(tx, task, keys)

    def finish(self, tx: Transaction) -> None:
        """As in the port."""
        self.jobs.finish(tx)

    def forget_person(self, tx: Transaction, person: str) -> None:
        """As in the port."""
        self.jobs.forget_person(tx, person)

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
        wakeup = WakeupSocket(self._data_dir)
        loop = WorkerLoop(self.jobs, wakeup, self._data_dir, handle=handle, stop=stop, grace=grace)
        loop.run(threads, lanes, begin, _only_one(self._data_dir, stop, wakeup))

    def wake(self) -> None:
        """As in the port; costs some 20 µs, worker or not."""
        notify(self._data_dir)

    def depth(self, tx: Transaction) -> Depth:
        """As in the port."""
        return self.jobs.depth(tx)

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """As in the port."""
        return self.jobs.oldest_waiting_seconds(tx, without)


@contextmanager
def _only_one(data_dir: Path, stop: threading.Event, wakeup: WakeupSocket) -> Iterator[bool]:
    """Hold the lock file, unless the stop comes first; gives whether another worker had it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        waited = False
        while not stop.is_set():
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waited:
                    log.info("queue_worker_waits", reason="another worker has the queue")
                    waited = True
                wakeup.wait(LOCK_LOOK)
            else:
                break
        yield waited
    finally:
        os.close(handle)
