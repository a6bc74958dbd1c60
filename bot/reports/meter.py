"""Tells people how far a long download is: one line in each thread, edited now and then, taken back at the end.

The download only leaves its figures here; a small thread says them, so that a slow Webex holds nothing up and a
download that hangs is told too. The line is a courtesy: whatever goes wrong with it is a line in the log.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import structlog

from bot.errors import BotError
from bot.plain_words import size
from bot.reports.whereto import target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ledger.deliveries import Delivery
    from bot.outbox import Outbox

log = structlog.get_logger(__name__)

LONG = 10.0
"""Seconds after which a download is worth a word."""
EVERY = 5.0
"""Seconds between two edits of a line, at least."""
STEP = 10
"""Per cent between two edits, at least."""
GROWTH = 1.5
"""By how much what came must have grown between two edits where nobody knows how much there will be."""
MOST_EDITS = 10
"""Webex takes no more of one message."""
MOST_LINES = 10
"""Threads that are told, of those who wait for one report: each edit is a call of the bot's few."""
WORDS = "Fetching the file"
"""How each line begins; by it a line that a kill left behind is known."""


class Meter:
    """Called with the bytes so far at every chunk; a context around fetching and posting. Never raises.

    ``waiting``: who gets the file, as the ledger has them now. It is said where the file will be.
    """

    def __init__(self, outbox: Outbox, waiting: Sequence[Delivery], total: int | None = None) -> None:
        self._outbox = outbox
        self._waiting = tuple(waiting)[:MOST_LINES]
        self._came, self._total = 0, total or 0
        self._cutting = False
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def __call__(self, came: int, total: int = 0) -> None:
        """Note that so many bytes came, of so many (0: nobody knows)."""
        self._came, self._total = came, total or self._total

    def cutting(self, done: int, total: int) -> None:
        """Note that all is fetched, and how much of it is cut into parts."""
        self._came, self._total, self._cutting = done, total, True

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
        self._stop()
        for delivery in self._waiting:
            take_back_line(self._outbox, delivery)

    def posted(self, delivery: Delivery) -> None:
        """Take the line of this one back, since its file is there; before that is on record, for a kill's sake."""
        self._stop()
        take_back_line(self._outbox, delivery)

    def _stop(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._tell()
        except Exception:  # a bug here must not show as one of the download
            log.exception("meter_crashed")

    def _tell(self) -> None:
        told = list(self._waiting)
        shown, changes, cutting = 0, 0, False
        self._over.wait(LONG)
        while told and changes <= MOST_EDITS and not self._over.is_set():
            came, total = self._came, self._total
            if cutting is not self._cutting:
                cutting, shown = self._cutting, 0
            if worth_it(shown, came, total):
                told = [
                    one
                    for one in told
                    if not self._over.is_set() and self._say(one, line(came, total, cutting=cutting))
                ]
                shown, changes = came, changes + 1
            self._over.wait(EVERY)

    def _say(self, delivery: Delivery, words: str) -> bool:
        """Edit the line, or say it when it is not there. False: leave this thread alone from now on."""
        key = line_key(delivery, private=delivery.private)
        try:
            if not self._outbox.edit(key, words):
                self._outbox.say(key, target_of(delivery), words, mark=WORDS)
        except BotError as error:
            log.info("progress_not_said", reference=delivery.reference, cause=str(error))
            return False
        return True


def line(came: int, total: int, *, cutting: bool = False) -> str:
    """How far it is."""
    if cutting:
        return f"{WORDS}: it is here, and I cut it into parts: {percent(came, total)} %."
    if total <= 0:
        return f"{WORDS}: {size(came)} so far."
    return f"{WORDS}: {percent(came, total)} % of {size(total)}."


def percent(came: int, total: int) -> int:
    """Whole per cent, at most 100: the host's figure may be wrong."""
    return min(100, came * 100 // total)


def worth_it(shown: int, came: int, total: int) -> bool:
    """Whether what came since the line was last changed is worth an edit; ``shown`` 0: there is no line yet."""
    if shown == 0:
        return came > 0 and (came < total or total <= 0)
    if total <= 0:
        return came >= shown * GROWTH
    return percent(came, total) - percent(shown, total) >= STEP


def line_key(delivery: Delivery, *, private: bool) -> str:
    """The key of the line in a delivery's thread, or 1:1."""
    return f"delivery:{delivery.id}:fetching" + (":privately" if private else "")


def take_back_line(outbox: Outbox, delivery: Delivery) -> None:
    """Take the line away, this run's or one that a kill left behind. Never raises."""
    for private in (False, True):  # it may have become so after the line was said
        try:
            if not outbox.take_back(line_key(delivery, private=private), mark=WORDS):
                log.info("progress_line_stays", reference=delivery.reference)
        except BotError as error:
            log.info("progress_line_stays", reference=delivery.reference, cause=str(error))
