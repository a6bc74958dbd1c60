"""The queue's interface: nothing outside this package knows which engine runs the jobs.

A job is the name of a task and the id of a row, never data. It is put by the transaction that makes the work necessary,
so both exist or neither does. An engine may run a job more than once (after a crash, a loss of power, a stop that was
cut short) and never loses one: handlers are idempotent against the database.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from bot.queue.jobs import GRACE, NO_LANES, Depth, Job, RetryLater

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from bot.db.database import Database, Transaction

__all__ = ["GRACE", "NO_LANES", "Depth", "Job", "Queue", "RetryLater", "open_queue"]


class Queue(Protocol):
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
        """

    def drop(self, tx: Transaction, task: str, keys: Collection[str]) -> None:
        """Remove the jobs of these keys, if `tx` commits; one that runs ends, and does not run again."""

    def finish(self, tx: Transaction) -> None:
        """End the job that this thread runs, if `tx` commits: it needs no transaction of its own then.

        Only where nothing is left to do that must not be lost: what its handler returns or raises afterwards does not
        run it again. Put while it ran, it still runs once more. In a thread that runs no job nothing happens.
        """

    def forget_person(self, tx: Transaction, person: str) -> None:
        """Take a person's jobs out of their turns: they run, and nothing tells any more whose they were."""

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

    def wake(self) -> None:
        """Tell the worker, wherever it runs, to look for jobs now."""

    def depth(self, tx: Transaction) -> Depth:
        """Count the jobs."""

    def oldest_waiting_seconds(self, tx: Transaction, *, without: Collection[str] = ()) -> float:
        """Return for how long the oldest due job has waited for a thread, tasks `without` aside; 0.0 if none waits.

        Only the worker's process knows which jobs run; in any other, a running job counts as waiting.
        """


def open_queue(database: Database, data_dir: Path, clock: Callable[[], float] = time.time) -> Queue:
    """Return the queue on the engine that fits the database; `data_dir` is where the embedded one meets its worker.

    With PostgreSQL it is the worker's own folder.
    """
    if database.dialect == "sqlite":
        from bot.queue.sqlite import SqliteQueue  # noqa: PLC0415 - only the engine that runs is loaded, and it imports us

        return SqliteQueue(database, data_dir, clock=clock)
    from bot.queue.postgresql import PostgresqlQueue  # noqa: PLC0415 - likewise

    return PostgresqlQueue(database, data_dir, clock=clock)
