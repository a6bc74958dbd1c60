"""The queue's interface, and what both engines do alike: their jobs are rows of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bot.queue.jobs import GRACE, NO_LANES, Depth, Job, RetryLater, RowWithJob
from bot.queue.worker_loop import WorkerLoop

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.db.database import Transaction
    from bot.queue.job_table import JobTable
    from bot.queue.wakeup import Wakeup


class Queue(ABC):
    """What every engine does; `tests/queue/` holds each of them to it. `folder` is the worker's."""

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
        """Have `task` run on `key`, `after` seconds from now or later, if `tx` commits; a worker is woken then.

        There is one waiting job for a task and key: put again it only comes earlier. Put while it runs, it runs once
        more afterwards. Jobs with one `lock` never overlap, and start in the order they were put among those due; all
        of them are of one lane.
        `person`: in whose turn it runs (see `work`); of a job that is there already it stays as it is.
        `if_absent`: a job that is there, waiting or running, stays as it is (for the maintenance, which comes again).
        Raises ``ValueError`` for a wait that is negative or no number.
        """
        self.jobs.put(tx, Job(task, key, lock, attempt=1), person, after, if_absent=if_absent)
        self._wake_after(tx)

    @abstractmethod
    def add(self, new: RowWithJob) -> None:
        """Add a row and its job, unless a row like it is there; both are on the disk at the return.

        May be called by many threads at once. Raises ``DatabaseUnavailable``.
        """

    def drop(self, tx: Transaction, task: str, keys: Collection[str]) -> None:
        """Remove the jobs of these keys, if `tx` commits; one that runs ends, and does not run again."""
        self.jobs.drop(tx, task, keys)

    def finish(self, tx: Transaction) -> None:
        """End the job that this thread runs, if `tx` commits: it needs no transaction of its own then.

        Only where nothing is left to do that must not be lost: what its handler returns or raises afterwards does not
        run it again. Put while it ran, it still runs once more. In a thread that runs no job nothing happens.
        """
        self.jobs.finish(tx)

    def forget_person(self, tx: Transaction, person: str) -> None:
        """Take a person's jobs out of their turns: they run, and nothing tells any more whose they were."""
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
        """Run jobs in so many threads until `stop` is set, and what runs then has ended or `grace` seconds are over.

        `lanes`: tasks that have so many more threads of their own, and take none of the others.
        People take turns, and no one person has all threads of a lane, if it has four or more.
        `begin` is called before the first job, when there is no other worker that must end first: with True if it
        had to wait for one.
        What has not ended by then stays due for the next worker. A handler that raises is logged, its job runs again.
        """
        wakeup, may_begin = self._entry(stop)
        loop = WorkerLoop(self.jobs, wakeup, self._folder, handle=handle, stop=stop, grace=grace)
        loop.run(threads, lanes, begin, may_begin)

    @abstractmethod
    def wake(self) -> None:
        """Tell the worker, wherever it runs, to look for jobs now."""

    def depth(self, tx: Transaction) -> Depth:
        """Count the jobs."""
        return self.jobs.depth(tx)

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """Return for how long the oldest due job has waited for a thread, tasks `without` aside; 0.0 if none waits.

        Only the worker's process knows which jobs run; in any other, a running job counts as waiting.
        """
        return self.jobs.oldest_waiting_seconds(tx, without)

    def _wake_after(self, tx: Transaction) -> None:  # noqa: B027 one engine's statement does it
        """Have the worker woken when others see what this transaction has put."""

    @abstractmethod
    def _entry(self, stop: threading.Event) -> tuple[Wakeup, AbstractContextManager[bool]]:
        """Return how a worker is woken, and what it enters before its first job (see `WorkerLoop.run`)."""
