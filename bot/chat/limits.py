"""How much one person may ask in a minute: so that nobody spends the calls that Webex allows the bot for everybody.

The door takes every event of Webex's; here, where it is known whose it is, and before Webex is asked anything, what is
too much is left out. Never silently: when the minute is over, its person is told 1:1 how many were left out, by a job
that the same transaction put, so a kill in between changes nothing. The counting itself is in memory, see
``docs/decisions/0005``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot import tasks
from bot.ledger import audit, events
from bot.ledger.audit import Door, Entry
from bot.ports import Target
from bot.webex_ids import id_key

if TYPE_CHECKING:
    from datetime import datetime

    from bot.chat.context import Context
    from bot.ledger.events import Event
    from bot.queue import Again

log = structlog.get_logger(__name__)

MOST_A_MINUTE: Final = 30
"""Messages and presses of one person: a message may name twenty reports, and nobody reads so many cards."""
MINUTE: Final = timedelta(minutes=1)
SETTLING: Final = timedelta(seconds=2)
"""After the minute's end, until what was left out at its very end is on record."""
MOST_PEOPLE: Final = 2000
"""Remembered at once; whose minute is over is forgotten then."""
COUNTED: Final = {"messages": Door.CHAT, "attachmentActions": Door.BUTTON}
"""What people do, and through which door. That somebody was added to a space is not their request."""


@dataclass(slots=True)
class _Minute:
    began: datetime
    taken: set[int] = field(default_factory=set)
    first_left_out: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An event that is too much."""

    first: int
    """The first one of that person's that was, in this minute."""
    until: datetime
    """When the minute is over."""


class Limits:
    """Counts each person's events; for one process, whose threads share it. ``most`` 0: nothing is too much.

    An event counts for the minute in which the door took it, not for that in which it is read: whoever asked thirty
    times in an hour in which no worker ran has not asked too much.
    """

    def __init__(self, most: int = MOST_A_MINUTE) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._people: dict[str, _Minute] = {}

    def check(self, person_id: str, event_id: int, at: datetime) -> LeftOut | None:
        """Count an event, once however often it is tried again. None: it may be carried out."""
        if not self.most:
            return None
        with self._lock:
            minute = self._minute_of(person_id, at)
            if event_id in minute.taken:
                return None
            if len(minute.taken) < self.most:
                minute.taken.add(event_id)
                return None
            if minute.first_left_out is None:
                minute.first_left_out = event_id
            return LeftOut(minute.first_left_out, minute.began + MINUTE)

    def _minute_of(self, person_id: str, at: datetime) -> _Minute:
        minute = self._people.get(person_id)
        if minute is None or minute.began + MINUTE <= at:
            if len(self._people) >= MOST_PEOPLE:
                self._people = {who: kept for who, kept in self._people.items() if kept.began + MINUTE > at}
            minute = self._people[person_id] = _Minute(at)
        return minute


def leave_out(context: Context, limits: Limits, event: Event) -> bool:
    """Settle an event that is too much as such, and have its person told when the minute is over. False: it is not."""
    door = COUNTED.get(event.resource)
    if door is None or not event.person_id:
        return False
    now = context.now()
    found = limits.check(id_key(event.person_id), event.id, event.received_at or now)
    if found is None:
        return False
    with context.store.begin() as tx:
        if events.settle(tx, event.id, events.LIMITED, str(found.first), now):
            where = audit.place(event.room_id, event.room_type)
            entry = Entry(door, audit.REQUEST, events.LIMITED, person_id=event.person_id, room_id=where)
            audit.record(tx, entry, now)
        # Put with each one, not only with the first: that one's own transaction may not have gone through.
        after = max(timedelta(), found.until - now) + SETTLING
        wait = after.total_seconds()
        context.queue.put(tx, tasks.SLOW_DOWN, str(found.first), person=event.person_key, after=wait, keep_time=True)
    log.info("left_out", resource=event.resource, first=found.first)
    return True


class SlowDown:
    """Tells a person what was left out in a minute."""

    def __init__(self, context: Context, limits: Limits) -> None:
        self._context = context
        self._most = limits.most

    def run(self, key: str) -> Again | None:
        """Say it 1:1: in a space, it would be one more message that nobody asked for."""
        with self._context.store.read() as tx:
            first = events.get(tx, int(key))
            number = events.left_out(tx, int(key))
        if first is None or not first.person_id or not number:
            return None
        things = "one of your requests" if number == 1 else f"{number} of your requests"
        self._context.outbox.say(
            f"limited:{key}:{number}",  # if more were left out after it was said, it is said again with all of them
            Target(person_id=first.person_id, direct=True),
            f"Slow down, please: I take {self._most} requests a minute from one person, so I left out {things}. "
            "Ask again for what is missing.",
        )
        return None

    def give_up(self, key: str, sentence: str) -> None:
        """Nobody else waits for it."""
        log.warning("person_not_told_of_limit", first=key, cause=sentence)
