"""One line for people who wait while Webex's reports do not answer: within ten seconds, deleted when the answer stands.

An error says it (``waiting.py``, ``chat/dispatcher.py``); a call that hangs says nothing, so a timer does. It tells
nothing of any report, so it may be read by anyone who reads along.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import requests
from bot.errors import BotError, WebexError
from bot.reports.whereto import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.db.database import Database
    from bot.db.requests import Delivery
    from bot.outbox import Outbox
    from bot.services import Services
    from bot.webex.types import Target

log = structlog.get_logger(__name__)

AFTER_ERRORS: Final = timedelta(seconds=3)
"""How long calls may fail without a word. The next try comes within four seconds until then (``worker.py``)."""
AFTER_SILENCE: Final = timedelta(seconds=6)
"""How long the reports may give no answer at all without a word."""
A_MOMENT: Final = timedelta(seconds=1)
"""How long a further try may take without a word, for somebody who has waited for longer than that already."""
LONGEST_FOR_ROOM: Final = 1.0
"""Seconds for which a thread waits to ask for reports; then its job comes again."""
FIRST_TROUBLE: Final = 500
TOO_MANY: Final = 429
REPORTS_AWAY: Final = "Webex Reports isn't responding right now. I'll keep trying; no action needed."


_being_said: set[str] = set()
_guard = threading.Lock()
"""The lines that threads of this process are saying now: several requests of one message share theirs."""


class TroubleLine:
    """The line in one place, under one key. Nothing here raises."""

    def __init__(self, outbox: Outbox, key: str, target: Target) -> None:
        self._outbox = outbox
        self._key = key
        self._target = target

    def say(self, words: str = REPORTS_AWAY) -> None:
        """Say it, unless it stands there."""
        with _guard:
            if self._key in _being_said:
                return
            _being_said.add(self._key)
        try:
            if not self._outbox.was_sent(self._key):
                self._outbox.say(self._key, self._target, words)
        except BotError as error:
            log.info("not_told_of_trouble", post=self._key, cause=str(error))
        finally:
            with _guard:
                _being_said.discard(self._key)

    def take_back(self) -> None:
        """Have it gone; what Webex does not let go now is tried again by the sweep."""
        try:
            self._outbox.take_back(self._key)
        except BotError as error:
            log.info("trouble_line_stays", post=self._key, cause=str(error))

    @contextmanager
    def unless_answered(self, waited: timedelta) -> Iterator[None]:
        """Say it when what is asked within takes too long for somebody who has waited for so long already."""
        left = max(A_MOMENT, AFTER_SILENCE - waited).total_seconds()
        timer = threading.Timer(left, self._say_in_a_thread)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError as error:  # no more threads on this machine
            log.warning("slow_reports_not_said", cause=str(error))
            yield
            return
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # what is being said now must be known to anyone who takes it back

    def _say_in_a_thread(self) -> None:
        try:
            self.say()
        except Exception:  # a bug here must not show as one of the reports
            log.exception("trouble_line_crashed")


@contextmanager
def asking_reports(services: Services, line: TroubleLine, waited: timedelta = timedelta()) -> Iterator[None]:
    """Stand around calls to Webex's reports for a person, whose line says so when they get no answer for too long.

    Raises ``WebexError`` that passes where too many are being made: reports that hang leave room for first answers.
    """
    if not services.report_slots.acquire(timeout=LONGEST_FOR_ROOM):
        raise WebexError("GET /reports", None, message="others wait for Webex's reports", reached=False)
    try:
        with line.unless_answered(waited):
            yield
    finally:
        services.report_slots.release()


def line_for_answer(outbox: Outbox, delivery: Delivery) -> TroubleLine:
    """The line of a request that has no answer yet: one for all reports that one message asked for."""
    return TroubleLine(outbox, f"{requests.asked_in(delivery)}:trouble", target_of(delivery))


def line_for_file(outbox: Outbox, delivery: Delivery) -> TroubleLine:
    """The line of a request that waits for its file."""
    return TroubleLine(outbox, f"delivery:{delivery.id}:trouble", target_of(delivery))


def answered(database: Database, outbox: Outbox, delivery: Delivery) -> None:
    """A request has its answer: the line goes with the last one of its message. Raises ``DatabaseUnavailable``."""
    with database.read() as tx:
        others = requests.unanswered_beside(tx, delivery)
    if not others:
        line_for_answer(outbox, delivery).take_back()


def sentence(error: WebexError) -> str:
    """What is said of trouble at Webex."""
    if error.status == TOO_MANY:
        what = "Webex is asking me to slow down right now."
    elif "/report" in error.call or "/partner" in error.call:
        return REPORTS_AWAY
    elif error.status is None or error.status >= FIRST_TROUBLE:
        what = "Webex isn't responding right now."
    else:
        what = "Webex is keeping me waiting right now."
    return f"{what} I'll keep trying; no action needed."
