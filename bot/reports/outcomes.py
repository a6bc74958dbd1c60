"""Act on how the requests and runs of a subscription or schedule ended: pause what cannot go on.

What is done follows from the rows alone, so the task may run at any moment and again.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import origins, outcomes
from bot.db.origin import OriginState, PauseCause, from_key
from bot.db.requests import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.outcomes import Outcome
    from bot.services import Services

log = structlog.get_logger(__name__)

MOST_FAILURES: Final = 5
"""Failures in a row after which it is paused."""
OF_THE_SPACE: Final = {"outsiders": PauseCause.OUTSIDERS, "members_unknown": PauseCause.SPACE_CLOSED}
"""Policy's reasons that are about the space, not about the owner."""


class Outcomes:
    """The task of outcomes; the key is ``schedule:7``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> None:
        """Pause it when its last outcomes call for that."""
        origin = from_key(key)
        with self._services.database.begin() as tx:
            found = origins.get(tx, origin)
            if found is None or found.state is not OriginState.ACTIVE:
                return
            since = found.resumed_at or found.created_at
            latest = [one for one in outcomes.latest(tx, origin, MOST_FAILURES) if one.closed_at >= since]
            failures = list(takewhile(lambda one: one.failed, latest))
            cause = cause_to_pause(failures)
            if cause is not None and origins.pause(tx, origin, cause, failures[0].reason):
                log.info("origin_paused", reference=found.reference, cause=cause.value)

    def on_failure(self, key: str, sentence: str) -> None:
        """Log that it could not be acted on."""
        log.error("outcome_not_acted_on", origin=key, sentence=sentence)


def cause_to_pause(failures: Sequence[Outcome]) -> PauseCause | None:
    """Return why failures in a row, the newest first, call for a pause; None when they do not. Pure."""
    if not failures:
        return None
    newest = failures[0]
    if newest.state is State.REFUSED:
        return OF_THE_SPACE.get(newest.cause, PauseCause.NOT_ALLOWED)
    return PauseCause.FAILURES if len(failures) >= MOST_FAILURES else None
