"""Webhooks that other systems have registered for outbound events, each with a key of the HTTP API.

One whose key is revoked hears nothing any more. For one that is disabled, events are stored and given up at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, exists, func, select, update

from bot.db import api_keys, api_tables

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.api_keys import ApiKey
    from bot.db.database import Transaction

TWO_SECRETS: Final = timedelta(days=1)
"""How long the secret before a rotation still signs."""

_webhooks = api_tables.webhooks.c
_NAMES = tuple(column.name for column in _webhooks)
_ROWS = select(api_tables.webhooks).order_by(_webhooks.id)
_GET = _ROWS.where(_webhooks.id == bindparam("row"))


ANY_EXIST: Final = exists(select(_webhooks.id))
"""The condition that some webhook is registered: statements that are made for each request ask it, to save another."""


class EventType(StrEnum):
    """What outbound events tell."""

    REPORT_READY = "report.ready"
    DELIVERED = "delivery.delivered"
    FAILED = "delivery.failed"
    PAUSED = "schedule.paused"
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook."""

    id: int
    reference: str
    """Its ID in the API."""
    key_id: int
    url: str
    events: str
    """The types that it hears, with commas."""
    secret_number: int
    """Its secret is made of this number and the reference; a rotation raises it."""
    rotated_at: datetime | None
    failing_since: datetime | None
    """When the first of the events failed that it has not taken yet."""
    not_before: datetime | None
    """It is left alone until then."""
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime

    def hears(self, kind: EventType) -> bool:
        """Return True when it is told events of this type."""
        return kind is EventType.TEST or kind.value in self.events.split(",")

    def secret_numbers(self, now: datetime) -> list[int]:
        """Return the numbers of the secrets that sign now, the newest first."""
        rotating = self.rotated_at is not None and now - self.rotated_at < TWO_SECRETS
        return [self.secret_number, self.secret_number - 1] if rotating else [self.secret_number]


def _read(row: Any) -> Webhook:
    return Webhook(**{name: getattr(row, name) for name in _NAMES})


def add(tx: Transaction, webhook: dict[str, Any]) -> None:
    """Insert a webhook."""
    tx.execute(api_tables.webhooks.insert(), webhook)


def get(tx: Transaction, webhook_id: int) -> Webhook | None:
    """Return the webhook of a row."""
    return tx.first(_read, _GET, {"row": webhook_id})


def with_reference(tx: Transaction, reference: str) -> Webhook | None:
    """Return the webhook that a reference names."""
    return tx.first(_read, _ROWS.where(_webhooks.reference == reference.casefold()))


def listed(tx: Transaction, *where: ColumnElement[bool]) -> list[Webhook]:
    """Return the webhooks for which all of this holds, the oldest first."""
    return [_read(row) for row in tx.execute(_ROWS.where(*where))]


def of_key(tx: Transaction, key_id: int) -> list[Webhook]:
    """Return the webhooks of a key, the oldest first."""
    return listed(tx, _webhooks.key_id == key_id)


def listening(tx: Transaction, kind: EventType) -> list[tuple[Webhook, ApiKey]]:
    """Return the webhooks that are told events of a type, each with its key."""
    found = [one for one in listed(tx) if one.hears(kind)]
    keys = {key_id: api_keys.get(tx, key_id) for key_id in {one.key_id for one in found}}
    return [(one, key) for one in found if (key := keys[one.key_id]) is not None]


def set_values(tx: Transaction, webhook_id: int, **values: Any) -> None:
    """Change columns of one webhook."""
    tx.execute(update(api_tables.webhooks).where(_webhooks.id == webhook_id).values(**values))


def rotate(tx: Transaction, webhook: Webhook, now: datetime) -> int:
    """Give it a new secret, beside which the one before still signs for a while; return the new secret's number."""
    number = webhook.secret_number + 1
    set_values(tx, webhook.id, secret_number=number, rotated_at=now)
    return number


def disable(tx: Transaction, webhook_id: int, reason: str, now: datetime) -> bool:
    """Disable a webhook. Return False when it was disabled before."""
    disabling = update(api_tables.webhooks).where(_webhooks.id == webhook_id, _webhooks.disabled_at.is_(None))
    return tx.execute(disabling.values(disabled_at=now, disabled_reason=reason, not_before=None)).rowcount == 1


def enable(tx: Transaction, webhook_id: int) -> None:
    """Have it told events again, from now on."""
    set_values(tx, webhook_id, disabled_at=None, disabled_reason=None, failing_since=None, not_before=None)


def remove(tx: Transaction, webhook_id: int) -> None:
    """Delete a webhook and its events."""
    tx.execute(delete(api_tables.outbound_events).where(api_tables.outbound_events.c.webhook_id == webhook_id))
    tx.execute(delete(api_tables.webhooks).where(_webhooks.id == webhook_id))


def count(tx: Transaction, key_id: int) -> int:
    """Return how many webhooks a key has."""
    counted = select(func.count()).select_from(api_tables.webhooks).where(_webhooks.key_id == key_id)
    return int(tx.execute(counted).scalar_one())
