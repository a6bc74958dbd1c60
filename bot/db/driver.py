"""psycopg's connection as the bot uses it: with a time limit, and no null characters. Imported with PostgreSQL only."""

from __future__ import annotations

import select
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import errors, generators
from psycopg.adapt import Dumper

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.abc import PQGen

LOOK_SECONDS: Final = 0.1
"""Between looks for Ctrl-C, as psycopg does."""
T = TypeVar("T")


class Description(Sequence[psycopg.Column]):
    """The columns of a result, made when one is read: SQLAlchemy asks at each statement if there are any."""

    def __init__(self, make: Callable[[], list[psycopg.Column]]) -> None:
        self._make = make

    @cached_property
    def _columns(self) -> list[psycopg.Column]:
        return self._make()

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)

    def __getitem__(self, index: Any) -> Any:
        """Return a column."""
        return self._columns[index]


class QuickCursor(psycopg.Cursor[Any]):
    """A cursor that makes no description of a hundred columns unless it is read."""

    @property
    def description(self) -> Any:
        """Return the columns of the result, or None where it has no rows."""
        result = self.pgresult
        if not (result and result.nfields):
            return None
        return Description(lambda: [psycopg.Column(self, index) for index in range(result.nfields)])


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that is closed, with ``OperationalError``, when the server takes too long for an answer."""

    answer_seconds: float | None = None
    """What is too long; None: it may take as long as it needs."""

    def wait(self, gen: PQGen[T], interval: float = LOOK_SECONDS, timeout: float | None = None) -> T:
        """Wait for an answer; psycopg sends and receives everything by this."""
        limit = self.answer_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # what it answers later would be taken for the answer to another question
            raise

    def is_lost(self) -> bool:
        """Return True if the server has ended the connection while nobody used it. Sends nothing."""
        try:
            while self._readable():
                self.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
        return self.closed

    def _readable(self) -> bool:
        looked = select.poll()
        looked.register(self.fileno(), select.POLLIN)
        return bool(looked.poll(0))

    def command(self, statements: bytes) -> None:
        """Run statements of which nobody wants the rows, in one message; a cursor takes twice the processor time.

        Raises psycopg's errors.
        """
        self.pgconn.send_query(statements)
        for result in self.wait(generators.execute(self.pgconn)):
            if result.status == psycopg.pq.ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(result)


class TextDumper(Dumper):
    """Write a null character as a replacement character: SQLite keeps one in a text, PostgreSQL refuses it."""

    def dump(self, obj: str) -> bytes:
        """Return the text as it is sent."""
        return obj.replace("\0", "\ufffd").encode()


def connect(**parameters: Any) -> LimitedConnection:
    """Connect, by the parameters of ``psycopg.connect``."""
    connection = LimitedConnection.connect(**parameters)
    connection.adapters.register_dumper(str, TextDumper)
    connection.cursor_factory = QuickCursor
    return connection
