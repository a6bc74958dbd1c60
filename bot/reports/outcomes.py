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
}
"""Reasons that are about the space, not about the owner."""


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures in a row, the newest first, and since when it is counted: the last success, or the resumption."""

    failures: Sequence[Outcome]
    since: datetime


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
        with self._services.database.begin() as tx:
            found = origins.get(tx, origin)
            if found is None or found.state is OriginState.ENDED:
                return
            found, streak = self._act(tx, found)
        newest = streak.failures[0] if streak.failures else None
        if found.state is OriginState.PAUSED:
            self._messages.tell_paused(found, newest)
            return
        if found.pause_cause in PASSING:
            self._messages.tell_resumed(found)
        if newest is not None:
            self._messages.tell_failing(found, streak.failures[-1], streak.since)

    def on_failure(self, key: str, sentence: str) -> None:
        """Log that it could not be acted on."""
        log.error("outcome_not_acted_on", origin=key, sentence=sentence)

    def _act(self, tx: Transaction, found: Subscription | Schedule) -> tuple[Subscription | Schedule, Streak]:
        """Change its state; return it as it is then."""
        streak, newest = _streak(tx, found)
        cause = cause_to_pause(streak.failures)
        if found.waits and newest is not None and not is_refusal(newest) and newest.cause not in OF_THE_BOT:
            # Policy and the space have let it pass.
            resume_by_itself(tx, self._services, found, newest.closed_at)
            log.info("origin_resumed", reference=found.reference)
        elif cause is not None and (found.state is OriginState.ACTIVE or (found.waits and cause != found.pause_cause)):
            pause(tx, self._services, found, cause, _reason(streak.failures[0]))
            log.info("origin_paused", reference=found.reference, cause=cause.value)
        else:
            return found, streak
        changed = origins.get(tx, found.origin)
        assert changed is not None
        return changed, _streak(tx, changed)[0]


def _streak(tx: Transaction, found: Subscription | Schedule) -> tuple[Streak, Outcome | None]:
    """Return the failures in a row, and the newest outcome of all since the last resumption."""
    since = found.resumed_at or found.created_at
    latest = [one for one in outcomes.latest(tx, found.origin, MOST_FAILURES) if one.closed_at >= since]
    failures = list(takewhile(lambda one: one.failed, latest))
    if len(failures) < len(latest):
        since = latest[len(failures)].closed_at
    return Streak(failures, since), latest[0] if latest else None


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


def _reason(newest: Outcome) -> str:
    return why(newest.cause) if is_refusal(newest) else newest.sentence
