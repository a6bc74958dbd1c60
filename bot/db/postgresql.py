"""A PostgreSQL server and the connections that are open to it: its locks, its snapshots and its time-outs.

All writers take one lock for the time of their transaction, so that there is one writer, as in SQLite: what a
transaction has read holds until it commits, and no statement has to be written for two writers. Under the lock nobody
waits for the disk: a commit is followed by a wait for it, in which others write. Some hundred such transactions a
second are more than Webex's limits let a bot use. Only events are stored without the lock, by one statement
(``Database.add_at_once``), so that the answer to a webhook does not wait for the workers.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import create_engine, event
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError

from bot.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString

    from sqlalchemy import URL, Connection

    from bot.db.driver import LimitedConnection

POOL_SIZE: Final = 8  # connections that stay open; most threads wait for Webex or for their turn to write
POOL_OVERFLOW: Final = 28  # more for a moment, as many as threads work at once
CONNECT_SECONDS: Final = 5
IDLE_SECONDS: Final = 10
"""A transaction in which nothing happens for so long is rolled back: its process is stopped, or its machine is gone."""
KEEPALIVE: Final = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
"""After half a minute the server knows that a machine is gone, and frees what it has locked."""
ANSWER_SECONDS: Final = 20.0
"""A server that has not answered for so long hangs: its machine lives, and it does not. Its own limits are shorter."""
OUR_KEEPALIVE: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4}
"""After half a minute a process knows that the server's machine is gone."""
LOST_MILLISECONDS: Final = 20_000
"""For so long what was sent may stay unacknowledged by the server's machine."""


LARGEST_OF_TWO: Final = 0x7FFFFFFF
"""Where an advisory lock has two numbers, each has 32 bits."""


def lock_number(name: str) -> int:
    """Return the number of an advisory lock: 64 bits, the same in every process and version."""
    return int.from_bytes(hashlib.sha256(f"reportbot {name}".encode()).digest()[:8], signed=True)


# One message to the server each: a round trip costs more than the statement.
WRITERS: Final = lock_number("write")
BEGIN_WRITING: Final = b"BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(%d)" % WRITERS
"""The commit does not wait for the disk: that comes after it, when others may write already."""
BEGIN_READING: Final = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMIT: Final = b"COMMIT"
COMMIT_TO_DISK: Final = COMMIT + b"; SELECT pg_logical_emit_message(true, 'reportbot', '')"
"""After it a commit of next to nothing, which is on the disk when it has ended, and everything before it. Only the
session that has committed may ask: a crash of the server ends it, so that nobody takes for written what it undid."""
LOCKED_SECONDS: Final = 60
"""For so long another process waits for what is done under a named lock."""

# SQLSTATEs that mean "not now" or "not here" although the driver files them with a program's mistakes.
READ_ONLY: Final = "25006"  # the server has become a standby
IDLE_TOO_LONG: Final = "25P03"
NO_RIGHT: Final = "42501"  # the user may not make tables: its owner can give the right while the bot waits
UNAVAILABLE_STATES: Final = frozenset({READ_ONLY, IDLE_TOO_LONG, NO_RIGHT})


