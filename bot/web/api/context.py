"""What the API's calls work with in the web process, which never asks Webex."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bot.web.rejected_calls import RejectedCalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from bot.db.database import Database
    from bot.queue import Queue

MOST_POLLS, MOST_QUESTIONS = 1, 1
"""Calls that wait at a time, for the end of a delivery and for Webex: the others are answered at once.

So threads are left for the webhook, and who waits for a delivery keeps nobody from an answer of Webex.
"""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The API's means; it can open requests and runs (``bot.reports.requests.Opener``)."""

    database: Database
    queue: Queue
    clock: Callable[[], datetime]
    new_reference: Callable[[], str]
    watch_deadline: timedelta
    ready: Callable[[], bool]
    """Migrates the database if that was not done; raises ``DatabaseUnavailable``."""
    open_secret: Callable[[str], str]
    """Decrypts what the worker has encrypted for this process: the secret of a new webhook."""
    public_url: str | None = None
    rejected: RejectedCalls = field(default_factory=partial(RejectedCalls, name="api_calls_rejected"))
    """Calls without a known key, of no hook, or not signed: seen in the log, since no audit can name who called."""
    stopping: threading.Event = field(default_factory=threading.Event)
    polls: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_POLLS))
    questions: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_QUESTIONS))

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self.clock()
