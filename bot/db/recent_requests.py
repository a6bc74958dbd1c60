"""What a person has asked lately: the events of a minute, the requests in them, and whether they were refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, case, func, select

from bot.db.audit import Channel
from bot.db.events import LIMITED
from bot.db.tables import audit, events, requests
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.events import Event

LAST: Final = 5
"""A person's last requests by which it is judged whether they were just refused."""
MINUTE: Final = timedelta(minutes=1)
JUST: Final = timedelta(minutes=10)
"""For how long someone counts as just refused."""
NO_ONE_OF_OURS: Final = frozenset({"refused:other_organization", "refused:not_administrator"})
"""Outcomes of requests of people who may have nothing, whatever they ask for and wherever."""
REQUESTS: Final = ("messages", "attachmentActions")
"""Resources of the events that are requests."""
UNREADABLE: Final = frozenset({"failed:webex_404"})
"""The outcome of a message that was deleted before it could be read, which costs more calls than one that is read."""


_event = events.c
_recent = and_(
    _event.received_at > bindparam("since"),
    _event.received_at <= bindparam("until"),
    _event.id < bindparam("before"),
)
_PEOPLE = select(_event.person_id).where(_recent).distinct()
_key = _event.resource + ":" + _event.data_id
_reports = (
    select(func.count())
    .select_from(requests)
    .where(requests.c.event_key.between(_key + ":", _key + ";"))  # the letter behind the colon
    .scalar_subquery()
)
_TAKEN = select(func.coalesce(func.sum(case((_reports > 1, _reports), else_=1)), 0)).where(
    _recent,
    # Not the bare column, or SQLite reads all events of that resource by its index instead of those of the minute.
    (_event.resource + "").in_(bindparam("resources", expanding=True)),
    _event.person_id.in_(bindparam("people", expanding=True)),
    _event.state != LIMITED,
)
_LAST = (
    select(audit.c.at, audit.c.outcome)
    .where(
        audit.c.person_id == bindparam("person"), audit.c.channel != Channel.SYSTEM.value, audit.c.outcome != LIMITED
    )
    .order_by(audit.c.id.desc())
    .limit(LAST)
)


def people_before(tx: Transaction, event: Event, at: datetime) -> list[str]:
    """Return the ID of an event's person in each spelling in the events of the minute before it; none without any."""
    found = tx.execute(_PEOPLE, {"since": at - MINUTE, "until": at, "before": event.id}).scalars()
    return [one for one in found if one and same_id(one, event.person_id)]


def taken(tx: Transaction, event: Event, at: datetime, people: Collection[str]) -> int:
    """Count the requests of the minute before this one that were not over the limit.

    A message or a press is one, or as many as it asks for reports.
    """
    values = {
        "since": at - MINUTE,
        "until": at,
        "before": event.id,
        "resources": REQUESTS if event.resource in REQUESTS else [event.resource],
        "people": list(people),
    }
    return int(tx.execute(_TAKEN, values).scalar_one())


def was_refused(tx: Transaction, people: Collection[str], now: datetime) -> bool:
    """Return True for someone who may have nothing, or whose message could not be read, by their last requests."""
    return any(
        row.at > now - JUST and row.outcome in NO_ONE_OF_OURS | UNREADABLE
        for one in people
        for row in tx.execute(_LAST, {"person": one})
    )
