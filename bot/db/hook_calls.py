"""Calls of incoming hooks, each of which is acted on once; a body that comes again within a minute is no new call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from bot.db import api_tables

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

REPEATED_WITHIN: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=3)
"""Longer than a report is waited for: the space is told when none came of a call."""

_calls = api_tables.hook_calls.c


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call."""

    id: int
    reference: str
    """Also that of the request or run that comes of it."""
    hook_id: int
    title: str | None
    period: str | None
    """What its body says; neither is kept once the call is handled."""
    called_at: datetime
    handled_at: datetime | None


def add(tx: Transaction, values: dict[str, Any], now: datetime) -> int | None:
    """Insert a call and return its row; None when the same body came within the last minute."""
    same = (_calls.hook_id == values["hook_id"], _calls.body_sha256 == values["body_sha256"])
    old = (*same, _calls.newest.is_not(None), _calls.called_at <= now - REPEATED_WITHIN)
    tx.execute(update(api_tables.hook_calls).where(*old).values(newest=None))
    row = values | {"newest": 1, "called_at": now}
    return tx.insert_once(api_tables.hook_calls, row, conflict=["hook_id", "body_sha256", "newest"])


def newest(tx: Transaction, hook_id: int, body_sha256: str) -> HookCall | None:
    """Return the newest call with a body."""
    same = (_calls.hook_id == hook_id, _calls.body_sha256 == body_sha256, _calls.newest.is_not(None))
    return tx.first(_read, select(api_tables.hook_calls).where(*same))


def get(tx: Transaction, call_id: int) -> HookCall | None:
    """Return a call by its row."""
    return tx.first(_read, select(api_tables.hook_calls).where(_calls.id == call_id))


def set_handled(tx: Transaction, call_id: int, now: datetime) -> None:
    """Store that a call was acted on, and nothing more of what its body said."""
    handled = update(api_tables.hook_calls).where(_calls.id == call_id)
    tx.execute(handled.values(handled_at=now, title=None, period=None))


def _read(row: Any) -> HookCall:
    return HookCall(row.id, row.reference, row.hook_id, row.title, row.period, row.called_at, row.handled_at)
