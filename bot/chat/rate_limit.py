"""How much one person may ask in a minute: so that nobody uses up the calls that Webex allows the bot for everybody.

The door takes every event of Webex's; here, before Webex is asked anything, what is too much is left out. When the
minute is over, its person is told 1:1 how many were left out, by a job that the same transaction puts, so a kill in
between changes nothing. What counts is read from the ledger, see ``docs/decisions/0005``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.chat.invocation import is_replayed
from bot.db import audit, events, recent_requests
from bot.db.audit import Door, Entry
from bot.db.recent_requests import MINUTE
from bot.errors import WebexError
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

MOST_A_MINUTE: Final = 30
"""Requests of one person."""
MOST_REFUSED: Final = 5
"""Requests of a person who was just refused, or whose messages cannot be read."""
MOST_WELCOMES: Final = 10
"""Spaces a minute to which the bot is added and in which it introduces itself."""
MOST_FETCHED: Final = 3
"""Events of those left out that are fetched, to know whether the person that they name sent them."""
SETTLING: Final = timedelta(seconds=2)
"""After the minute's end, until what was left out at its very end is on record."""
COUNTED: Final = {"messages": Door.CHAT, "attachmentActions": Door.BUTTON}
"""What people do, and through which door."""
ADDED: Final = "memberships"
"""Somebody was added to a space: the bot says something when that is itself. Nobody is told what was left out."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests a minute are answered; ``most`` 0: all.

    An event counts for the minute before the door took it, not for that in which it is read: a person who asked
    thirty times in an hour in which no worker ran has not asked too much.
    """

    most: int = MOST_A_MINUTE

    def first_left_out(self, tx: Transaction, event: Event, now: datetime) -> int | None:
        """Return the first event that was left out in this minute, which may be this one. None: it may be answered."""
        at = event.received_at or now
        people = recent_requests.spellings(tx, event.person_id or "", at - MINUTE, at)
        most = MOST_WELCOMES if event.resource == ADDED else self.of(tx, people, now)
        if recent_requests.taken(tx, event, at, people, most) < most:
            return None
        return recent_requests.first_left_out(tx, event, at, people) or event.id

    def of(self, tx: Transaction, people: list[str], now: datetime) -> int:
        """Return how many requests of this person are answered in a minute."""
        return min(self.most, MOST_REFUSED) if recent_requests.was_refused(tx, people, now) else self.most


def leave_out(services: Services, limits: Limits, event: Event) -> bool:
    """Settle an event that is too much as such, and have its person told when the minute is over. False: it is not."""
    door = COUNTED.get(event.resource)
    if not limits.most or (door is None and event.resource != ADDED) or not event.person_id:
        return False
    now = services.now()
    with services.database.read() as tx:
        first = limits.first_left_out(tx, event, now)
    if first is None:
        return False
    with services.database.begin() as tx:
        if events.settle(tx, event.id, events.LIMITED, str(first), now) and door is not None:
            where = audit.place(event.room_id, event.room_type)
            entry = Entry(door, audit.REQUEST, events.LIMITED, person_id=event.person_id, room_id=where)
            audit.record(tx, entry, now)
            events.forget_place(tx, event.id)
        if door is not None:
            # Put with each one, not only with the first: that one's own transaction may not have gone through.
            began = events.get(tx, first) or event
            after = max(timedelta(), (began.received_at or now) + MINUTE - now) + SETTLING
            wait = after.total_seconds()
            services.queue.put(tx, tasks.SLOW_DOWN, str(first), person=event.person_key, after=wait, if_absent=True)
    log.info("left_out", resource=event.resource, first=first)
    return True


class SlowDown:
    """Tells a person what was left out in a minute."""

    def __init__(self, services: Services, limits: Limits) -> None:
        self._services = services
        self._limits = limits

    def run(self, key: str) -> RetryLater | None:
        """Say it 1:1: in a space, it would be one more message that nobody asked for."""
        now = self._services.now()
        with self._services.database.read() as tx:
            first = events.get(tx, int(key))
            number = events.left_out(tx, int(key))
            some = events.some_left_out(tx, int(key), MOST_FETCHED)
        if first is None or not first.person_id or not any(map(self._is_theirs, some)):
            return None
        with self._services.database.read() as tx:
            most = self._limits.of(tx, recent_requests.spellings(tx, first.person_id, now - 2 * MINUTE, now), now)
        things = "one of your requests" if number == 1 else f"{number} of your requests"
        self._services.outbox.send(
            f"limited:{key}:{number}",  # if more were left out after it was said, it is said again with all of them
            Target(person_id=first.person_id, direct=True),
            f"Slow down, please: I take {most} requests a minute from one person, so I left out {things}. "
            "Ask again for what is missing.",
        )
        return None

    def _is_theirs(self, event: Event) -> bool:
        """Return True when Webex says, too, that this person sent what was left out."""
        chat = self._services.chat
        fetch = chat.message if event.resource == "messages" else chat.action
        try:
            sent = fetch(event.data_id)
        except WebexError as error:
            if error.passing:
                raise
            return False
        return same_id(sent.person_id, event.person_id) and not is_replayed(event, sent.created)

    def on_failure(self, key: str, sentence: str) -> None:
        """Nobody else waits for it."""
        log.warning("person_not_told_of_limit", first=key, cause=sentence)
