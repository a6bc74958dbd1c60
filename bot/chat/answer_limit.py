"""Stop answering where no person can be asking: another bot answers each answer, or the bot does so itself.

It works where the bot does not know who it is itself. What is sent for a request is not counted: nobody answers that
by accident, and a script may ask for many reports.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.messages.alerts import ANSWERING_EVERYWHERE, answers_stopped
from bot.ops.alerts import Check
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.events import Event

log = structlog.get_logger(__name__)

MESSAGES: Final = "messages"
"""The resource of the events that are counted: presses of buttons are made by hand."""
MOST: Final = 20
"""Answers to messages of one author in one space, in ``WITHIN``."""
WITHIN: Final = timedelta(seconds=10)
PAUSE: Final = timedelta(minutes=10)
MOST_REMEMBERED: Final = 2000
"""Pairs of author and space; those with nothing recent are forgotten then."""
STOPPED: Final = "stopped:too_many_answers"
"""The outcome in the audit of a message that is not answered for it."""
TROUBLE: Final = answers_stopped(MOST, WITHIN, PAUSE, STOPPED)


class AnswerLimit:
    """Counts answers to messages by author and space, in the memory of one worker; its threads share it.

    A pair that was stopped is released ten minutes later, or when the worker is started again: then it is given at most
    ``MOST`` more answers until it is stopped again. What came meanwhile stays unanswered.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._answered: dict[tuple[str, str], dict[int, datetime]] = {}
        self._stopped: dict[tuple[str, str], datetime] = {}

    def stops(self, event: Event) -> bool:
        """Return True when a message must not be answered; what nobody wrote is never stopped."""
        if event.resource != MESSAGES:
            return False
        pair, now = _pair(event), self._now()
        at = event.received_at or now
        with self._lock:
            if self._stopped.get(pair, now) > now:
                return True
            before = self._answered.get(pair, {})
            # By when they came, so that what waited during an outage is no flood. A message tried again is one.
            recent = [one for one in before if one != event.id and abs(at - before[one]) < WITHIN]
            if len(recent) < MOST:
                return False
            self._stopped[pair] = now + PAUSE
            self._answered.pop(pair)
        log.warning("answers_stopped", answers=MOST, within_seconds=WITHIN.total_seconds())
        return True

    def count(self, event: Event) -> None:
        """Count an answer to a message."""
        if event.resource != MESSAGES:
            return
        pair, now = _pair(event), self._now()
        with self._lock:
            if len(self._answered) >= MOST_REMEMBERED:
                self._answered = {
                    one: kept for one, kept in self._answered.items() if max(kept.values()) > now - WITHIN
                }
            kept = self._answered.setdefault(pair, {})
            kept[event.id] = event.received_at or now
            if len(kept) > MOST:
                kept.pop(min(kept, key=lambda one: kept[one]))

    def check(self) -> Check:
        """Return the check that tells the people who run the bot, once however often it happens in a row."""
        return Check("answers_stopped", self._look, ANSWERING_EVERYWHERE, keep_firing_for=PAUSE)

    def _look(self) -> str | None:
        now = self._now()
        with self._lock:
            self._stopped = {pair: until for pair, until in self._stopped.items() if until > now}
            return TROUBLE if self._stopped else None


def _pair(event: Event) -> tuple[str, str]:
    return id_key(event.person_id or ""), id_key(event.room_id or "")
