"""The engine for many machines: the same table of jobs in PostgreSQL, with any number of workers.

A worker notes in the row that it runs the job, in one transaction with the choice, so that fair turns, lanes and locks
are those of the embedded engine. See docs/decisions/0035 for why this is not a library.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.queue.jobs import GRACE, NO_LANES, Depth, Job, RetryLater
from bot.queue.listener import Listener
from bot.queue.shared_jobs import Beats, SharedJobTable
from bot.queue.worker_loop import WorkerLoop

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from bot.db.database import Database, Transaction


class PostgresqlQueue:
    """`bot.queue.Queue` on a table of the database; `folder` is the worker's own."""

    def __init__(self, database: Database, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.jobs = SharedJobTable(database, clock, folder)
        self._database = database
        self._folder = folder

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
        """As in the port; it never has to wait for another worker."""
        loop = WorkerLoop(self.jobs, Listener(self._database), self._folder, handle=handle, stop=stop, grace=grace)
        loop.run(threads, lanes, begin, self._beating())

    def wake(self) -> None:
        """As in the port."""
        self.jobs.wake_all()

    def depth(self, tx: Transaction) -> Depth:
        """As in the port."""
        return self.jobs.depth(tx)

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """As in the port."""
        return self.jobs.oldest_waiting_seconds(tx, without)

    @contextmanager
    def _beating(self) -> Iterator[bool]:
        with Beats(self.jobs):
            yield False
