"""Have one thread, of all processes on all machines, at a time do something about a row."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import BotError, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.db.database import Database

log = structlog.get_logger(__name__)

LOCKS: Final = 64
"""Of this process; rows share them."""
LOCK_TIMEOUT: Final = 2.0
"""Seconds to wait for another process; what takes longer is tried again by the queue."""
LOOK: Final = 0.1
"""Seconds between two looks whether another process has ended."""


class BusyElsewhere(BotError):
    """Another process of the bot is doing this just now. Try again later."""

    passing = True


class OneAtATime:
    """Locks by the ID of a row, for one kind of work.

    With SQLite there is one worker, and a lock of its own does. With PostgreSQL the server has the lock; when the
    connection to it is lost, what is under way is not alone any more.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    @contextmanager
    def about(self, row_id: int) -> Iterator[None]:
        """Be the only one in the block. Raises ``BusyElsewhere`` and ``DatabaseUnavailable``, which pass."""
        with self._locks[row_id % LOCKS]:
            if self._database.dialect == "sqlite":
                yield
                return
            deadline = time.monotonic() + LOCK_TIMEOUT
            while not self._database.server.take(self._name, row_id):
                if time.monotonic() >= deadline:
                    raise BusyElsewhere
                time.sleep(LOOK)
            try:
                yield
            finally:
                try:
                    self._database.server.free(self._name, row_id)
                except DatabaseUnavailable as error:
                    log.debug("lock_lost", cause=str(error))  # the server has freed it
