"""Answers of the HTTP API that are given again to the same ``Idempotency-Key``, for a day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from bot.db import api_tables

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction

KEPT: Final = timedelta(days=1)

_answers = api_tables.api_answers.c


@dataclass(frozen=True, slots=True)
class Order:
    """What is answered once: an ``Idempotency-Key`` of a key of the API, for one route."""

    key_id: int
    route: str
    idempotency_key: str

    @property
    def is_this(self) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions that name its row."""
        return (
            _answers.key_id == self.key_id,
            _answers.route == self.route,
            _answers.idempotency_key == self.idempotency_key,
        )


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered, and to which body."""

    body_sha256: str
    answer: dict[str, Any]


def get(tx: Transaction, order: Order, now: datetime) -> StoredAnswer | None:
    """Return what was answered within the last day."""
    query = select(_answers.body_sha256, _answers.answer).where(*order.is_this, _answers.created_at > now - KEPT)
    row = tx.execute(query).one_or_none()
    return None if row is None else StoredAnswer(row.body_sha256, json.loads(row.answer))


def add(tx: Transaction, order: Order, stored: StoredAnswer, now: datetime) -> bool:
    """Store an answer, in the transaction that it tells of. Return False when another call stored one meanwhile."""
    values = {
        "key_id": order.key_id,
        "route": order.route,
        "idempotency_key": order.idempotency_key,
        "body_sha256": stored.body_sha256,
        "answer": json.dumps(stored.answer),
        "created_at": now,
    }
    tx.execute(delete(api_tables.api_answers).where(_answers.created_at <= now - KEPT))
    row = tx.insert_once(api_tables.api_answers, values, conflict=["key_id", "route", "idempotency_key"])
    return row is not None
