"""The program's database as the run sees it: read for the verdict, aged, locked, and on PostgreSQL disturbed."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg.rows import dict_row

from bot.db.postgresql import lock_number
from tests.killed.program import family, signal_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.postgresql import Server

Row = dict[str, Any]
"""Of a table; times are text, as SQLite keeps them."""
SEEMS = timedelta(minutes=5)
"""How long an outage was, as far as the database can tell: no clock can be turned, but the last sign of life can."""
STARTED = "SELECT 1 FROM facts WHERE name = 'door_seen'"
CONNECT_SECONDS = 2


class Store(Protocol):
    """Read and disturb one database."""

    def read(self, tables: Sequence[str]) -> dict[str, list[Row]] | None:
        """Return the rows of these tables in one snapshot; None while it cannot be read."""

    def has_started(self) -> bool:
        """Return True when a web process has started on it."""

    def age(self) -> None:
        """Make the last sign of life old."""

    def hold_lock(self, seconds: float) -> None:
        """Hold the write lock, as a backup or an operator's shell would."""

    def tick(self) -> None:
        """Let time pass."""

    def restart(self) -> None:
        """Have the server end at once, as by a crash, and start again."""

    def freeze(self, seconds: float) -> None:
        """Have the server stand still for so long."""

    def recover(self) -> None:
        """End what was begun here."""


class SqliteStore:
    """A file beside the program."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, tables: Sequence[str]) -> dict[str, list[Row]] | None:
        """As in the protocol."""
        if not self.path.exists():
            return None
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                connection.execute("BEGIN")
                return {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in tables}
            except sqlite3.OperationalError:
                return None

    def has_started(self) -> bool:
        """As in the protocol."""
        if not self.path.exists():
            return False
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as connection:
                return bool(connection.execute(STARTED).fetchone())
        except sqlite3.OperationalError:  # it has no tables yet
            return False

    def age(self) -> None:
        """As in the protocol."""
        if self.path.exists():
            old = (datetime.now(UTC) - SEEMS).isoformat(timespec="microseconds")
            with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
                connection.execute("UPDATE facts SET noted_at = ? WHERE name = 'door_seen'", (old,))

    def hold_lock(self, seconds: float) -> None:
        """As in the protocol."""
        if not self.path.exists():
            return
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    def tick(self) -> None:
        """As in the protocol."""

    def restart(self) -> None:
        """Do nothing: there is no server."""

    def freeze(self, seconds: float) -> None:
        """Do nothing: there is no server."""

    def recover(self) -> None:
        """As in the protocol."""


class PostgresqlStore:
    """A database of a server that can be crashed and stopped."""

    def __init__(self, server: Server, url: str) -> None:
        self._server = server
        self._url = url
        self._frozen: list[int] = []
        self._until = 0.0

    def read(self, tables: Sequence[str]) -> dict[str, list[Row]] | None:
        """As in the protocol."""
        if self._frozen:
            return None
        try:
            with psycopg.connect(self._url, connect_timeout=CONNECT_SECONDS, row_factory=dict_row) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                found = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in tables}
        except psycopg.Error:
            return None
        return {name: [_with_text_times(row) for row in rows] for name, rows in found.items()}

    def has_started(self) -> bool:
        """As in the protocol."""
        try:
            with psycopg.connect(self._url, connect_timeout=CONNECT_SECONDS) as connection:
                return connection.execute(STARTED).fetchone() is not None
        except psycopg.Error:  # it has no tables yet
            return False

    def age(self) -> None:
        """As in the protocol."""
        self._thaw()
        with psycopg.connect(self._url) as connection:
            old = datetime.now(UTC) - SEEMS
            connection.execute("UPDATE facts SET noted_at = %s WHERE name = 'door_seen'", [old])

    def hold_lock(self, seconds: float) -> None:
        """As in the protocol; a crash of the server ends it."""
        with suppress(psycopg.Error), psycopg.connect(self._url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [lock_number("write")])
            time.sleep(seconds)

    def tick(self) -> None:
        """As in the protocol."""
        if self._frozen and time.monotonic() >= self._until:
            self._thaw()

    def restart(self) -> None:
        """As in the protocol."""
        self._thaw()
        self._server.stop("immediate")
        self._server.start()

    def freeze(self, seconds: float) -> None:
        """As in the protocol."""
        self._thaw()
        assert self._server.process is not None
        signal_to(self._server.process.pid, "SIGSTOP")  # first, so that it starts no more
        self._frozen = family(self._server.process.pid)
        for pid in self._frozen:
            signal_to(pid, "SIGSTOP")
        self._until = time.monotonic() + seconds

    def recover(self) -> None:
        """As in the protocol."""
        self._thaw()

    def _thaw(self) -> None:
        for pid in reversed(self._frozen):
            signal_to(pid, "SIGCONT")
        self._frozen = []


def _with_text_times(row: Row) -> Row:
    return {
        name: value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }
