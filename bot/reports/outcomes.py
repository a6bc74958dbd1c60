"""Act on how the requests and runs of a subscription or schedule ended: pause what cannot go on, and tell it.

What is done follows from the rows alone, so the task may run at any moment and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import origins, outcomes
from bot.db.origin import PASSING, OriginState, PauseCause, from_key
from bot.db.requests import State
from bot.messages.outcomes import why
from bot.reports.origin_states import OF_THE_BOT, pause, resume_by_itself
from bot.reports.outcome_messages import OutcomeMessages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.outcomes import Outcome
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.services import Services

log = structlog.get_logger(__name__)

MOST_FAILURES: Final = 5
"""Failures in a row after which it is paused."""
OF_THE_SPACE: Final = {
    "outsiders": PauseCause.OUTSIDERS,
    "members_unknown": PauseCause.SPACE_CLOSED,
    "space_closed": PauseCause.SPACE_CLOSED,
    "one_to_one": PauseCause.SPACE_CLOSED,  # to a key: nothing is said there, since it is nobody's who may know
}
"""Reasons that are about the space, not about the owner."""


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures in a row, the newest first."""

    failures: Sequence[Outcome]
    since: datetime
    """Since when they are counted: the last success, or the resumption."""
    newest: Outcome | None
    """The last outcome of all since the resumption."""


class Outcomes:
    """The task of outcomes; the key is ``schedule:7``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._messages = OutcomeMessages(services, MOST_FAILURES)

    def run(self, key: str) -> None:
        """Pause or resume it when its last outcomes call for that, and tell what is to be told.

        Raises ``BotError`` that passes.
        """
        origin = from_key(key)
        with self._services.database.read() as tx:
            found = origins.get(tx, origin)
            if found is None or found.state is OriginState.ENDED:
                return
            streak = _streak(tx, found)
        if resumes(found, streak) or pauses(found, streak) is not None:
            with self._services.database.begin() as tx:
                found = self._change(tx, origins.get(tx, origin) or found)
                streak = _streak(tx, found)
        if found.state is OriginState.PAUSED:
            self._messages.tell_paused(found, streak.newest)
            return
        if found.pause_cause in PASSING:
            self._messages.tell_resumed(found)
        if streak.failures:
            self._messages.tell_failing(found, streak.failures[-1], streak.since)

    def on_failure(self, key: str, sentence: str) -> None:
        """Log that it could not be acted on."""
        log.error("outcome_not_acted_on", origin=key, sentence=sentence)

    def _change(self, tx: Transaction, found: Subscription | Schedule) -> Subscription | Schedule:
        """Change its state, if that is still called for; return it as it is then."""
        streak = _streak(tx, found)
        newest, cause = streak.newest, pauses(found, streak)
        if newest is not None and resumes(found, streak):
            resume_by_itself(tx, self._services, found, newest.closed_at)
            log.info("origin_resumed", reference=found.reference)
        elif newest is not None and cause is not None:
            reason = why(newest.cause) if is_refusal(newest) else newest.sentence
            pause(tx, self._services, found, cause, reason)
            log.info("origin_paused", reference=found.reference, cause=cause.value)
        return origins.get(tx, found.origin) or found


def _streak(tx: Transaction, found: Subscription | Schedule) -> Streak:
    since = found.resumed_at or found.created_at
    latest = [one for one in outcomes.latest(tx, found.origin, MOST_FAILURES) if one.closed_at >= since]
    failures = list(takewhile(lambda one: one.failed, latest))
    if len(failures) < len(latest):
        since = latest[len(failures)].closed_at
    return Streak(failures, since, latest[0] if latest else None)


def resumes(found: Subscription | Schedule, streak: Streak) -> bool:
    """Return True for one that waits, when policy and the space have let something pass again. Pure."""
    newest = streak.newest
    return found.waits and newest is not None and not is_refusal(newest) and newest.cause not in OF_THE_BOT


def pauses(found: Subscription | Schedule, streak: Streak) -> PauseCause | None:
    """Return why it is to be paused, or paused for another cause than it is; None when it is not. Pure."""
    cause = cause_to_pause(streak.failures)
    other = found.waits and cause is not found.pause_cause and not resumes(found, streak)
    return cause if found.state is OriginState.ACTIVE or other else None


def is_refusal(outcome: Outcome) -> bool:
    """Return True for what policy refuses until somebody changes something."""
    return outcome.cause in OF_THE_SPACE or (outcome.state is State.REFUSED and outcome.cause not in OF_THE_BOT)


def cause_to_pause(failures: Sequence[Outcome]) -> PauseCause | None:
    """Return why failures in a row, the newest first, call for a pause; None when they do not. Pure."""
    if not failures:
        return None
    newest = failures[0]
    if is_refusal(newest):
        return OF_THE_SPACE.get(newest.cause, PauseCause.NOT_ALLOWED)
    return PauseCause.FAILURES if len(failures) >= MOST_FAILURES else None
