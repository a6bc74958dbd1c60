"""The database, opened once a process; no other module catches a driver's error.

The webhook answers 200 for what is on the disk and for nothing else, and a job is put by the very transaction that
it belongs to. So there is one way to write (`Database.begin`: whole or not at all, durable at its end) and one to read
(`Database.read`: one snapshot), on SQLite and PostgreSQL alike, and one error, `DatabaseUnavailable`, when it is out of
reach.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.db import statements
from bot.db.fair_lock import FairLock, NotYourTurn
from bot.db.postgresql import UNAVAILABLE_STATES, PostgresqlServer
from bot.db.sqlite_file import PRIMARY_CODE, NotSynced, SqliteFile, Use
from bot.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, CursorResult, Executable, MetaData, Row, Table

T = TypeVar("T")
log = structlog.get_logger(__name__)

LOCK_PATIENCE = 5.0  # seconds to wait for another's write transaction, and for a connection of the pool
POSTGRES_DRIVER = "postgresql+psycopg"
EVERY_TEXT = frozenset({"UTF8", "SQL_ASCII"})
"""PostgreSQL's encodings in which every text can be stored; SQL_ASCII is none, and keeps the bytes that it gets."""

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


class Transaction:
    """What `begin` and `read` hand out: statements go through it, and it ends with its `with` block."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._when_visible: list[Callable[[], object]] = []
        self._afterwards: list[Callable[[], object]] = []

    @property
    def connection(self) -> Connection:
        """Return SQLAlchemy's connection, for the migrations."""
        return self._connection

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement (for a list of parameters: once for each) and return SQLAlchemy's result.

        A statement that is built once, in a constant with a `bindparam` for each value, costs some 30 µs of processor
        time; one that is built at each call costs 100.
        """
        return self._connection.execute(statement, parameters)

    def first(
        self, read: Callable[[Row[Any]], T], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> T | None:
        """Run one statement and return what `read` makes of its first row; None when it has none."""
        row = self._connection.execute(statement, parameters).first()
        return None if row is None else read(row)

    def after_commit(self, call: Callable[[], object]) -> None:
        """Run `call` after the commit succeeded, in the order given; never after a rollback.

        A `call` that raises is logged: the commit has happened.
        """
        self._afterwards.append(call)

    def when_visible(self, call: Callable[[], object]) -> None:
        """Run `call` once as soon as others see the commit, though it may not be on the disk yet.

        What they commit then is never on the disk without it. Nothing that is told to anyone may follow from `call`.
        """
        if call not in self._when_visible:
            self._when_visible.append(call)

    def take_time(self) -> None:
        """Let its statements take as long as they need; by default, 20 seconds without an answer mean: out of reach."""
        if self._connection.dialect.name == "postgresql":
            PostgresqlServer.take_time(self._connection)

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

    def _run(self, calls: Sequence[Callable[[], object]]) -> None:
        for call in calls:
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
        self._url = _normalized(url)
        self._patience = lock_patience
        self._opening = threading.Lock()
        self._writers = FairLock()  # there is one writer: threads of this process queue here, without sleeping
        self._opened: SqliteFile | PostgresqlServer | None = None
        self._opened_by = 0

    @property
    def dialect(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    def narrow_encoding(self) -> str | None:
        """Return the encoding of a PostgreSQL database that can't store every text; None for one that can.

        Raises ``DatabaseUnavailable``.
        """
        if self.dialect == "sqlite":
            return None
        with self.read(snapshot=False) as tx:
            found: str = tx.execute(text("SHOW server_encoding")).scalar_one()
        return None if found in EVERY_TEXT else found

    @property
    def server(self) -> PostgresqlServer:
        """Return the PostgreSQL server, for what is not a transaction; SQLAlchemy's errors come as they are."""
        opened = self._open()
        assert isinstance(opened, PostgresqlServer)
        return opened

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Write: commits at the end of the block, rolls back when it raises. `DatabaseUnavailable` when out of reach.

        `durable=False`: the commit may be undone by a loss of power (never by a crash of the program); it is cheaper,
        and only for what may be repeated. Otherwise it is on the disk when the block has ended; others may see it a
        moment before, and what they commit is never on the disk without it. A second one inside raises RuntimeError:
        there is one writer.
        """
        opened = self._open()
        try:
            if isinstance(opened, SqliteFile):
                with self._turn():
                    taken = opened.take(Use.WRITE)
                    try:
                        opened.wait_for_lock(lambda: taken.driver.execute("BEGIN IMMEDIATE"))
                        transaction = Transaction(taken.connection)
                        yield transaction
                        taken.commit()
                    finally:
                        opened.give_back(Use.WRITE, taken)
                transaction._run(transaction._when_visible)  # noqa: SLF001 - the other half of this class
                if durable:
                    opened.sync()  # when others may write already
            else:
                with ExitStack() as held:
                    with self._turn():  # the next one waits for the server's lock
                        connection = held.enter_context(opened.write())
                        transaction = Transaction(connection)
                        yield transaction
                    opened.commit(connection, durable=durable)
                    transaction._run(transaction._when_visible)  # noqa: SLF001 - the other half of this class
        except (DBAPIError, PoolTimeoutError, sqlite3.Error, NotYourTurn, NotSynced) as error:
            if not _means_unavailable(error):
                raise
            raise DatabaseUnavailable(error) from error
        transaction._run(transaction._afterwards)  # noqa: SLF001 - the other half of this class

    def add_at_once(self, statement: Executable, parameters: Mapping[str, Any], channel: str) -> None:
        """Add rows on PostgreSQL by one statement, on the disk at the return, and wake who listens on `channel`.

        Two messages to the server, not four, and no other writer is waited for. Only for rows that are added whatever
        the database holds. None is woken by a process that dies between the two messages.
        """
        with Database.read(self, snapshot=False) as tx:  # a subclass tells reads and writes apart
            if tx.execute(statement, parameters).rowcount:
                PostgresqlServer.wake(tx.connection, channel)

    @contextmanager
    def read(self, *, snapshot: bool = True) -> Iterator[Transaction]:
        """Read: one snapshot for all statements of the block, waiting for nobody; nothing in it may write.

        `snapshot=False`: on PostgreSQL each statement has a snapshot of its own, which saves two messages to the
        server. For one statement, and for those that need not agree. Nothing keeps such a block from writing there.
        """
        opened = self._open()
        try:
            if isinstance(opened, SqliteFile):
                taken = opened.take(Use.READ)
                try:
                    taken.driver.execute("BEGIN")
                    transaction = Transaction(taken.connection)
                    yield transaction
                finally:
                    opened.give_back(Use.READ, taken)
            else:
                with opened.snapshot() if snapshot else opened.statements() as connection:
                    transaction = Transaction(connection)
                    yield transaction
        except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
            if not _means_unavailable(error):
                raise
            raise DatabaseUnavailable(error) from error
        transaction._run(transaction._afterwards)  # noqa: SLF001 - the other half of this class

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of this name, of which a PostgreSQL server has one for all machines, in the block."""
        try:
            with self.server.locked(name):
                yield
        except (DBAPIError, PoolTimeoutError) as error:
            raise DatabaseUnavailable(error) from error

    def empty_log(self, *, patience: float | None = None) -> bool:
        """Bring what was written into the database's file, and leave nothing of before in the log beside it.

        What a committed transaction deleted is then on the disk no longer, as far as a program can tell. False: others
        read or wrote all the time (for `patience` seconds, by default `lock_patience`). PostgreSQL keeps its log by its
        own rules; nothing happens there.
        """
        opened = self._open()
        if not isinstance(opened, SqliteFile):
            return True
        try:
            # Most of it goes while others write; the rest is little, so they wait for that only.
            opened.empty_log(patience=None)
            with self._turn():
                return opened.empty_log(patience=self._patience if patience is None else patience)
        except (DBAPIError, sqlite3.Error, NotYourTurn) as error:
            if not _means_unavailable(error):
                raise
            raise DatabaseUnavailable(error) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Be the one thread of this process that writes, in the block."""
        self._writers.acquire(self._patience)
        try:
            yield
        finally:
            self._writers.release()

    def close(self) -> None:
        """Close every connection that is not in use; the next transaction opens the database again."""
        with self._opening:
            if self._opened_by not in {0, os.getpid()}:
                self._opened = None  # its connections are the other process's
            elif isinstance(self._opened, SqliteFile):
                self._opened.close()
            elif self._opened is not None:
                self._opened.dispose()
            self._opened_by = 0

    def _open(self) -> SqliteFile | PostgresqlServer:
        if self._opened is None or not self._opened_by:
            with self._opening:
                self._opened = self._opened or self._make()
                self._opened_by = self._opened_by or os.getpid()
        if self._opened_by != os.getpid():
            raise RuntimeError("the database was opened before this process was forked off: open it after the fork")
        return self._opened

    def _make(self) -> SqliteFile | PostgresqlServer:
        if self.dialect == "sqlite":
            return SqliteFile(self._url.database or "", self._patience)
        return PostgresqlServer(self._url, self._patience)


def _normalized(url: str) -> URL:
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername=POSTGRES_DRIVER)
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise ValueError(f"no database of the kind {backend!r} is supported: use sqlite:///… or postgresql://…")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ValueError("SQLite needs a file (sqlite:///path): web and worker are two processes that share it")
    return parsed


def _means_unavailable(error: BaseException) -> bool:
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        code: int | None = getattr(original, "sqlite_errorcode", None)  # the module's own errors have none
        return code is not None and code & PRIMARY_CODE in UNAVAILABLE_CODES
    if isinstance(error, DBAPIError):
        if getattr(original, "sqlstate", None) in UNAVAILABLE_STATES:
            return True
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return isinstance(error, PoolTimeoutError | NotYourTurn | NotSynced)
