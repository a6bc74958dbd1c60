"""Webhook events: each is one row, however often Webex delivers it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, exists, select, update

from bot import metrics
from bot.db import space_settings
from bot.db.space_settings import ANY_EXIST, SpaceSettings
from bot.db.tables import events, messages
from bot.db.trace_ids import trace_id
from bot.metrics import FAILURE, HALTED, SUCCESS
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from bot.db.database import Transaction

NEW, DONE, IGNORED, FAILED = "new", "done", "ignored", "failed"
LIMITED = "limited"
"""Skipped, because its person asked too much in that minute; the outcome says whether they were told."""
NOT_TOLD, TOLD = "not told", "told"
KEY: Final = ("resource", "event", "data_id")
"""The columns of which no two events have the same."""
OUTCOMES: Final = {DONE: SUCCESS, IGNORED: HALTED, LIMITED: HALTED, FAILED: FAILURE}
"""How the metrics count what became of an event."""


_row = events.c.id == bindparam("row")
_GET = select(events).where(_row)
_is_own = exists().where(messages.c.message_id == events.c.data_id).label("is_own")
_GET_TO_HANDLE = select(events, _is_own, ANY_EXIST.label("settings_exist")).where(_row)
_SAME = select(events.c.id).where(
    events.c.resource == bindparam("resource"),
    events.c.event == bindparam("event"),
    events.c.data_id == bindparam("data_id"),
)
_UPDATE_NEW = update(events).where(_row, events.c.state == NEW)
_FORGET_PLACE = update(events).where(_row).values(room_id=None, room_type=None)


@dataclass(frozen=True, slots=True)
class Event:
    """What the database has of one event: IDs only. Text and inputs are fetched when it is read."""

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
    """As the envelope names it; not stored."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what is the same each time that Webex delivers it."""
        return self.resource, self.event, self.data_id

    @property
    def lock(self) -> str | None:
        """Return the queue's lock of its person in its space, whatever the spelling of their IDs."""
        return f"{id_key(self.room_id)} {self.person_key}".rstrip() if self.room_id else None

    @property
    def trace_id(self) -> str:
        """Return by which the log's lines about it are found."""
        return trace_id(f"{self.resource}:{self.data_id}")

    @property
    def person_key(self) -> str:
        """Return in whose turn the queue reads it: its person, whatever the spelling of the ID."""
        return id_key(self.person_id) if self.person_id else ""


def row_of(event: Event, received_at: datetime) -> dict[str, Any]:
    """Return the event as a new row."""
    return {
        "resource": event.resource,
        "event": event.event,
        "data_id": event.data_id,
        "room_id": event.room_id,
        "room_type": event.room_type,
        "person_id": event.person_id,
        "received_at": received_at,
        "state": NEW,
    }


def record(tx: Transaction, event: Event, now: datetime) -> int | None:
    """Store the event and return its row's ID, or None when it is there already."""
    return tx.insert_once(events, row_of(event, now), KEY)


def get(tx: Transaction, event_id: int) -> Event | None:
    """Return the event of that row."""
    return tx.first(_read, _GET, {"row": event_id})


def get_to_handle(tx: Transaction, event_id: int) -> tuple[Event, bool, SpaceSettings] | None:
    """Return the event of that row, True when its ID is that of a message that the bot sent, and the space's settings.

    The space is the one that the event names.
    """
    row = tx.execute(_GET_TO_HANDLE, {"row": event_id}).one_or_none()
    if row is None:
        return None
    chosen = space_settings.get(tx, row.room_id) if row.settings_exist and row.room_id else SpaceSettings()
    return _read(row), bool(row.is_own), chosen


def _read(row: Row[Any]) -> Event:
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
    """Return True when the event is there already."""
    return tx.execute(_SAME, {"resource": resource, "event": event, "data_id": data_id}).first() is not None


def confirm(tx: Transaction, event: Event) -> bool:
    """Put what Webex says of an event in place of what the event said. False: the same one has a row already."""
    same = {"resource": event.resource, "event": event.event, "data_id": event.data_id}
    if any(row.id != event.id for row in tx.execute(_SAME, same)):
        return False
    fetched = {
        "data_id": event.data_id,
        "room_id": event.room_id,
        "room_type": event.room_type,
        "person_id": event.person_id,
    }
    tx.execute(_UPDATE_NEW, {"row": event.id, **fetched})
    return True


def forget_place(tx: Transaction, event_id: int) -> None:
    """Remove where an event that was not read says that it happened: nobody knows whether that is so."""
    tx.execute(_FORGET_PLACE, {"row": event_id})


def settle(tx: Transaction, event_id: int, state: str, outcome: str, now: datetime) -> bool:
    """Store what became of a new event. False: that was stored before, and stays."""
    settled = tx.execute(_UPDATE_NEW, {"row": event_id, "state": state, "outcome": outcome, "settled_at": now})
    if settled.rowcount != 1:
        return False
    tx.after_commit(partial(metrics.event_settled, OUTCOMES[state]))
    return True


def not_told(tx: Transaction) -> list[Event]:
    """Return the events over the limit whose people were not told yet, oldest first."""
    rows = select(events.c.id).where(events.c.state == LIMITED, events.c.outcome == NOT_TOLD).order_by(events.c.id)
    found = (get(tx, event_id) for event_id in tx.execute(rows).scalars().all())
    return [event for event in found if event is not None]


def mark_told(tx: Transaction, event_ids: Collection[int]) -> None:
    """Store that the people of these events were told."""
    tx.execute(update(events).where(events.c.id.in_(event_ids)).values(outcome=TOLD))


def end(tx: Transaction, where: ColumnElement[bool], outcome: str, now: datetime) -> list[int]:
    """Settle as ignored the new events for which this holds; return their rows."""
    ended = update(events).where(events.c.state == NEW, where)
    return list(
        tx.execute(ended.values(state=IGNORED, outcome=outcome, settled_at=now).returning(events.c.id)).scalars()
    )


def unsettled(tx: Transaction, before: datetime, limit: int = 500) -> list[Event]:
    """Return new events that were received before a time, oldest first: for the maintenance."""
    rows = tx.execute(
        select(events.c.id)
        .where(events.c.state == NEW, events.c.received_at < before)
        .order_by(events.c.id)
        .limit(limit)
    ).all()
    found = (get(tx, row.id) for row in rows)
    return [event for event in found if event is not None]
