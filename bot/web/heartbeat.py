"""The web process's heartbeat. After a gap, or when events were refused, messages were missed: a job looks for them.

It also stores how many webhook calls failed signature verification, for the worker, which tells the operators.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import heartbeats, key_values
from bot.db.heartbeats import Downtime
from bot.errors import BotError
from bot.ops import catch_up_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Database
    from bot.queue import Queue

log = structlog.get_logger(__name__)

STEP: Final = 2.0
"""Seconds until the next beat while messages are to be looked for, or the database is away."""
KEEP_EVERY: Final = 10.0
"""Seconds between two beats while the number of rejected calls changes."""
LAG: Final = timedelta(minutes=1)
"""How long before its refusal an event's message may have been written."""


class Heartbeat:
    """Beats every minute, in a thread of its own; sooner when the web process has refused an event."""

    def __init__(
        self, database: Database, queue: Queue, now: Callable[[], datetime], rejected_calls: Callable[[], int]
    ) -> None:
        self._database = database
        self._queue = queue
        self._now = now
        self._rejected_calls = rejected_calls
        self._stored_calls = 0
        self._started = True
        self._guard = threading.Lock()
        self._refused_since: datetime | None = None

    def refused(self) -> None:
        """Note that an event could not be stored: Webex doesn't bring it again, so its message is looked for."""
        with self._guard:
            self._refused_since = self._refused_since or self._now() - LAG

    def forever(self, stop: threading.Event) -> None:
        """Beat until ``stop`` is set."""
        while not stop.is_set():
            try:
                self.once()
            except BotError as error:
                # The gap shows when the database is back. That it is away, the database logs.
                log.debug("heartbeat_failed", cause=str(error))
                stop.wait(STEP)
            except Exception:  # a beat that fails must not be the last
                log.exception("heartbeat_crashed")
                stop.wait(heartbeats.BEAT_EVERY)
            else:
                self._wait(stop)

    def _wait(self, stop: threading.Event) -> None:
        waited = 0.0
        while waited < heartbeats.BEAT_EVERY and self._refused_since is None and not stop.wait(STEP):
            waited += STEP
            if waited >= KEEP_EVERY and self._rejected_calls() != self._stored_calls:
                return

    def once(self) -> None:
        """Beat, and have messages looked for after a downtime that ends with it."""
        with self._guard:
            refused_since, self._refused_since = self._refused_since, None
        rejected, now = self._rejected_calls(), self._now()
        try:
            with self._database.begin() as tx:
                if rejected or self._stored_calls:  # a process without any must not overwrite another's figure
                    key_values.set(tx, key_values.REJECTED_CALLS, str(rejected), now)
                new = heartbeats.begin(tx, now)
                downtime = heartbeats.beat(tx, now, started=self._started)
                if downtime is None and refused_since is not None:
                    downtime = Downtime(refused_since, now)
                if downtime is not None:
                    catch_up_job.put(tx, self._queue, downtime.since, downtime.until)
        except Exception:
            with self._guard:
                self._refused_since = refused_since or self._refused_since
            raise
        self._started = False
        self._stored_calls = rejected
        if new:
            log.warning("first_start", sentence=heartbeats.NEW)
        if downtime is not None and downtime.noticeable:
            log.warning("downtime_detected", since=downtime.since.isoformat(), until=downtime.until.isoformat())