class PostgresqlServer:
    """Open connections, hand them out, take them back. Threads may share it; a fork may not."""

    def __init__(self, url: URL, patience: float) -> None:
        from bot.db.driver import connect  # noqa: PLC0415 - only with PostgreSQL

        options = f"-c lock_timeout={patience:g}s -c idle_in_transaction_session_timeout={IDLE_SECONDS}s {KEEPALIVE}"
        parameters = {
            "application_name": "reportbot",
            "client_encoding": "utf8",  # by default that of the database: from SQL_ASCII texts would come as bytes
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": LOST_MILLISECONDS,
            # Not to a standby, to which its name still leads for some seconds after a failover: nothing would end it.
            "target_session_attrs": "read-write",
            **OUR_KEEPALIVE,
        }

        def connected() -> LimitedConnection:
            _, of_url = self._engine.dialect.create_connect_args(url)
            of_both = {**parameters, **of_url, "options": f"{options} {of_url.get('options', '')}"}
            return connect(**of_both)

        self._engine = create_engine(
            url,
            creator=connected,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=patience,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",  # transactions are begun and ended here, not by the driver
        )
        event.listen(self._engine, "checkout", _check)
        self._holding = threading.Lock()
        self._holder: LimitedConnection | None = None
        """Holds the locks of rows."""

    def write(self) -> Connection:
        """Return a connection with a transaction that writes, alone; the caller closes it."""
        return self._begun(BEGIN_WRITING)

    @staticmethod
    def commit(connection: Connection, *, durable: bool) -> None:
        """Commit, and return when it is on the disk, or at once: then a crash of the server may undo it."""
        _command(connection, COMMIT_TO_DISK if durable else COMMIT)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read one snapshot in the block."""
        with self._begun(BEGIN_READING) as connection:
            yield connection
            # After a rollback the driver would have the server parse and plan every statement anew.
            _command(connection, COMMIT)

    @contextmanager
    def statements(self) -> Iterator[Connection]:
        """Read in the block, each statement for itself."""
        with self._connected() as connection:
            yield connection

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of this name in the block; other processes, on any machine, wait for it."""
        from psycopg import Error  # noqa: PLC0415 - only with PostgreSQL

        try:
            own = self.own_connection()
        except (Error, SQLAlchemyError) as error:
            raise DatabaseUnavailable(error) from error
        with closing(own) as connection:  # and the lock ends with it
            try:
                connection.answer_seconds = None
                connection.execute(f"SET lock_timeout = '{LOCKED_SECONDS}s'")
                connection.execute("SELECT pg_advisory_lock(%s)", [lock_number(name)])
            except Error as error:
                raise DatabaseUnavailable(error) from error
            yield

    def try_lock(self, name: str) -> LimitedConnection | None:
        """Return a connection that holds the lock of this name until it is closed; None while another has the lock."""
        connection = self.own_connection()
        got = False
        try:
            found = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock_number(name)]).fetchone()
            got = bool(found and found[0])
        finally:
            if not got:
                connection.close()
        return connection if got else None

    def take(self, name: str, row_id: int) -> bool:
        """Take the lock of this name and row for this process until it is freed; False: another process has it.

        All such locks are held by one connection, and go with it.
        """
        return self._row_lock("SELECT pg_try_advisory_lock(%s, %s)", name, row_id)

    def free(self, name: str, row_id: int) -> None:
        """Give such a lock back."""
        self._row_lock("SELECT pg_advisory_unlock(%s, %s)", name, row_id)

    def _row_lock(self, statement: LiteralString, name: str, row_id: int) -> bool:
        from psycopg import Error  # noqa: PLC0415 - only with PostgreSQL

        with self._holding:
            try:
                if self._holder is None:
                    self._holder = self.own_connection()
                found = self._holder.execute(statement, [lock_number(name) & LARGEST_OF_TWO, row_id]).fetchone()
            except (Error, SQLAlchemyError) as error:
                self._let_go()
                raise DatabaseUnavailable(error) from error
        return bool(found and found[0])

    def _let_go(self) -> None:
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    def own_connection(self) -> LimitedConnection:
        """Return a connection of the driver's, without transactions, that the caller closes. Its errors are psycopg's.

        Raises psycopg's or SQLAlchemy's errors when there is none to be had.
        """
        pooled = self._engine.raw_connection()
        connection = cast("LimitedConnection", pooled.dbapi_connection)
        pooled.detach()
        connection.answer_seconds = ANSWER_SECONDS
        connection.set_autocommit(True)
        return connection

    def dispose(self) -> None:
        """Close the connections that are not in use."""
        with self._holding:
            self._let_go()
        self._engine.dispose()

    @staticmethod
    def take_time(connection: Connection) -> None:
        """Let the statements of the transaction that has begun take as long as they need."""
        _driver(connection).answer_seconds = None

    @staticmethod
    def wake(connection: Connection, channel: str) -> None:
        """Wake who listens on a channel, on a connection without a transaction.

        All that do so at a time wait for each other until their commit has ended: so this one waits for no disk.
        """
        _command(connection, b"SET LOCAL synchronous_commit = off; NOTIFY " + channel.encode())

    def _begun(self, first: bytes) -> Connection:
        """Return a connection on which the first statements have run."""
        connection = self._connected()
        try:
            _command(connection, first)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connected(self) -> Connection:
        connection = self._engine.connect()
        _driver(connection).answer_seconds = ANSWER_SECONDS
        return connection


def _check(connection: LimitedConnection, *_: Any) -> None:
    """Have the pool drop its connections when the server has ended this one, as at a restart, and make a new one."""
    if connection.is_lost():
        raise InvalidatePoolError


def _command(connection: Connection, statements: bytes) -> None:
    from psycopg import Error  # noqa: PLC0415 - only with PostgreSQL

    driver = _driver(connection)
    try:
        driver.command(statements)
    except Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise DatabaseUnavailable(error) from error


def _driver(connection: Connection) -> LimitedConnection:
    return cast("LimitedConnection", connection.connection.dbapi_connection)
