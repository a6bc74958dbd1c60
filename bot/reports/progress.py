"""Tell people how far a large file is: one message in each thread, edited now and then, deleted at the end.

The download only leaves its figures here; a small thread sends them, so that a slow Webex holds nothing up and a
download that hangs is told too. It asks again who waits: someone may come, or cancel, in the middle. The message is a
courtesy: whatever goes wrong with it is a line in the log.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog

from bot.errors import BotError, Refused
from bot.messages.progress import NOTHING, Figures, Stage, percent, words
from bot.outbox import Text
from bot.reports.report_messages import Draft
from bot.reports.timers import timers
from bot.reports.wanted_messages import Slot, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.requests import Request
    from bot.outbox import Outbox
    from bot.reports.report_messages import ReportMessages
    from bot.reports.timers import Timer

log = structlog.get_logger(__name__)

LONG = 10.0
"""Seconds after which people are told of a file that has not arrived."""
EVERY = 5.0
"""Seconds between two edits of a line, at least."""
STEP = 10
"""Per cent between two edits, at least."""
GROWTH = 1.5
"""By how much what came must have grown between two edits where nobody knows how much there will be."""
MOST_EDITS = 10
"""Webex takes no more of one message; then another takes its place."""
MOST_LINES = 10
"""Threads that are told, of those who wait for one report: each edit is a call of the bot's few."""


@dataclass(slots=True)
class Line:
    """What is shown in one thread."""

    request: Request
    shown: Figures = NOTHING
    edits: int = 0
    given_up: bool = False
    """Webex did not take it: this thread is left alone."""

    @property
    def key(self) -> str:
        """Return the key of its message."""
        return name_of(self.request, Slot.PROGRESS).key


class ProgressMessage:
    """Called with the bytes so far at every chunk; a context around fetching and posting. Never raises.

    ``waiting`` returns the requests whose threads show it, as the database has them now; it may raise ``BotError``.
    """

    def __init__(
        self,
        outbox: Outbox,
        report_messages: ReportMessages,
        waiting: Callable[[], Sequence[Request]],
        family: str,
    ) -> None:
        self._outbox = outbox
        self._messages = report_messages
        self._waiting = waiting
        self._family = family
        self._now = NOTHING
        self._lines: dict[int, Line] = {}
        self._posted: set[int] = set()
        self._sending = threading.Lock()
        """Held while a message is sent, or deleted for good."""
        self._timer: Timer | None = None
        self._over = threading.Event()

    def __call__(self, came: int, total: int = 0) -> None:
        """Note that so many bytes came, of so many (0: nobody knows)."""
        self._now = Figures(Stage.FETCHING, came, total)

    def converting(self) -> None:
        """Note that all is downloaded, and that it is turned into the format of a space."""
        self._now = Figures(Stage.CONVERTING)

    def cutting(self, done: int, total: int) -> None:
        """Note that all is downloaded, and how much of it is split into parts."""
        self._now = Figures(Stage.CUTTING, done, total)

    def posting(self) -> None:
        """Note that the file is being posted, to one after another."""
        self._now = Figures(Stage.POSTING)

    def __enter__(self) -> Self:
        """Begin to count the seconds."""
        try:
            self._timer = timers.start(LONG, self._run)
        except RuntimeError as error:  # no more threads on this machine
            log.warning("progress_not_sent", cause=str(error))
        return self

    def __exit__(self, *_: object) -> None:
        """Delete every message."""
        self._over.set()
        if self._timer is not None:
            timers.cancel(self._timer)
        for line in self._lines.values():
            self._delete(line)

    def posted(self, request: Request) -> None:
        """Delete the message of this request, since its file is there."""
        with self._sending:
            self._posted.add(request.id)
            line = self._lines.pop(request.id, None)
            if line is not None:
                self._delete(line)

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self._tell()
                self._over.wait(EVERY)
        except Exception:  # a bug here must not show as one of the download
            log.exception("progress_crashed")

    def _tell(self) -> None:
        """Show it once in every thread where it is worth it."""
        now = self._now
        try:
            waiting = self._waiting()
        except BotError as error:
            log.info("progress_not_sent", cause=str(error))
            return
        for request in waiting:
            with self._sending:
                if not self._over.is_set():
                    self._follow(request, now)
        ids = {request.id for request in waiting}
        with self._sending:
            for gone in [one for one in self._lines if one not in ids]:
                self._delete(self._lines.pop(gone))

    def _follow(self, request: Request, now: Figures) -> None:
        line = self._lines.get(request.id)
        if line is None:
            if request.id in self._posted or len(self._lines) >= MOST_LINES:
                return
            line = self._lines[request.id] = Line(request)
        if line.request.destination != request.destination:
            self._delete(line)  # it goes on elsewhere
        line.request = request
        if line.given_up or not worth_it(line.shown, now):
            return
        try:
            self._send(line, words(now))
        except Refused as refused:
            log.info("progress_not_sent", reference=request.reference, cause=refused.reason)
            self._delete(line)
            line.shown, line.edits = now, 0  # it is tried again when there is more to show: directly perhaps
        except BotError as error:
            log.info("progress_not_sent", reference=request.reference, cause=str(error))
            line.given_up = True
        else:
            line.shown = now

    def _send(self, line: Line, said: str) -> None:
        """Edit the message, or send it when it is not there or was edited often enough.

        Raises ``Refused`` when it may not be read there now, and ``BotError``.
        """
        if line.edits == MOST_EDITS:
            self._outbox.delete(line.key)
            line.edits = 0
        if self._messages.edit(line.request, self._family, line.key, said):
            line.edits += 1
            return

        def make(now: Request) -> Draft | None:
            if now.destination != line.request.destination:
                return None
            return Draft(name_of(now, Slot.PROGRESS), Text(said))

        self._messages.send(line.request, self._family, make)

    def _delete(self, line: Line) -> None:
        """Delete the message; what stays because of an error goes when the request is closed."""
        try:
            self._outbox.delete(line.key)
        except BotError as error:
            log.info("message_delete_failed", key=line.key, cause=str(error))


def worth_it(shown: Figures, now: Figures) -> bool:
    """Return True when the figures are worth a message after what was shown (``NOTHING``: there is none yet)."""
    if now.stage is not shown.stage:
        return True
    if now.stage is Stage.POSTING:
        return False
    if now.came < shown.came:
        return True  # it is downloaded once more
    if shown.came == 0:
        return now.came > 0 and (now.came < now.total or now.total <= 0)
    if now.total <= 0:
        return now.came >= shown.came * GROWTH
    return percent(now) - percent(shown) >= STEP
