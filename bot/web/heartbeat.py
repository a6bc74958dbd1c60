"""The door's sign of life. After a silence, or when events were refused, messages were missed: a job looks for them.

It also keeps how many webhook calls did not verify, for the worker, which tells the operators.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import heartbeats, key_values
from bot.errors import BotError
from bot.queue import tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Database
    from bot.queue import Queue

log = structlog.get_logger(__name__)

STEP: Final = 2.0
"""Seconds until the next sign while messages are to be looked for, or the database is away."""
KEEP_EVERY: Final = 10.0
"""Seconds between two signs while the number of rejected calls changes."""
LAG: Final = timedelta(minutes=1)
"""How long before its refusal an event's message may have been written."""


class Heartbeat:
    """Signs every minute, in a thread of its own; sooner when the door has refused an event."""

    def __init__(
        self, database: Database, queue: Queue, now: Callable[[], datetime], rejected_calls: Callable[[], int]
    ) -> None:
        self._database = database
        self._queue = queue
        self._now = now
        self._rejected_calls = rejected_calls
        self._kept_calls = 0
        self._started = True
        self._guard = threading.Lock()
        self._refused: tuple[datetime, int] | None = None  # since when, and how many

    def refused(self) -> None:
        """An event could not be kept: Webex does not bring it again, so it is looked for when the database is back."""
        with self._guard:
            since, number = self._refused or (self._now() - LAG, 0)
            self._refused = since, number + 1

    def forever(self, stop: threading.Event) -> None:
        """Sign until ``stop`` is set."""
        while not stop.is_set():
            try:
                self.once()
            except BotError as error:
                # No sign is a sign too: the silence shows when the database is back. That it is away, the store says.
                log.debug("no_sign_of_life", cause=str(error))
                stop.wait(STEP)
            else:
                self._wait(stop)

    def _wait(self, stop: threading.Event) -> None:
        waited = 0.0
        while waited < heartbeats.SIGN_EVERY and self._refused is None and not stop.wait(STEP):
            waited += STEP
            if waited >= KEEP_EVERY and self._rejected_calls() != self._kept_calls:
                return

    def once(self) -> None:
        """Sign, and put the job for an absence that ends with it."""
        with self._guard:
            refused = self._refused
        rejected = self._rejected_calls()
        with self._database.begin() as tx:
            if rejected or self._kept_calls:  # a process that was left in peace must not overwrite another's figure
                key_values.set(tx, key_values.REJECTED_CALLS, str(rejected), self._now())
            new = heartbeats.begin(tx, self._now())
            away = heartbeats.sign(tx, self._now(), started=self._started)
            if away is not None:
                self._queue.put(tx, tasks.CATCH_UP, away.key, lock=heartbeats.LOCK)
            elif refused is not None:
                missed = heartbeats.Absence(refused[0], self._now(), told=False)
                self._queue.put(tx, tasks.CATCH_UP, missed.key, lock=heartbeats.LOCK)
        if new:
            log.warning("first_start", sentence=heartbeats.NEW)
        self._started = False
        self._kept_calls = rejected
        with self._guard:
            if self._refused == refused:  # else another one was refused meanwhile
                self._refused = None
        if away is not None and away.noticeable:
            log.warning("was_away", since=away.since.isoformat(), until=away.until.isoformat())
