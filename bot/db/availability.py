"""The database with a record of its outages: one line in the log when one begins, one when it ends.

All that uses the database meets the same outage, some of it every second, and would log the same. How long it lasted is
kept for the operators, who cannot be told meanwhile.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import structlog

from bot.db.database import LOCK_PATIENCE, Database
from bot.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Executable

    from bot.db.database import Transaction

log = structlog.get_logger(__name__)

WORTH_TELLING: Final = timedelta(minutes=5)
"""The operators are not told of a shorter outage."""

Way = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Outage:
    """From the first transaction that failed to the first that went through again."""

    since: datetime
    until: datetime


class LoggedDatabase(Database):
    """A database that records its outages. A full disk can still be read: an outage ends when both ways work again."""

    def __init__(
        self,
        url: str,
        *,
        lock_patience: float = LOCK_PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(url, lock_patience=lock_patience)
        self._now = now
        self._guard = threading.Lock()
        self._missing: set[Way] = set()
        self._since: tuple[datetime, float] | None = None
        self._outages: list[Outage] = []

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Do the same as ``Database``."""
        with self._noted("write"), super().begin(durable=durable) as tx:
            yield tx

    def add_at_once(self, statement: Executable, parameters: Mapping[str, Any], channel: str) -> None:
        """Do the same as ``Database``."""
        with self._noted("write"):
            super().add_at_once(statement, parameters, channel)

    @contextmanager
    def read(self, *, snapshot: bool = True) -> Iterator[Transaction]:
        """Do the same as ``Database``."""
        with self._noted("read"), super().read(snapshot=snapshot) as tx:
            yield tx

    @contextmanager
    def _noted(self, way: Way) -> Iterator[None]:
        try:
            yield
        except DatabaseUnavailable as error:
            self._gone(way, error)
            raise
        self._there({"read", way})  # what can be written can be read, too

    @property
    def writable(self) -> bool:
        """Return True when the last write succeeded; a database that is full or locked can still be read."""
        return "write" not in self._missing

    def long_outages(self) -> Sequence[Outage]:
        """Return the outages that are over and were long enough to report, since this process began."""
        with self._guard:
            return tuple(self._outages)

    def _gone(self, way: Way, error: DatabaseUnavailable) -> None:
        with self._guard:
            first = self._since is None
            self._missing.add(way)
            if first:
                self._since = (self._now(), time.monotonic())
        if first:
            log.error("database_away", cause=str(error.cause))

    def _there(self, ways: set[Way]) -> None:
        if not self._missing:  # without the lock: nearly always empty, and each transaction asks
            return
        with self._guard:
            self._missing -= ways
            if self._missing or self._since is None:
                return
            (since, began), self._since = self._since, None
            seconds = time.monotonic() - began
            if self._now() - since >= WORTH_TELLING:
                self._outages.append(Outage(since, self._now()))
        log.warning("database_back", seconds=round(seconds, 1))
