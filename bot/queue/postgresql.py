"""The engine for many machines: the same table of jobs in PostgreSQL, with any number of workers.

A worker notes in the row that it runs the job, in one transaction with the choice, so that fair turns, lanes and locks
are those of the embedded engine. See docs/decisions/0035 for why this is not a library.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.queue.listener import Listener
from bot.queue.queue import Queue
from bot.queue.shared_jobs import Beats, SharedJobTable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.db.database import Database
    from bot.queue.jobs import RowWithJob
    from bot.queue.wakeup import Wakeup


class PostgresqlQueue(Queue):
    """The queue of many machines; `folder` is the worker's own. The statement that puts a job wakes the workers."""

    jobs: SharedJobTable

    def __init__(self, database: Database, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(SharedJobTable(database, clock, folder), folder)
        self._database = database

    def add(self, new: RowWithJob) -> None:
        """Add a row and its job by one statement, which waits for no other writer."""
        self.jobs.add(new)

    def wake(self) -> None:
        """Tell the workers of all machines to look for jobs."""
        self.jobs.wake_all()

    def _entry(self, stop: threading.Event) -> tuple[Wakeup, AbstractContextManager[bool]]:  # noqa: ARG002 it never waits
        return Listener(self._database), self._beating()

    @contextmanager
    def _beating(self) -> Iterator[bool]:
        with Beats(self.jobs):
            yield False
