"""One 429 slows all processes, not each in turn: the brake of a token is a fact in the ledger as well.

Who meets a 429 writes down until when; the others look once a second, while they have calls to make. The database is no
condition for a call: while it is away each process has its own brake, as before. Clocks of machines differ, so each
process measures a wait by its own from the moment when it learns of it, and never longer than Webex asked for.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreUnavailable
from bot.ledger import facts
from bot.webex.transport import LONGEST_BRAKE, UNTOLD_BRAKE, Brake

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.store import Store

log = structlog.get_logger(__name__)

FACT: Final = "brake:"
"""Begins the name of each token's fact; its value is the wait in seconds, its time the moment when that began."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the ledger, however many calls are made."""
LOOK_EVERY_AWAY: Final = 10.0
"""The same while the database is away: to find that out may take a while."""
AWAY: Final = (StoreUnavailable, SQLAlchemyError)
"""The second: a database without our tables is as good as none."""
WORTH_WRITING: Final = 0.5
"""Seconds by which a wait must outlast what is on record: sixteen threads may meet the same 429."""


class SharedBrake(Brake):
    """The brake of one token (``whose``: ``bot`` or ``admin``), for all processes on one database."""

    def __init__(
        self,
        store: Store,
        whose: str,
        now: Callable[[], datetime],
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(clock, chance)
        self._store = store
        self._fact = f"{FACT}{whose}"
        self._now = now
        self._look_at = clock()
        self._looking = threading.Lock()
        self._known: object = None
        self._written_until = clock()

    def check(self, call: str) -> None:
        """As before, for what other processes have met too. Raises ``WebexError``, nothing else."""
        if self._clock() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        super().check(call)

    def hold(self, seconds: float | None) -> None:
        """Hold here, and tell the others."""
        super().hold(seconds)
        wait = UNTOLD_BRAKE if seconds is None else min(seconds, LONGEST_BRAKE)
        until = self._clock() + wait
        with self._lock:
            if until < self._written_until + WORTH_WRITING:
                return
            self._written_until = until
        try:
            with self._store.begin(durable=False) as tx:
                facts.note(tx, self._fact, repr(wait), self._now())
        except AWAY as error:
            log.debug("brake_not_shared", cause=str(error))

    def _look(self) -> None:
        """Take over what another process has written. Each record counts once: its wait is ours from now on."""
        try:
            with self._store.read() as tx:
                began, value = facts.noted_at(tx, self._fact), facts.read(tx, self._fact)
        except AWAY as error:
            log.debug("brake_not_read", cause=str(error))
            self._look_at = self._clock() + LOOK_EVERY_AWAY
            return
        self._look_at = self._clock() + LOOK_EVERY
        if began is None or value is None or (began, value) == self._known:
            return
        self._known = (began, value)
        wait = min(float(value), LONGEST_BRAKE)
        passed = max(0.0, (self._now() - began).total_seconds())
        if passed < wait:
            with self._lock:
                self._until = max(self._until, self._clock() + wait - passed)
                self._written_until = max(self._written_until, self._until)
