"""Once a minute: puts jobs that are missing, says that the worker runs, and deletes files and rows that are old."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from bot.db import heartbeats, key_values, reports
from bot.errors import BotError, DatabaseUnavailable
from bot.files.fetch import HELD_SECONDS, held_name, is_held_name
from bot.files.own_folder import clear_abandoned
from bot.ops import catch_up_job
from bot.reports import unknown_status
from bot.reports.due import put_due

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database, Transaction
    from bot.db.leader import Leader
    from bot.db.retention import Retention
    from bot.queue import Queue

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between two runs."""
OLD_FILE = 3600.0
"""Seconds after which a file in the folder that has no name of this version's belongs to nobody."""


class Maintenance:
    """Look over the database and the folder for files, once a minute."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        folder: Path,
        now: Callable[[], datetime],
        *,
        retention: Retention,
        leader: Leader,
        outage: Callable[[], tuple[datetime, datetime] | None] = lambda: None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._folder = folder
        self._now = now
        self._retention = retention
        self._leader = leader
        self._outage = outage
        self._ran = False

    def forever(self, stop: threading.Event) -> None:
        """Run now and every minute, in a thread of its own, until ``stop`` is set."""
        threading.Thread(target=self._run, args=(stop,), name="maintenance", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.once()
            except DatabaseUnavailable as error:
                log.debug("not_ran", cause=str(error))  # the database has logged it
            except BotError as error:
                log.warning("maintenance_failed", cause=str(error))
            except Exception:  # a run that fails must not be the last
                log.exception("maintenance_crashed")
            stop.wait(EVERY)

    def once(self) -> None:
        """Put what is due, and delete what is not needed any more."""
        now, leads = self._now(), self._leader.leads()
        with self._database.begin() as tx:
            key_values.set(tx, key_values.WORKER_SEEN, "", now)
            new = heartbeats.begin(tx, now)
            # Not at once: the web process may just be finding out for how long it was down.
            if self._ran and leads:
                catch_up_job.put_if_due(tx, self._queue, now, self._outage())
            unknown_status.forget_old(tx, now)
            # Within the transaction: so nobody can come to need a file just now.
            started, self._ran = not self._ran, True
            needed = _needed(tx)
            self._clear_folder(needed, 0.0 if started else HELD_SECONDS)
        clear_abandoned(self._folder)

        if new:
            log.warning("first_start", sentence=heartbeats.NEW)
        if leads:
            put_due(self._database, self._queue, now)
            self._retention.prune()

    def end(self) -> None:
        """Remove the files that are kept for who asks again: nobody knows when the next worker comes."""
        try:
            with self._database.begin() as tx:
                needed = _needed(tx)
                self._clear_folder(needed, 0.0)
        except BotError as error:
            log.debug("folder_not_cleared", cause=str(error))  # the next start does it

    def _clear_folder(self, needed: Collection[str], held: float) -> None:
        """Remove files that no open request needs after ``held`` seconds, and other old files."""
        for path in self._folder.glob("*"):
            try:
                if path.is_dir():
                    continue
                ours = is_held_name(path.name)
                age = time.time() - path.stat().st_mtime
                if (path.name not in needed and not 0 <= age <= held) if ours else age > OLD_FILE:
                    path.unlink()
                    log.info("old_file_removed")
            except FileNotFoundError:
                continue  # delivered and removed meanwhile
            except OSError as exc:
                log.warning("temp_cleanup_failed", cause=exc.strerror)


def _needed(tx: Transaction) -> set[str]:
    """Return the names of the files of reports that are ready and awaited."""
    return {held_name(family, report_id) for family, report_id in reports.ready_and_awaited(tx)}
