"""How a worker hears of jobs that were put on any machine: a connection on which PostgreSQL tells it."""

from __future__ import annotations

import selectors
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.queue.shared_jobs import CHANNEL
from bot.queue.wakeup import Wakeup

if TYPE_CHECKING:
    from bot.db.database import Database

log = structlog.get_logger(__name__)

LISTEN: Final = f"LISTEN {CHANNEL}"
AGAIN: Final = 1.0  # seconds between tries to listen while the database is away


class Listener(Wakeup):
    """Wakes by LISTEN, on a connection of its own that is made again when it breaks."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._connection: psycopg.Connection[Any] | None = None
        self._descriptor = -1
        """Of the connection: one that is lost does not tell it any more."""
        self._tried = 0.0

    def listen(self) -> None:
        """Begin to listen; tried again at each wait while it fails."""
        self._tried = time.monotonic()
        try:
            connection = self._database.server.own_connection()
            connection.execute(LISTEN)
        except (SQLAlchemyError, psycopg.Error) as error:
            log.debug("not_listening", cause=type(error).__name__)  # the database's own line says that it is away
            return
        self._connection = connection
        self._descriptor = connection.fileno()
        self._selector.register(self._descriptor, selectors.EVENT_READ)
        self.listening = True

    def wait(self, seconds: float) -> bool:
        """Return when woken, or after so many seconds; True if a put did it, or may have done."""
        if not self.listening and time.monotonic() - self._tried >= AGAIN:
            self.listen()
            if self.listening:
                return True  # what was put meanwhile was not heard of
        if not self._ready(seconds):
            return False
        self._read()
        return True

    def close(self) -> None:
        """Stop listening."""
        self._drop()
        super().close()

    def _read(self) -> None:
        assert self._connection is not None
        try:
            self._connection.pgconn.consume_input()
        except psycopg.Error:
            self._drop()
            return
        while self._connection.pgconn.notifies():
            pass

    def _drop(self) -> None:
        if self._connection is not None:
            self._selector.unregister(self._descriptor)
            self._connection.close()
            self._connection = None
        self.listening = False
