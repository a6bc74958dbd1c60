"""The queue's interface: nothing outside this package knows which engine runs the jobs.

A job is the name of a task and the id of a row, never data. It is put by the transaction that makes the work necessary,
so both exist or neither does. An engine may run a job more than once (after a crash, a loss of power, a stop that was
cut short) and never loses one: handlers are idempotent against the database.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bot.queue.jobs import GRACE, NO_LANES, Depth, Job, RetryLater, RowWithJob
from bot.queue.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.db.database import Database

__all__ = ["GRACE", "NO_LANES", "Depth", "Job", "Queue", "RetryLater", "RowWithJob", "open_queue"]


def open_queue(database: Database, data_dir: Path, clock: Callable[[], float] = time.time) -> Queue:
    """Return the queue on the engine that fits the database; `data_dir` is where the embedded one meets its worker.

    With PostgreSQL it is the worker's own folder.
    """
    if database.dialect == "sqlite":
        from bot.queue.sqlite import SqliteQueue  # noqa: PLC0415 - only the engine that runs is loaded, and it imports us

        return SqliteQueue(database, data_dir, clock=clock)
    from bot.queue.postgresql import PostgresqlQueue  # noqa: PLC0415 - likewise

    return PostgresqlQueue(database, data_dir, clock=clock)
