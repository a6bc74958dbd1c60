"""The door's sign of life. After a silence, messages may have been missed: a job looks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot import tasks
from bot.errors import BotError
from bot.ledger import presence

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from bot.queue import Queue
    from bot.store import Store

log = structlog.get_logger(__name__)


class Heartbeat:
    """Signs every minute, in a thread of its own."""

    def __init__(self, store: Store, queue: Queue, now: Callable[[], datetime]) -> None:
        self._store = store
        self._queue = queue
        self._now = now
        self._started = True

    def forever(self, stop: threading.Event) -> None:
        """Sign until ``stop`` is set."""
        while not stop.is_set():
            try:
                self.once()
            except BotError as error:
                # No sign is a sign too: the silence shows when the database is back. That it is away, the store says.
                log.debug("no_sign_of_life", cause=str(error))
            stop.wait(presence.SIGN_EVERY)

    def once(self) -> None:
        """Sign, and put the job for an absence that ends with it."""
        with self._store.begin() as tx:
            away = presence.sign(tx, self._now(), started=self._started)
            if away is not None:
                self._queue.put(tx, tasks.CATCH_UP, away.key)
        self._started = False
        if away is not None and away.noticeable:
            log.warning("was_away", since=away.since.isoformat(), until=away.until.isoformat())
