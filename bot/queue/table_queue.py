"""What both engines do alike: their jobs are rows of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bot.queue.jobs import GRACE, NO_LANES, Depth, Job, RetryLater
from bot.queue.worker_loop import WorkerLoop

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.db.database import Transaction
    from bot.queue.job_table import JobTable
    from bot.queue.worker_loop import Wakeup


class TableQueue(ABC):
    """`bot.queue.Queue` on a table of the database; `folder` is the worker's."""

    def __init__(self, jobs: JobTable, folder: Path) -> None:
        self.jobs = jobs
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
        self._wake_after(tx)

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
        """As in the port."""
        wakeup, may_begin = self._entry(stop)
        loop = WorkerLoop(self.jobs, wakeup, self._folder, handle=handle, stop=stop, grace=grace)
        loop.run(threads, lanes, begin, may_begin)

    @abstractmethod
    def wake(self) -> None:
        """As in the port."""

    def depth(self, tx: Transaction) -> Depth:
        """As in the port."""
        return self.jobs.depth(tx)

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """As in the port."""
        return self.jobs.oldest_waiting_seconds(tx, without)

    def _wake_after(self, tx: Transaction) -> None:  # noqa: B027 one engine's statement does it
        """Have the worker woken when others see what this transaction has put."""

    @abstractmethod
    def _entry(self, stop: threading.Event) -> tuple[Wakeup, AbstractContextManager[bool]]:
        """Return how a worker is woken, and what it enters before its first job (see `WorkerLoop.run`)."""
