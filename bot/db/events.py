"""Webhook events: each is one row, however often Webex delivers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from bot.db.tables import events
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction

NEW, DONE, IGNORED, FAILED = "new", "done", "ignored", "failed"
LIMITED = "limited"
"""Skipped, because its person asked too much in that minute; the outcome says whether they were told."""
NOT_TOLD, TOLD = "not told", "told"


@dataclass(frozen=True, slots=True)
class Event:
    """What the door kept of one event: ids only. Text and inputs are fetched when it is read."""

    resource: str
    event: str
    data_id: str
    room_id: str | None = None
    room_type: str | None = None
    person_id: str | None = None
    id: int = 0
    received_at: datetime | None = None
    state: str = NEW
    person_email: str | None = None
    """As the envelope names it; not kept."""

    @property
    def lock(self) -> str | None:
        """The queue's lock of its person in its space, whatever the spelling of their ids."""
        return f"{id_key(self.room_id)} {self.person_key}".rstrip() if self.room_id else None

    @property
    def person_key(self) -> str:
        """In whose turn the queue reads it: its person, whatever the spelling of the id."""
        return id_key(self.person_id) if self.person_id else ""


def record(tx: Transaction, event: Event, now: datetime) -> int | None:
    """Keep the event and give its row's id, or None when it is there already."""
    return tx.insert_once(
        events,
        {
            "resource": event.resource,
            "event": event.event,
            "data_id": event.data_id,
            "room_id": event.room_id,
            "room_type": event.room_type,
            "person_id": event.person_id,
            "received_at": now,
            "state": NEW,
        },
        conflict=["resource", "event", "data_id"],
    )


def get(tx: Transaction, event_id: int) -> Event | None:
    """The event of that row."""
    row = tx.execute(select(events).where(events.c.id == event_id)).one_or_none()
    if row is None:
        return None
    return Event(
        id=row.id,
        resource=row.resource,
        event=row.event,
        data_id=row.data_id,
        room_id=row.room_id,
        room_type=row.room_type,
        person_id=row.person_id,
        received_at=row.received_at,
        state=row.state,
    )


def is_known(tx: Transaction, resource: str, event: str, data_id: str) -> bool:
    """Whether the event is there already."""
    where = (events.c.resource == resource, events.c.event == event, events.c.data_id == data_id)
    return tx.execute(select(events.c.id).where(*where)).first() is not None


def confirm(tx: Transaction, event: Event) -> bool:
    """Put what Webex says of an event in place of what the event said. False: the same one has a row already."""
    same = (events.c.resource == event.resource, events.c.event == event.event, events.c.data_id == event.data_id)
    if tx.execute(select(events.c.id).where(*same, events.c.id != event.id)).first() is not None:
        return False
    fetched = {
        "data_id": event.data_id,
        "room_id": event.room_id,
        "room_type": event.room_type,
        "person_id": event.person_id,
    }
    tx.execute(update(events).where(events.c.id == event.id, events.c.state == NEW).values(fetched))
    return True


def forget_place(tx: Transaction, event_id: int) -> None:
    """Take out where an event that was not read says that it happened: nobody knows whether that is so."""
    tx.execute(update(events).where(events.c.id == event_id).values(room_id=None, room_type=None))


def settle(tx: Transaction, event_id: int, state: str, outcome: str, now: datetime) -> bool:
    """Say what became of a new event. False: it was said before, and the first word stays."""
    settled = tx.execute(
        update(events)
        .where(events.c.id == event_id, events.c.state == NEW)
        .values(state=state, outcome=outcome, settled_at=now)
    )
    return settled.rowcount == 1


def not_told(tx: Transaction) -> list[Event]:
    """Return the events over the limit whose people were not told yet, oldest first."""
    rows = select(events.c.id).where(events.c.state == LIMITED, events.c.outcome == NOT_TOLD).order_by(events.c.id)
    found = (get(tx, event_id) for event_id in tx.execute(rows).scalars().all())
    return [event for event in found if event is not None]


def mark_told(tx: Transaction, event_ids: Collection[int]) -> None:
    """Store that the people of these events were told."""
    tx.execute(update(events).where(events.c.id.in_(event_ids)).values(outcome=TOLD))


def end(tx: Transaction, where: ColumnElement[bool], outcome: str, now: datetime) -> list[int]:
    """Settle as ignored the new events for which this holds; gives their rows."""
    ended = update(events).where(events.c.state == NEW, where)
    return list(
        tx.execute(ended.values(state=IGNORED, outcome=outcome, settled_at=now).returning(events.c.id)).scalars()
    )


def unsettled(tx: Transaction, before: datetime, limit: int = 500) -> list[Event]:
    """New events that were received before a time, oldest first: for the sweep."""
    rows = tx.execute(
        select(events.c.id)
        .where(events.c.state == NEW, events.c.received_at < before)
        .order_by(events.c.id)
        .limit(limit)
    ).all()
    found = (get(tx, row.id) for row in rows)
    return [event for event in found if event is not None]
