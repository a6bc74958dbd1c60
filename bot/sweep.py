"""Once a minute: whatever is due and has no job gets one, so that the queue may lose or repeat without harm.

Also says that the worker lives, and takes away files that nobody waits for any more.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot import tasks
from bot.errors import BotError, StoreUnavailable
from bot.ledger import audit, deliveries, events, facts
from bot.ledger.deliveries import IN_HAND, State
from bot.reports.watch import put_delivery, watch_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from bot.queue import Queue
    from bot.store import Store

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between sweeps."""
SETTLING = timedelta(seconds=60)
"""A row younger than this has its job from the transaction that made it."""
OLD_FILE = 3600.0
"""Seconds after which a file in the folder belongs to nobody."""
OLD_FILES = {".download-": 600.0, ".packed-": 1800.0}
"""The same by a name's beginning: a download is written all the time, parts are touched at each post."""
MOST_PRUNED = 1000
"""Rows of the audit that one sweep deletes: more than a busy minute makes, and done in a moment."""


class Sweep:
    """Looks over the ledger and the folder."""

    def __init__(
        self, store: Store, queue: Queue, folder: Path, now: Callable[[], datetime], *, audit_days: int = 0
    ) -> None:
        self._store = store
        self._queue = queue
        self._folder = folder
        self._now = now
        self._audit_days = audit_days

    def forever(self, stop: threading.Event) -> None:
        """Sweep now and every minute, in a thread of its own, until ``stop`` is set."""
        threading.Thread(target=self._run, args=(stop,), name="sweep", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.once()
            except StoreUnavailable as error:
                log.debug("not_swept", cause=str(error))  # the store has said so, once for all who use it
            except BotError as error:
                log.warning("sweep_failed", cause=str(error))
            except Exception:  # a sweep that fails must not be the last
                log.exception("sweep_crashed")
            stop.wait(EVERY)

    def once(self) -> None:
        """Sweep."""
        self._clear_folder()
        now = self._now()
        with self._store.begin() as tx:
            facts.note(tx, facts.WORKER_SEEN, "", now)
            if self._audit_days:
                audit.prune(tx, now - timedelta(days=self._audit_days), now, MOST_PRUNED)
            for event in events.unsettled(tx, now - SETTLING):
                self._queue.put(tx, tasks.EVENT, str(event.id), lock=event.room_id, keep_time=True)
            for one in deliveries.in_state(tx, State.ASKED):
                self._queue.put(tx, tasks.ANSWER, str(one.id), keep_time=True)
            for one in deliveries.in_state(tx, State.PENDING):
                self._queue.put(tx, tasks.WATCH, watch_key(one.family or "", one.region), keep_time=True)
            for one in deliveries.in_state(tx, *IN_HAND):
                put_delivery(tx, self._queue, one.family or "", one.report_id, keep_time=True)

    def _clear_folder(self) -> None:
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            try:
                old = next((age for start, age in OLD_FILES.items() if path.name.startswith(start)), OLD_FILE)
                if time.time() - path.stat().st_mtime > old:
                    path.unlink()
                    log.info("old_file_removed")
            except FileNotFoundError:
                continue  # delivered and removed meanwhile
