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

from bot.db.group_commit import GroupCommit
from bot.queue.queue import Queue
from bot.queue.wakeup import WakeupSocket, notify

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.db.database import Database, Transaction
    from bot.queue.jobs import RowWithJob
    from bot.queue.wakeup import Wakeup

log = structlog.get_logger(__name__)

LOCK_NAME = "worker.lock"
LOCK_LOOK = 0.5  # seconds between looks at another worker's lock


class SqliteQueue(Queue):
    """The queue of one machine, with the worker's lock and socket in `data_dir`.

    `clock`: seconds since 1970. It may step: a step forward makes jobs come early, after one back waits start again.
    A second worker waits, and answers its `stop`, while the first one holds the lock.
    """

    def __init__(self, database: Database, data_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(database, data_dir, clock=clock)
        self._together = GroupCommit(self._add_all)

    def add(self, new: RowWithJob) -> None:
        """Add a row and its job, in one transaction with what other threads add at that moment."""
        self._together(new)

    def _add_all(self, batch: Sequence[RowWithJob]) -> None:
        with self._database.begin() as tx:
            for new in batch:
                key = tx.insert_once(new.table, new.values, new.unique)
                if key is not None:
                    self.put(tx, new.task, str(key), lock=new.lock, person=new.person)

    def wake(self) -> None:
        """Tell the worker to look for jobs; costs some 20 µs, worker or not."""
        notify(self._folder)

    def _wake_after(self, tx: Transaction) -> None:
        tx.when_visible(self.wake)

    def _entry(self, stop: threading.Event) -> tuple[Wakeup, AbstractContextManager[bool]]:
        wakeup = WakeupSocket(self._folder)
        return wakeup, _only_one(self._folder, stop, wakeup)


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
