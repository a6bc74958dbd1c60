"""What is read at each scrape, as gauges.

What the database says is the same from every process, so rules take ``max()`` of it; the disk is each machine's own.
"""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from bot import __version__
from bot.db import figures
from bot.errors import DatabaseUnavailable
from bot.metrics import Gauge
from bot.queue import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database
    from bot.queue import Queue

log = structlog.get_logger(__name__)

DATABASE_TIMEOUT: Final = 5.0
"""Seconds; Prometheus waits for ten, unless told otherwise."""
UP: Final = "Whether this process reaches the database."
DISK: Final = "Bytes that are free where this process keeps its files."
JOBS: Final = "Jobs in the queue: due ones (running ones included), and those that wait for their time."
TOKEN: Final = "When the admin's access token and its refresh token end, where that is known."  # noqa: S105 words about it


class Gauges:
    """Read the current values, in a thread: while the database hangs, the counters must be seen all the same."""

    def __init__(self, database: Database, queue: Queue, folder: Path, now: Callable[[], datetime]) -> None:
        self._database = database
        self._queue = queue
        self._folder = folder
        self._now = now
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._found: list[Gauge] | None = None

    def read(self) -> list[Gauge]:
        """Return the current values; without the database only that it is away."""
        with self._guard:  # one that hangs is waited for again, and no second one is started
            thread = self._thread
            if thread is None or not thread.is_alive():
                self._found = None
                self._thread = thread = threading.Thread(target=self._look, name="gauges", daemon=True)
                thread.start()
        thread.join(DATABASE_TIMEOUT)
        found = None if thread.is_alive() else self._found
        build = Gauge("reportbot_build_info", "The version that runs.", 1.0, ("version", __version__))
        up = Gauge("reportbot_database_up", UP, 0.0 if found is None else 1.0)
        return [build, up, *self._disk(), *(found or ())]

    def _disk(self) -> Iterator[Gauge]:
        with suppress(OSError):  # a folder that is gone has no disk
            yield Gauge("reportbot_disk_free_bytes", DISK, float(shutil.disk_usage(self._folder).free))

    def _look(self) -> None:
        try:
            self._found = list(_read(self._database, self._queue, self._now()))
        except DatabaseUnavailable as error:
            log.debug("gauges_not_read", cause=str(error))  # the database has logged it
        except Exception:
            log.exception("gauges_crashed")


def _read(database: Database, queue: Queue, now: datetime) -> Iterator[Gauge]:
    with database.read() as tx:
        depth = queue.depth(tx)
        waited = queue.oldest_waiting_seconds(tx, without=tasks.BACKGROUND)
        found = figures.read(tx, now)
    yield Gauge("reportbot_queue_jobs", JOBS, depth["due"], ("state", "due"))
    yield Gauge("reportbot_queue_jobs", JOBS, depth["delayed"], ("state", "delayed"))
    yield Gauge("reportbot_queue_oldest_due_seconds", "Age of the oldest job that is due.", depth["oldest_due_seconds"])
    yield Gauge(
        "reportbot_first_answer_wait_seconds", "For how long the person who waits longest has no first answer.", waited
    )
    yield Gauge("reportbot_open_requests", "Requests whose report was not delivered yet.", found.open_requests)
    yield Gauge("reportbot_open_runs", "Reports that are to be created.", found.open_runs)
    yield Gauge("reportbot_watched_reports", "Reports that are waited for at Webex.", found.watched_reports)
    yield Gauge(
        "reportbot_schedules_late_seconds", "For how long the most overdue schedule was not run.", found.schedules_late
    )
    yield Gauge("reportbot_outbound_events_pending", "Outbound events that are to be sent.", found.events_pending)
    yield Gauge(
        "reportbot_outbound_events_oldest_pending_seconds", "Age of the oldest of them.", found.events_pending_for
    )
    for role, seen in (("web", found.web_seen_at), ("worker", found.worker_seen_at)):
        if seen is not None:
            about = f"When a {role} process last said that it runs."
            yield Gauge(f"reportbot_{role}_last_seen_timestamp_seconds", about, seen.timestamp())
    for token, ends_at in found.token_ends_at.items():
        yield Gauge("reportbot_admin_token_expiry_timestamp_seconds", TOKEN, ends_at, ("token", token))
    for check in found.firing:
        yield Gauge("reportbot_check_failing", "The bot's own checks that have found something.", 1.0, ("check", check))
