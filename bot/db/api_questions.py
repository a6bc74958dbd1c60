"""What a call of the HTTP API must know from Webex: the web process asks, the worker answers, both by a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select, update

from bot.db import api_tables

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

LEFT_OVER: Final = timedelta(hours=1)

_questions = api_tables.api_questions.c


@dataclass(frozen=True, slots=True)
class Question:
    """One question."""

    id: int
    key_id: int
    question: dict[str, Any]
    answer: dict[str, Any] | None
    """None: not yet."""


def add(tx: Transaction, key_id: int, question: dict[str, Any], now: datetime) -> int:
    """Insert a question and return its row's ID; what nobody has taken away goes."""
    tx.execute(delete(api_tables.api_questions).where(_questions.asked_at <= now - LEFT_OVER))
    values = {"key_id": key_id, "question": json.dumps(question), "asked_at": now}
    (row,) = tx.execute(api_tables.api_questions.insert(), values).inserted_primary_key or (0,)
    return int(row)


def get(tx: Transaction, question_id: int) -> Question | None:
    """Return a question by its row."""
    row = tx.execute(select(api_tables.api_questions).where(_questions.id == question_id)).one_or_none()
    if row is None:
        return None
    return Question(row.id, row.key_id, json.loads(row.question), json.loads(row.answer) if row.answer else None)


def set_answer(tx: Transaction, question_id: int, answer: dict[str, Any]) -> None:
    """Store the answer."""
    tx.execute(update(api_tables.api_questions).where(_questions.id == question_id).values(answer=json.dumps(answer)))


def remove(tx: Transaction, question_id: int) -> None:
    """Remove a question for which nobody waits any more."""
    tx.execute(delete(api_tables.api_questions).where(_questions.id == question_id))
