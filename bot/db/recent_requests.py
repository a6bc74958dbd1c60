"""What a person has asked lately: the events of a minute, the requests in them, and whether they were refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select

from bot.db.audit import Door
from bot.db.events import LIMITED
from bot.db.tables import audit, events, requests
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction
    from bot.db.events import Event

LAST: Final = 5
"""A person's last requests by which it is judged whether they were just refused."""
MINUTE: Final = timedelta(minutes=1)
JUST: Final = timedelta(minutes=10)
"""For how long somebody counts as just refused."""
NO_ONE_OF_OURS: Final = frozenset({"refused:other_organization", "refused:not_administrator"})
"""Outcomes of requests of people who may have nothing, whatever they ask for and wherever."""
REQUESTS: Final = ("messages", "attachmentActions")
"""Resources of the events that are requests."""
UNREADABLE: Final = frozenset({"failed:webex_404"})
"""The outcome of a message that was deleted before it could be read, which costs more calls than one that is read."""


def spellings(tx: Transaction, person_id: str, since: datetime, until: datetime) -> list[str]:
    """Return the id of a person as the events of that time spell it."""
    there = select(events.c.person_id).where(events.c.received_at > since, events.c.received_at <= until).distinct()
    return [person_id, *(one for one in tx.execute(there).scalars() if one != person_id and same_id(one, person_id))]


def _before(event: Event, at: datetime, people: Collection[str]) -> ColumnElement[bool]:
    """Events of these people and of the same kind, in the minute before an event."""
    # Not the bare column, or SQLite reads all events of that resource by its index instead of those of the minute.
    resource = events.c.resource + ""
    return (
        (events.c.received_at > at - MINUTE)
        & (events.c.received_at <= at)
        & (events.c.id < event.id)
        & resource.in_(REQUESTS if event.resource in REQUESTS else [event.resource])
        & events.c.person_id.in_(people)
    )


def taken(tx: Transaction, event: Event, at: datetime, people: Collection[str]) -> int:
    """Count the requests of the minute before this one that were not over the limit.

    A message or a press is one, or as many as it asks for reports.
    """
    key = events.c.resource + ":" + events.c.data_id
    asked = (
        select(func.count())
        .select_from(requests)
        .where(requests.c.event_key.between(key + ":", key + ";"))  # the letter behind the colon
        .scalar_subquery()
    )
    number = select(func.coalesce(func.sum(case((asked > 1, asked), else_=1)), 0))
    return int(tx.execute(number.where(_before(event, at, people), events.c.state != LIMITED)).scalar_one())


def was_refused(tx: Transaction, people: Collection[str], now: datetime) -> bool:
    """Return True for somebody who may have nothing, or whose message could not be read, by their last requests."""
    for one in people:
        rows = select(audit.c.at, audit.c.outcome).where(
            audit.c.person_id == one, audit.c.door != Door.SYSTEM.value, audit.c.outcome != LIMITED
        )
        for row in tx.execute(rows.order_by(audit.c.id.desc()).limit(LAST)):
            if row.at > now - JUST and row.outcome in NO_ONE_OF_OURS | UNREADABLE:
                return True
    return False
