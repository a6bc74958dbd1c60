"""The database, opened once a process: why no other module names SQLite's pragmas or catches a driver's error.

The webhook door answers 200 for what is on the disk and for nothing else, and a job is put by the very transaction that
it belongs to. So there is one way to write (`Database.begin`: whole or not at all, durable at its end) and one to read
(`Database.read`: one snapshot), on SQLite and PostgreSQL alike, and one error, `DatabaseUnavailable`, when it is out of
reach.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog
from sqlalchemy import URL, DateTime, Engine, String, TypeDecorator, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.db import statements
from bot.db.fair_lock import FairLock
from bot.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, CursorResult, Dialect, Executable, MetaData, Table
    from sqlalchemy.pool import ConnectionPoolEntry

log = structlog.get_logger(__name__)

POOL_SIZE = 24  # as many connections as threads work at once
POOL_OVERFLOW = 8  # what metrics and health checks may take on top
LOCK_PATIENCE = 5.0  # seconds to wait for another's write transaction, and for a connection of the pool
# Seconds between tries at the lock of another process; SQLite's own handler sleeps up to 0.1 s, all waiters in step.
# Only one thread a process tries, so such short steps cost little (two processes in flood: p99 35 ms; 100 at 1-5 ms).
LOCK_STEP = (0.0002, 0.001)
POSTGRES_DRIVER = "postgresql+psycopg"
UTC_TEXT_LENGTH = 32  # 2024-03-24T17:13:39.000000+00:00

# SQLite's primary result codes that mean "not now" or "not here", rather than "this statement is wrong".
UNAVAILABLE_CODES = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
PRIVATE = 0o600
_MAKING = threading.Lock()
"""Held while a file is made, so that no thread of ours has it open when its maker closes it."""
PRIMARY_CODE = 0xFF  # the low byte of an extended result code


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: a timezone-aware `datetime` in UTC, in and out; a naive one raises ValueError.

    SQLite keeps ISO text of one width, so that it compares in SQL as time does; PostgreSQL keeps timestamptz.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Choose the column's type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(UTC_TEXT_LENGTH))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Make the stored form; ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a point in time needs its time zone: a naive datetime is not stored")
        value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Make the datetime again, in UTC. (SQLAlchemy gives the dialect along.)"""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class Transaction:
    """What `begin` and `read` hand out: statements go through it, and it ends with its `with` block."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._afterwards: list[Callable[[], object]] = []

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection, for the migrations."""
        return self._connection

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement (for a list of parameters: once for each) and return SQLAlchemy's result.

        A statement that is built once, in a constant with a `bindparam` for each value, costs some 30 µs of processor
        time; one that is built at each call costs 100.
        """
        return self._connection.execute(statement, parameters)

    def after_commit(self, call: Callable[[], object], *, once: bool = False) -> None:
        """Run `call` after the commit succeeded, in the order given; never after a rollback.

        `once`: not again if the same callable waits already. A `call` that raises is logged: the commit has happened.
        """
        if not (once and call in self._afterwards):
            self._afterwards.append(call)

    def insert_once(self, table: Table, values: Mapping[str, Any], conflict: Sequence[str]) -> int | None:
        """Insert a row unless one with the same `conflict` columns is there; give its primary key, None if it was.

        Without `conflict`: unless any unique index has one like it.
        """
        statement = statements.insert_once(table, tuple(conflict), self._connection.dialect.name)
        return self.execute(statement, values).scalar()

    def upsert(
        self, table: Table, values: Mapping[str, Any], conflict: Sequence[str], keep: Sequence[str] = ()
    ) -> None:
        """Insert a row, or change the one with the same `conflict` columns; of `keep`, values that are there stay."""
        statement = statements.upsert(table, tuple(values), tuple(conflict), tuple(keep), self._connection.dialect.name)
        self.execute(statement, values)

    def create_all(self, metadata: MetaData) -> None:
        """Make the tables that are missing (for tests and the emulator; the product's own come by migration)."""
        metadata.create_all(self._connection)

    def _run_afterwards(self) -> None:
        for call in self._afterwards:
            try:
                call()
            except Exception:  # what is committed stays committed, so the caller must not see a failure
                log.exception("after_commit_failed")


class Database:
    """One database, by its URL (`sqlite:///path` or `postgres[ql]://…`); opened at the first transaction.

    Cheap to make, so it may be made before a server forks; once it is open, a fork that uses it raises RuntimeError.
    `lock_patience`: seconds to wait for others before `DatabaseUnavailable`.
    """

    def __init__(self, url: str, *, lock_patience: float = LOCK_PATIENCE) -> None:
        self._url = _normalised(url)
        self._patience = lock_patience
        self._opening = threading.Lock()
        self._writers = FairLock()  # SQLite has one writer: threads of this process queue here, without sleeping
        self._engine: Engine | None = None
        self._opened_by = 0
        self._was_there = False

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Write: commits at the end of the block, rolls back when it raises. `DatabaseUnavailable` when out of reach.

        `durable=False`: the commit may be undone by a loss of power (never by a crash of the program); it is cheaper,
        and only for what may be repeated. A second one inside raises RuntimeError: SQLite has one writer.
        """
        with self._unavailable_is_one_error(), self._writers_turn(), self._open().connect() as connection:
            if self.dialect == "sqlite":
                self._begin_immediate(connection, durable=durable)
            transaction = Transaction(connection)
            yield transaction
            connection.commit()
        transaction._run_afterwards()  # noqa: SLF001 - the other half of this class

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Read: one snapshot for all statements of the block, waiting for nobody; nothing in it may write."""
        with self._unavailable_is_one_error(), self._open().connect() as connection:
            if self.dialect == "sqlite":
                driver = _driver_connection(connection)
                driver.execute("BEGIN")
                # The first look takes the snapshot, and is the one that can meet a lock (recovery after a crash).
                self._patiently(lambda: driver.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone())
            transaction = Transaction(connection)
            yield transaction
            connection.rollback()
        transaction._run_afterwards()  # noqa: SLF001 - the other half of this class

    def empty_log(self, *, patience: float | None = None) -> bool:
        """Bring what was written into the database's file, and leave nothing of before in the log beside it.

        What a committed transaction deleted is then on the disk no longer, as far as a program can tell. False: others
        read or wrote all the time (for `patience` seconds, by default `lock_patience`). PostgreSQL keeps its log by its
        own rules; nothing happens there.
        """
        if self.dialect != "sqlite":
            return True
        with self._unavailable_is_one_error(), self._open().connect() as connection:
            # Most of it goes while others write; the rest is little, so they wait for that only.
            _driver_connection(connection).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        with self._unavailable_is_one_error(), self._writers_turn(), self._open().connect() as connection:
            driver = _driver_connection(connection)
            deadline = time.monotonic() + (self._patience if patience is None else patience)
            while (busy := driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]) != 0:
                if time.monotonic() > deadline:
                    break
                time.sleep(random.uniform(*LOCK_STEP))  # noqa: S311 - chance keeps writers out of step, no secret
            return not busy

    def close(self) -> None:
        """Close every connection; the next transaction opens the database anew."""
        with self._opening:
            if self._engine is not None and self._opened_by == os.getpid():
                self._engine.dispose()
            self._engine = None

    def _open(self) -> Engine:
        engine = self._engine
        if engine is None:
            with self._opening:
                if self._engine is None:
                    self._engine = self._make_engine()
                    self._opened_by = os.getpid()
                engine = self._engine
        if self._opened_by != os.getpid():
            raise RuntimeError("the store was opened before this process was forked off: open it after the fork")
        return engine

    def _make_engine(self) -> Engine:
        if self.dialect != "sqlite":
            return create_engine(
                self._url,
                pool_size=POOL_SIZE,
                max_overflow=POOL_OVERFLOW,
                pool_timeout=self._patience,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        engine = create_engine(
            self._url,
            creator=self._connect_sqlite,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=self._patience,
            hide_parameters=True,  # an error's text goes to the log, and what people wrote does not
        )
        event.listen(engine, "connect", self._note_file)
        event.listen(engine, "checkout", self._check_file)
        return engine

    def _connect_sqlite(self) -> sqlite3.Connection:
        path = Path(self._url.database or "").absolute()
        # Made when it is missing at the start, but not later: a file that was moved away must not be replaced by an
        # empty one that takes what is stored next.
        mode = "rw" if self._was_there else "rwc"
        if not self._was_there:
            _make_private(Path(os.path.realpath(path)))  # a link may lead to where nothing is yet
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._patiently(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone())
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA secure_delete=ON")  # zeros over what is deleted: see empty_log
        except BaseException:
            connection.close()
            raise
        self._was_there = True
        return connection

    def _note_file(self, _: Any, record: ConnectionPoolEntry) -> None:
        record.info.update(file=self._file(), durable=True)

    def _check_file(self, _: Any, record: ConnectionPoolEntry, __: Any) -> None:
        """Drop a connection whose file was moved or replaced: it would go on writing where nobody looks."""
        if self._file() != record.info["file"]:
            raise DisconnectionError("the database file is not the one that was opened")

    def _file(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._url.database or "")  # noqa: PTH116 - on every transaction, and twice as fast
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _begin_immediate(self, connection: Connection, *, durable: bool) -> None:
        driver = _driver_connection(connection)
        if connection.info["durable"] is not durable:
            driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.info["durable"] = durable
        self._patiently(lambda: driver.execute("BEGIN IMMEDIATE"))

    def _patiently(self, call: Callable[[], object]) -> None:
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

    @contextmanager
    def _writers_turn(self) -> Iterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        with ExitStack() as held:
            try:
                held.enter_context(self._writers.turn(self._patience))
            except TimeoutError as error:
                raise DatabaseUnavailable(error) from error
            yield

    @contextmanager
    def _unavailable_is_one_error(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
            if _means_unavailable(error):
                raise DatabaseUnavailable(error) from error
            raise


def _make_private(path: Path) -> None:
    """Make the file if it is missing: nobody else on the machine may read it, whatever the umask.

    SQLite gives its other files the same mode. One that is there is never opened here: who closes a file of which
    this process holds locks drops them all, and then another process that ends takes the log away that is still used.
    """
    # SQLite says what is wrong with a place, in its own words.
    with _MAKING, suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))


def _normalised(url: str) -> URL:
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername=POSTGRES_DRIVER)
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise ValueError(f"no database of the kind {backend!r} is supported: use sqlite:///… or postgresql://…")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ValueError("SQLite needs a file (sqlite:///path): web and worker are two processes that share it")
    return parsed


def _driver_connection(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _means_unavailable(error: BaseException) -> bool:
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        code: int | None = getattr(original, "sqlite_errorcode", None)  # the module's own errors have none
        return code is not None and code & PRIMARY_CODE in UNAVAILABLE_CODES
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return isinstance(error, PoolTimeoutError)
