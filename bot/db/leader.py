"""Which of several workers does what only one may do: the one that has a lock of the server's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from psycopg import Connection

    from bot.db.database import Database

log = structlog.get_logger(__name__)


class Leader:
    """Says whether this process leads in something; the lead passes on when it ends or loses the database.

    With SQLite there is one worker, which leads.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._guard = threading.Lock()
        self._held: Connection[tuple[object, ...]] | None = None
        self._closed = False

    def leads(self) -> bool:
        """Return True while this process leads, and take the lead if nobody has it. Never raises."""
        if self._database.dialect == "sqlite":
            return True
        import psycopg  # noqa: PLC0415 - only with PostgreSQL

        with self._guard:
            if self._closed:
                return False
            try:
                if self._held is None:
                    self._held = self._database.server.try_lock(self._name)
                else:
                    self._held.execute("SELECT 1")
            except (SQLAlchemyError, psycopg.Error) as error:
                log.debug("lead_lost", name=self._name, cause=type(error).__name__)  # the database logs that it is away
                self._drop()
            return self._held is not None

    def close(self) -> None:
        """Let another process lead from now on."""
        with self._guard:
            self._closed = True
            self._drop()

    def _drop(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
