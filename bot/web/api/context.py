"""What the API's calls work with in the web process, which never asks Webex."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bot.web.api.call_limit import CallLimit
from bot.web.api.concurrency import Concurrency
from bot.web.rejected_calls import RejectedCalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from bot.db.database import Database
    from bot.queue import Queue


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
    limit: CallLimit = field(default_factory=CallLimit)
    questions: Concurrency = field(default_factory=Concurrency)
    """Of the calls that need Webex."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self.clock()
