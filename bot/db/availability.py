"""The database, with an eye on whether it is there: one line in the log when it goes, one when it comes back.

Everything that uses it meets the same outage, some of it every second; what each would say is the same. How long it was
away is remembered for the operators, who cannot be told while it lasts.
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
    from collections.abc import Callable, Iterator, Sequence

    from bot.db.database import Transaction

log = structlog.get_logger(__name__)

WORTH_TELLING: Final = timedelta(minutes=5)
"""A shorter absence is nothing for the operators."""

Way = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Absence:
    """From the first transaction that failed to the first that went through again."""

    since: datetime
    until: datetime

    @property
    def key(self) -> str:
        """Return a name for it."""
        return f"database:{self.since.timestamp():.0f}"

    @property
    def sentence(self) -> str:
        """Return what the operators are told."""
        return (
            f"The database could not be used from {self.since:%Y-%m-%d %H:%M} to {self.until:%H:%M} UTC. Webhook calls "
            "were refused meanwhile, so some may be missing: I look for the messages that were. What waited goes on."
        )


class LoggedDatabase(Database):
    """A store that notes its absences. A disk that is full still reads, so both ways must be back for an end."""

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
        self._absences: list[Absence] = []

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Transaction]:
        """As in the store."""
        try:
            with super().begin(durable=durable) as tx:
                yield tx
        except DatabaseUnavailable as error:
            self._gone("write", error)
            raise
        self._there("write")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """As in the store."""
        try:
            with super().read() as tx:
                yield tx
        except DatabaseUnavailable as error:
            self._gone("read", error)
            raise
        self._there("read")

    @property
    def writable(self) -> bool:
        """Whether the last transaction that wrote went through; one that is full or locked can still be read."""
        return "write" not in self._missing

    def long_absences(self) -> Sequence[Absence]:
        """Return those that are over and were long enough to tell of, since this process began."""
        with self._guard:
            return tuple(self._absences)

    def _gone(self, way: Way, error: DatabaseUnavailable) -> None:
        with self._guard:
            first = self._since is None
            self._missing.add(way)
            if first:
                self._since = (self._now(), time.monotonic())
        if first:
            log.error("database_away", cause=str(error.cause))

    def _there(self, way: Way) -> None:
        if not self._missing:  # looked at without the lock: it is so nearly always, and each transaction asks
            return
        with self._guard:
            self._missing.discard(way)
            if self._missing or self._since is None:
                return
            (since, began), self._since = self._since, None
            seconds = time.monotonic() - began
            if self._now() - since >= WORTH_TELLING:
                self._absences.append(Absence(since, self._now()))
        log.warning("database_back", seconds=round(seconds, 1))
