"""Limit how much one person may ask in a minute, so that nobody uses up the calls that Webex allows the bot for all.

The web process takes every event; here, before Webex is asked anything, what is over the limit is settled as such. When
the minute is over, its person is told directly how many were skipped. See ``docs/decisions/0005``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.chat.invocation import CHANNELS, entry_of, is_replayed
from bot.db import audit, events, recent_requests
from bot.db.recent_requests import MINUTE
from bot.errors import WebexError
from bot.messages.sentences import over_limit
from bot.queue import tasks
from bot.webex.ids import same_id
from bot.webex.types import Target

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.events import Event
    from bot.queue import RetryLater
    from bot.services import Services

log = structlog.get_logger(__name__)

MOST_REFUSED: Final = 5
"""Requests a minute of a person who was just refused, or whose messages cannot be read."""
MOST_WELCOMES: Final = 10
"""Spaces a minute to which the bot is added and in which it introduces itself."""
MOST_FETCHED: Final = 3
"""Skipped events that are fetched, to know whether the person that they name sent them."""
ADDED: Final = "memberships"
"""Someone was added to a space: the bot says something when that is itself. Nobody is told what was skipped."""


def check(services: Services, event: Event) -> bool:
    """Return True when an event is within the limit; skip one that is not."""
    with services.database.read() as tx:
        within = is_within(tx, services, event)
    if not within:
        skip(services, event)
    return within


def is_within(tx: Transaction, services: Services, event: Event) -> bool:
    """Return True when an event is within the limit.

    An event counts for the minute before it was received, not for that in which it is read: a person who asked thirty
    times in an hour in which no worker ran has not asked too much.
    """
    most = services.settings.requests_per_minute
    if not most or event.resource not in {*CHANNELS, ADDED} or not event.person_id:
        return True
    now = services.now()
    at = event.received_at or now
    people = recent_requests.people_before(tx, event, at)
    taken = recent_requests.taken(tx, event, at, people) if people else 0
    if event.resource == ADDED:
        return taken < MOST_WELCOMES
    return taken < min(most, MOST_REFUSED) or taken < _limit(tx, most, people, now)


def skip(services: Services, event: Event) -> None:
    """Settle an event over the limit, and have its person told when the minute is over."""
    by_person, now = event.resource in CHANNELS, services.now()
    with services.database.begin() as tx:
        told = events.NOT_TOLD if by_person else events.TOLD
        if events.settle(tx, event.id, events.LIMITED, told, now) and by_person:
            audit.record(tx, entry_of(event, events.LIMITED), now)
            events.forget_place(tx, event.id)
            person, wait = event.person_key, MINUTE.total_seconds()
            services.queue.put(tx, tasks.RATE_NOTICE, person, person=person, after=wait, if_absent=True)
        services.queue.finish(tx)
    log.info("over_rate_limit", resource=event.resource)


def _limit(tx: Transaction, most: int, people: list[str], now: datetime) -> int:
    """Return how many requests of this person are answered in a minute."""
    return min(most, MOST_REFUSED) if recent_requests.was_refused(tx, people, now) else most


class RateNotice:
    """The task that tells a person how many requests were skipped; the key is the person's."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> RetryLater | None:
        """Tell it directly: in a space, it would be one more message that nobody asked for."""
        services, now = self._services, self._services.now()
        with services.database.read() as tx:
            skipped = [one for one in events.not_told(tx) if same_id(one.person_id, key)]
            people = list({one.person_id or "" for one in skipped})
            most = _limit(tx, services.settings.requests_per_minute, people, now)
        if skipped and any(map(self._is_theirs, skipped[:MOST_FETCHED])):
            target = Target(person_id=skipped[0].person_id, direct=True)
            services.outbox.send(f"rate-limit:{skipped[-1].id}", target, over_limit(most, len(skipped)))
        with services.database.begin(durable=False) as tx:
            events.mark_told(tx, [one.id for one in skipped])
        return None

    def _is_theirs(self, event: Event) -> bool:
        """Return True when Webex says, too, that this person sent what was skipped."""
        chat = self._services.chat
        fetch = chat.message if event.resource == "messages" else chat.action
        try:
            sent = fetch(event.data_id)
        except WebexError as error:
            if error.passing:
                raise
            return False
        return same_id(sent.person_id, event.person_id) and not is_replayed(event, sent.created)

    def on_failure(self, key: str, sentence: str) -> None:  # noqa: ARG002 it says who the person is
        """Log it: nobody else waits for it."""
        log.warning("rate_notice_failed", cause=sentence)
