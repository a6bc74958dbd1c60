"""How a worker hears of jobs that were put on any machine: a connection on which PostgreSQL tells it."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.queue.shared_jobs import CHANNEL

if TYPE_CHECKING:
    from bot.db.database import Database

log = structlog.get_logger(__name__)

LISTEN: Final = f"LISTEN {CHANNEL}"
BUFFER: Final = 64  # bytes; what is in the pipe does not matter
AGAIN: Final = 1.0  # seconds between tries to listen while the database is away


class Listener:
    """`bot.queue.worker_loop.Wakeup` by LISTEN, on a connection of its own that is made again when it breaks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0.0)
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._connection: psycopg.Connection[Any] | None = None
        self._descriptor = -1
        """Of the connection: one that is lost does not tell it any more."""
        self._tried = 0.0
        self.listening = False

    def listen(self) -> None:
        """As in the protocol; tried again at each wait while it fails."""
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
        """As in the protocol."""
        if not self.listening and time.monotonic() - self._tried >= AGAIN:
            self.listen()
            if self.listening:
                return True  # what was put meanwhile was not heard of
        ready = [key.fileobj for key, _ in self._selector.select(seconds)]
        if self._reader in ready:
            with suppress(BlockingIOError):  # emptied: many are one
                while self._reader.recv(BUFFER):
                    pass
        if len(ready) > (self._reader in ready):
            self._read()
            return True
        return False

    def wake(self) -> None:
        """As in the protocol; after `close` nothing happens."""
        with suppress(OSError):  # a full buffer means that it has been woken
            self._writer.send(b"!")

    def close(self) -> None:
        """As in the protocol."""
        self._drop()
        self._selector.close()
        self._reader.close()
        self._writer.close()

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
