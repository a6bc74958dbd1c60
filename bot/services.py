"""What every command, task and check works with. ``app.build_services`` makes it, in tests too."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from bot.access.authorizer import Authorizer
    from bot.access.bot_identity import BotIdentity
    from bot.db.availability import LoggedDatabase
    from bot.files.downloader import Downloader
    from bot.files.storage import TempDir
    from bot.outbox import Outbox
    from bot.queue import Queue
    from bot.settings import Settings
    from bot.webex.catalog import Catalog
    from bot.webex.chat import Chat
    from bot.webex.http import Observe, TokenSource
    from bot.webex.people import Directory
    from bot.webex.space_names import SpaceNames

MOST_REPORT_CALLS: Final = 10
"""People for whom reports are asked for at once, of the worker's sixteen threads."""


class Clock:
    """The time, and waiting. Tests set theirs."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only grow, whatever happens to the machine's clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self) -> float:
        """Return a random share, from 0 to 1, by which waits differ."""
        return random.random()  # noqa: S311 no secret


class CallObserver:
    """Tell each call to Webex to those who subscribed to its source.

    The sources are ``bot`` and ``admin`` (the API, by token), ``refresh`` (the admin token's renewal) and ``download``.
    """

    SOURCES: Final = ("bot", "admin", "refresh", "download")

    def __init__(self) -> None:
        self._subscribers: dict[str, list[Observe]] = defaultdict(list)

    def subscribe(self, subscriber: Observe, *sources: str) -> None:
        """Have each call of these sources told, of all sources when none is named."""
        for source in sources or self.SOURCES:
            self._subscribers[source].append(subscriber)

    def of(self, source: str) -> Observe:
        """Return what a client tells its calls to."""
        subscribers = self._subscribers[source]

        def observe(method: str, path: str, status: int | None, seconds: float) -> None:
            for subscriber in subscribers:
                subscriber(method, path, status, seconds)

        return observe


@dataclass(frozen=True, slots=True)
class Services:
    """The bot's means."""

    settings: Settings
    clock: Clock
    database: LoggedDatabase
    queue: Queue
    chat: Chat
    identity: BotIdentity
    directory: Directory
    space_names: SpaceNames
    catalog: Catalog
    authorizer: Authorizer
    outbox: Outbox
    downloader: Downloader
    temp_dir: TempDir
    admin_token: TokenSource
    calls: CallObserver
    new_reference: Callable[[], str]
    folder: Path
    """Where files of reports lie: the worker's own."""
    resources: ExitStack
    report_slots: threading.BoundedSemaphore = field(
        default_factory=partial(threading.BoundedSemaphore, MOST_REPORT_CALLS)
    )

    def close(self) -> None:
        """Close the database, the clients and the folder for parts."""
        self.resources.close()

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self.clock.now()

    @property
    def poll_interval(self) -> float:
        """Return the seconds between two checks of a pending report, at least."""
        return self.settings.poll_interval

    @property
    def watch_deadline(self) -> timedelta:
        """Return for how long a report is waited for."""
        return timedelta(seconds=self.settings.watch_deadline)
