"""Outbound events: one row for each webhook that is told, written by the transaction that the event tells of.

    pending ──▶ delivered · failed

A failed one becomes pending again when it is replayed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, exists, func, select, update

from bot.db import api_tables

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction
    from bot.db.webhooks import EventType, Webhook

LONGEST_ANSWER: Final = 2048
"""Characters of a receiver's answer that are stored."""

_events = api_tables.outbound_events.c
_NAMES = tuple(column.name for column in _events)


class EventState(StrEnum):
    """State of an outbound event."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


_PENDING = (_events.webhook_id == bindparam("webhook"), _events.state == EventState.PENDING.value)
_NEXT = select(api_tables.outbound_events).where(*_PENDING).order_by(_events.next_at, _events.id).limit(1)


@dataclass(frozen=True, slots=True)
class OutboundEvent:
    """One event for one webhook."""

    id: int
    event_id: str
    """The receiver's ``webhook-id``, the same at each attempt."""
    webhook_id: int
    type: str
    payload: str
    """The body, to the letter."""
    state: EventState
    attempts: int
    next_at: datetime
    last_at: datetime | None
    last_status: int | None
    """The HTTP status of the last answer; None when there was none."""
    answer: str | None
    """The beginning of the last answer, or why there was none."""
    created_at: datetime


def _read(row: Any) -> OutboundEvent:
    values = {name: getattr(row, name) for name in _NAMES}
    return OutboundEvent(**values | {"state": EventState(values["state"])})


@dataclass(frozen=True, slots=True)
class Happening:
    """What is told."""

    type: EventType
    about: str
    """Names what happened: the same is told a webhook once."""
    data: dict[str, Any]
    at: datetime

    def event_id(self, webhook: Webhook) -> str:
        """Return the ID of its event for a webhook, always the same."""
        named = f"{webhook.reference}:{self.type.value}:{self.about}"
        return f"evt_{hashlib.sha256(named.encode()).hexdigest()[:32]}"

    @property
    def payload(self) -> str:
        """Return the body of its event."""
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return json.dumps({"type": self.type.value, "timestamp": at, "data": self.data}, separators=(",", ":"))


def add(tx: Transaction, webhook: Webhook, what: Happening) -> str:
    """Insert an event unless it was inserted before, and return its ID."""
    made = what.event_id(webhook)
    values = {
        "event_id": made,
        "webhook_id": webhook.id,
        "type": what.type.value,
        "payload": what.payload,
        "next_at": what.at,
        "created_at": what.at,
    }
    tx.insert_once(api_tables.outbound_events, values, conflict=["event_id"])
    return made


def get(tx: Transaction, wanted: str) -> OutboundEvent | None:
    """Return the event with an ID."""
    return tx.first(_read, select(api_tables.outbound_events).where(_events.event_id == wanted))


def first(tx: Transaction, webhook_id: int) -> OutboundEvent | None:
    """Return the pending event of a webhook that is to be sent next, be that now or later."""
    return tx.first(_read, _NEXT, {"webhook": webhook_id})


def latest(tx: Transaction, webhook_id: int, most: int) -> list[OutboundEvent]:
    """Return the newest events of a webhook, at most so many."""
    query = select(api_tables.outbound_events).where(_events.webhook_id == webhook_id).order_by(_events.id.desc())
    return [_read(row) for row in tx.execute(query.limit(most))]


def last_tried(tx: Transaction, webhook_id: int) -> OutboundEvent | None:
    """Return the event of a webhook that was sent, or tried, last."""
    query = select(api_tables.outbound_events).where(_events.webhook_id == webhook_id, _events.last_at.is_not(None))
    return tx.first(_read, query.order_by(_events.last_at.desc(), _events.id.desc()).limit(1))


def set_values(tx: Transaction, row: int, **values: Any) -> None:
    """Change columns of one event."""
    tx.execute(update(api_tables.outbound_events).where(_events.id == row).values(**values))


def are_failing(tx: Transaction, webhook_id: int) -> bool:
    """Return True when a pending event of a webhook was tried and not taken."""
    failing = exists().where(*_PENDING, _events.attempts > 0)
    return bool(tx.execute(select(failing), {"webhook": webhook_id}).scalar())


def was_taken_since(tx: Transaction, webhook_id: int, since: datetime) -> bool:
    """Return True when a webhook has taken an event since then."""
    delivered = (_events.webhook_id == webhook_id, _events.state == EventState.DELIVERED.value)
    return bool(tx.execute(select(exists().where(*delivered, _events.last_at >= since))).scalar())


def give_up(tx: Transaction, webhook_id: int) -> None:
    """Send no more of what is pending for a webhook."""
    pending = (_events.webhook_id == webhook_id, _events.state == EventState.PENDING.value)
    tx.execute(update(api_tables.outbound_events).where(*pending).values(state=EventState.FAILED.value))


def send_again(tx: Transaction, now: datetime, *where: ColumnElement[bool]) -> int:
    """Make events pending, with all their attempts, and return their number."""
    again = {"state": EventState.PENDING.value, "attempts": 0, "next_at": now}
    return tx.execute(update(api_tables.outbound_events).where(*where).values(**again)).rowcount


def recover(tx: Transaction, webhook_id: int, since: datetime, now: datetime) -> int:
    """Have sent again, now, what a webhook has not taken since a time; return the number of these events."""
    missed = (_events.state != EventState.DELIVERED.value, _events.created_at >= since)
    return send_again(tx, now, _events.webhook_id == webhook_id, *missed)


def replay(tx: Transaction, event: OutboundEvent, now: datetime) -> None:
    """Have one event sent again, now, also when it was taken."""
    send_again(tx, now, _events.id == event.id)


def pending(tx: Transaction) -> list[int]:
    """Return the webhooks for which something is pending."""
    query = select(_events.webhook_id).where(_events.state == EventState.PENDING.value).distinct()
    return list(tx.execute(query).scalars())


def count_pending(tx: Transaction, webhook_id: int) -> int:
    """Return how many events wait to be sent to a webhook."""
    counted = select(func.count()).select_from(api_tables.outbound_events).where(*_PENDING)
    return int(tx.execute(counted, {"webhook": webhook_id}).scalar_one())
