"""One SQLite file and the connections that are open to it: where its pragmas, its locks and its place are dealt with.

Connections are kept open and used again, the last one first. SQLAlchemy's own pool costs more at each checkout than a
short transaction's statements do.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import NullPool, create_engine

from bot.db.group_commit import GroupCommit
from bot.process import give_to_owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

# Seconds between tries at the lock of another process; SQLite's own handler sleeps up to 0.1 s, all waiters in step.
# Only one thread a process tries, so such short steps cost little (two processes in flood: p99 35 ms; 100 at 1-5 ms).
LOCK_STEP = (0.0002, 0.001)
FileId = tuple[int, int]
SYNC = getattr(os, "fdatasync", os.fsync)  # as SQLite does
PRIVATE = 0o600
PRIMARY_CODE = 0xFF  # the low byte of an extended result code
_CREATING = threading.Lock()
"""Held while a file is made, so that no thread of ours has it open when its maker closes it."""


class Use(Enum):
    """What a connection is for; the value is what SQLite is told when it is opened."""

    READ = "PRAGMA query_only=ON"
    WRITE = "PRAGMA synchronous=NORMAL"
    """A loss of power may undo the last commits, until `SqliteFile.sync`; a crash of the program does not."""


class NotSynced(Exception):
    """The disk did not take what was committed: it is visible, and a loss of power may undo it."""


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """SQLAlchemy's connection, the driver's beneath it, and which file was opened."""

    connection: Connection
    driver: sqlite3.Connection
    file: FileId | None

    def rollback(self) -> None:
        """End the transaction, if there is one."""
        self.connection.rollback()
        self.driver.rollback()  # SQLAlchemy knows of no transaction that had no statement

    def commit(self) -> None:
        """Commit the transaction."""
        self.connection.commit()
        self.driver.commit()


class SqliteFile:
    """Open connections to a file, hand them out, take them back. Threads may share it; a fork may not."""

    def __init__(self, path: str, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._was_there = False
        self._synced: GroupCommit[None] = GroupCommit(self._sync)
        self._free: dict[Use, list[OpenConnection]] = {use: [] for use in Use}
        self._engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=NullPool,
            hide_parameters=True,  # an error's text goes to the log, and what people wrote does not
        )

    def take(self, use: Use) -> OpenConnection:
        """Return a connection without a transaction, to the file that is in its place now."""
        free, file = self._free[use], self._file()
        while free:
            try:
                found = free.pop()
            except IndexError:  # another thread was quicker
                break
            if found.file == file:
                return found
            found.connection.close()  # its file was moved or replaced: it would go on writing where nobody looks
        return self._open(use)

    def give_back(self, use: Use, taken: OpenConnection) -> None:
        """Keep a connection for the next that asks; what it has not committed is rolled back."""
        try:
            taken.rollback()
        except BaseException:
            taken.connection.close()
            raise
        self._free[use].append(taken)

    def sync(self) -> None:
        """Bring what was committed to the disk: all that is in the log, so once for all threads that ask meanwhile.

        SQLite itself (`synchronous=FULL`) does so within each commit, while all other writers wait.
        """
        try:
            self._synced(None)
        except OSError as error:
            raise NotSynced(str(error)) from error

    def _sync(self, _: object) -> None:
        log = os.open(f"{os.path.realpath(self._path)}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            SYNC(log)
        finally:
            os.close(log)

    def close(self) -> None:
        """Close what is not in use."""
        for free in self._free.values():
            while free:
                free.pop().connection.close()

    def empty_log(self, *, patience: float | None) -> bool:
        """Bring the log into the file; with `patience`, wait until nobody reads or writes and leave nothing in it."""
        taken = self.take(Use.WRITE)
        try:
            if patience is None:
                return bool(taken.driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())
            deadline = time.monotonic() + patience
            while (busy := taken.driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]) != 0:
                if time.monotonic() > deadline:
                    break
                time.sleep(random.uniform(*LOCK_STEP))  # noqa: S311 - chance keeps writers out of step, no secret
            return not busy
        finally:
            self.give_back(Use.WRITE, taken)

    def wait_for_lock(self, call: Callable[[], object]) -> None:
        """Call until another process gives up its lock, or patience ends (`sqlite3.OperationalError`)."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                call()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(*LOCK_STEP))  # noqa: S311 - chance keeps writers out of step, no secret
            else:
                return

    def _open(self, use: Use) -> OpenConnection:
        connection = self._engine.connect()
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(use.value)
        if use is Use.READ:
            # A reader meets a lock only while another process opens the file after a crash, or closes it.
            driver.execute(f"PRAGMA busy_timeout={self._patience * 1000:.0f}")
        return OpenConnection(connection, driver, self._file())

    def _connect(self) -> sqlite3.Connection:
        path = Path(self._path).absolute()
        # Made when it is missing at the start, but not later: a file that was moved away must not be replaced by an
        # empty one that takes what is stored next.
        mode = "rw" if self._was_there else "rwc"
        if not self._was_there:
            _create_private(Path(os.path.realpath(path)))  # a link may lead to where nothing is yet
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self.wait_for_lock(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone())
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA secure_delete=ON")  # zeros over what is deleted: see Database.empty_log
        except BaseException:
            connection.close()
            raise
        self._was_there = True
        return connection

    def _file(self) -> FileId | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - on every transaction, and twice as fast
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _create_private(path: Path) -> None:
    """Make the file if it is missing: nobody else on the machine may read it, whatever the umask.

    SQLite gives its other files the same mode. One that is there is never opened here: who closes a file of which
    this process holds locks drops them all, and then another process that ends takes the log away that is still used.
    """
    # SQLite says what is wrong with a place, in its own words.
    with _CREATING, suppress(OSError):
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        give_to_owner(made, path.parent)
        os.close(made)
