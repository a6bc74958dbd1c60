"""Tells people how far a large file is: one line in each thread, edited now and then, taken back at the end.

The download only leaves its figures here; a small thread says them, so that a slow Webex holds nothing up and a
download that hangs is told too. It asks again who waits: somebody may come, or cancel, in the middle. The line is a
courtesy: whatever goes wrong with it is a line in the log.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Self

import structlog

from bot.errors import BotError, Refused
from bot.text import size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.requests import Delivery
    from bot.outbox import Outbox
    from bot.reports.report_messages import ReportMessages

log = structlog.get_logger(__name__)

LONG = 10.0
"""Seconds after which a file that is still not there is worth a word."""
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
WORDS = "Fetching the file"
"""How each line begins."""


class Stage(Enum):
    """What is being done with the file."""

    FETCHING = "fetching"
    CUTTING = "cutting"
    POSTING = "posting"


@dataclass(frozen=True, slots=True)
class Figures:
    """How far it is: bytes so far, of so many (0: nobody knows)."""

    stage: Stage = Stage.FETCHING
    came: int = 0
    total: int = 0


NOTHING = Figures()


@dataclass(slots=True)
class Line:
    """What is said in one thread."""

    delivery: Delivery
    shown: Figures = NOTHING
    edits: int = 0
    given_up: bool = False
    """Webex did not take it: this thread is left alone."""


class ProgressMessage:
    """Called with the bytes so far at every chunk; a context around fetching and posting. Never raises.

    ``waiting`` gives who gets the file, as the ledger has them now; it may raise ``BotError``. It is said where the
    file will be.
    """

    def __init__(self, outbox: Outbox, messages: ReportMessages, waiting: Callable[[], Sequence[Delivery]]) -> None:
        self._outbox = outbox
        self._messages = messages
        self._waiting = waiting
        self._now = NOTHING
        self._lines: dict[int, Line] = {}
        self._posted: set[int] = set()
        self._speaking = threading.Lock()
        """Held while a line is said, or taken back for good."""
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def __call__(self, came: int, total: int = 0) -> None:
        """Note that so many bytes came, of so many (0: nobody knows)."""
        self._now = Figures(Stage.FETCHING, came, total)

    def cutting(self, done: int, total: int) -> None:
        """Note that all is fetched, and how much of it is cut into parts."""
        self._now = Figures(Stage.CUTTING, done, total)

    def posting(self) -> None:
        """Note that the file is being posted, to one after another."""
        self._now = Figures(Stage.POSTING)

    def __enter__(self) -> Self:
        """Begin to count the seconds."""
        thread = threading.Thread(target=self._run, name="meter", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads on this machine
            log.warning("progress_not_said", cause=str(error))
        else:
            self._thread = thread
        return self

    def __exit__(self, *_: object) -> None:
        """Take every line back."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        for line in self._lines.values():
            take_back_line(self._outbox, line.delivery)

    def posted(self, delivery: Delivery) -> None:
        """Take the line of this one back, since its file is there; before that is on record, for a kill's sake."""
        with self._speaking:
            self._posted.add(delivery.id)
            self._lines.pop(delivery.id, None)
            take_back_line(self._outbox, delivery)

    def _run(self) -> None:
        try:
            self._over.wait(LONG)
            while not self._over.is_set():
                self._tell()
                self._over.wait(EVERY)
        except Exception:  # a bug here must not show as one of the download
            log.exception("meter_crashed")

    def _tell(self) -> None:
        """Say it once in every thread where it is worth it."""
        now = self._now
        try:
            waiting = self._waiting()
        except BotError as error:
            log.info("progress_not_said", cause=str(error))
            return
        for delivery in waiting:
            with self._speaking:
                if not self._over.is_set():
                    self._follow(delivery, now)
        ids = {delivery.id for delivery in waiting}
        with self._speaking:
            for gone in [one for one in self._lines if one not in ids]:
                take_back_line(self._outbox, self._lines.pop(gone).delivery)

    def _follow(self, delivery: Delivery, now: Figures) -> None:
        line = self._lines.get(delivery.id)
        if line is None:
            if delivery.id in self._posted or len(self._lines) >= MOST_LINES:
                return
            line = self._lines[delivery.id] = Line(delivery)
        line.delivery = delivery
        if line.given_up or not worth_it(line.shown, now):
            return
        try:
            self._say(line, words(now))
        except Refused as refused:
            log.info("progress_not_said", reference=delivery.reference, cause=refused.reason)
            take_back_line(self._outbox, delivery)
            line.shown, line.edits = now, 0  # it is tried again when there is more to say: 1:1 perhaps
        except BotError as error:
            log.info("progress_not_said", reference=delivery.reference, cause=str(error))
            line.given_up = True
        else:
            line.shown = now

    def _say(self, line: Line, said: str) -> None:
        """Edit the line, or say it when it is not there or was edited often enough.

        Raises ``Refused`` when it may not be read there now, and ``BotError``.
        """
        key = line_key(line.delivery, private=line.delivery.private)
        if line.edits == MOST_EDITS:
            self._outbox.take_back(key)
            line.edits = 0
        if self._messages.update(line.delivery, key, said):
            line.edits += 1


def words(now: Figures) -> str:
    """How far it is."""
    match now.stage:
        case Stage.POSTING:
            return f"{WORDS}: it is here, and I am posting it."
        case Stage.CUTTING:
            return f"{WORDS}: it is here, and I cut it into parts: {percent(now)} %."
        case Stage.FETCHING if now.total <= 0:
            return f"{WORDS}: {size(now.came)} so far."
        case Stage.FETCHING:
            return f"{WORDS}: {percent(now)} % of {size(now.total)}."


def percent(now: Figures) -> int:
    """Whole per cent, at most 100: the host's figure may be wrong."""
    return min(100, now.came * 100 // now.total) if now.total > 0 else 0


def worth_it(shown: Figures, now: Figures) -> bool:
    """Whether what is so now is worth a word, after what was shown (``NOTHING``: there is no line yet)."""
    if now.stage is not shown.stage:
        return True
    if now.stage is Stage.POSTING:
        return False
    if now.came < shown.came:
        return True  # it is fetched once more
    if shown.came == 0:
        return now.came > 0 and (now.came < now.total or now.total <= 0)
    if now.total <= 0:
        return now.came >= shown.came * GROWTH
    return percent(now) - percent(shown) >= STEP


def line_key(delivery: Delivery, *, private: bool) -> str:
    """The key of the line in a delivery's thread, or 1:1."""
    return f"delivery:{delivery.id}:fetching" + (":privately" if private else "")


def take_back_line(outbox: Outbox, delivery: Delivery) -> None:
    """Take the line away, this run's or one that a kill left behind. Never raises."""
    for private in (False, True):  # it may have become so after the line was said
        try:
            if not outbox.take_back(line_key(delivery, private=private)):
                log.info("progress_line_stays", reference=delivery.reference)
        except BotError as error:
            log.info("progress_line_stays", reference=delivery.reference, cause=str(error))
