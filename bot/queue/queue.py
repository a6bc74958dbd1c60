"""The queue's interface, and what both engines do alike: their jobs are rows of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bot.queue.job_table import JobTable
from bot.queue.jobs import GRACE, NO_LANES, Job, RetryLater, RowWithJob
from bot.queue.worker_loop import WorkerLoop

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from bot.db.database import Transaction
    from bot.queue.wakeup import Wakeup


class Queue(JobTable, ABC):
    """What every engine does; `tests/queue/` holds each of them to it."""

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
        """Have `task` run on `key`, `after` seconds from now or later, if `tx` commits; a worker is woken then.

        There is one waiting job for a task and key: put again it only comes earlier. Put while it runs, it runs once
        more afterwards. Jobs with one `lock` never overlap, and start in the order they were put among those due; all
        of them are of one lane.
        `person`: in whose turn it runs (see `work`); of a job that is there already it stays as it is.
        `if_absent`: a job that is there, waiting or running, stays as it is (for the maintenance, which comes again).
        Raises ``ValueError`` for a wait that is negative or no number.
        """
        now = self.clock()
        due = now + RetryLater(after).seconds
        row = {"of_task": task, "of_key": key, "of_lock": lock, "of_person": person, "of_due": due}
        tx.execute(self._puts.if_absent if if_absent else self._puts.put, row | {"now": now})
        self._wake_after(tx)

    @abstractmethod
    def add(self, new: RowWithJob) -> None:
        """Add a row and its job, unless a row like it is there; both are on the disk at the return.

        May be called by many threads at once. Raises ``DatabaseUnavailable``.
        """

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
        """Run jobs in so many threads until `stop` is set, and what runs then has ended or `grace` seconds are over.

        `lanes`: tasks that have so many more threads of their own, and take none of the others.
        People take turns, and no one person has all threads of a lane.
        `begin` is called before the first job, when there is no other worker that must end first: with True if it
        had to wait for one.
        What has not ended by then stays due for the next worker. A handler that raises is logged, its job runs again.
        """
        wakeup, may_begin = self._entry(stop)
        loop = WorkerLoop(self, wakeup, self._folder, handle=handle, stop=stop, grace=grace)
        loop.run(threads, lanes, begin, may_begin)

    @abstractmethod
    def wake(self) -> None:
        """Tell the worker, wherever it runs, to look for jobs now."""

    def _wake_after(self, tx: Transaction) -> None:
        """Have the worker woken when others see what this transaction has put."""

    @abstractmethod
    def _entry(self, stop: threading.Event) -> tuple[Wakeup, AbstractContextManager[bool]]:
        """Return how a worker is woken, and what it enters before its first job (see `WorkerLoop.run`)."""
