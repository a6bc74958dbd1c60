"""Store the alerts that are open: one row for each problem, known by its check and a digest of what was found."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select, update

from bot.db import key_values
from bot.db.tables import alerts

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.db.database import Transaction

ANY: Final = ""
"""The digest of an alert that an older version has told of, in words of its own."""
OLD_PREFIX: Final = "trouble:"
"""Begins the names under which older versions kept open alerts in key_values."""
RENAMED: Final = {
    "unverified_events": "rejected_calls",
    "unheard_messages": "missed_messages",
    "folder": "storage",
    "admin_token_dead": "admin_token",
    "admin_token_wrong": "admin_token",
    "admin_token_roles": "admin_token",
    "admin_token_plain": "admin_token_expiry",
    "refresh_token_ends": "admin_token_expiry",
    "bot_token_wrong": "bot_token",
}
"""Checks that older versions had under another name."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One problem that was found and isn't over."""

    name: str
    digest: str
    since: datetime
    firing_since: datetime | None = None
    """Since when it has lasted long enough to be told; a new time has it told under another key."""
    told_at: datetime | None = None
    resolved_at: datetime | None = None
    """Since when the check has found nothing any more."""


def of_check(tx: Transaction, name: str) -> list[Alert]:
    """Return a check's alerts, the oldest first."""
    found = tx.execute(select(alerts).where(alerts.c.name == name).order_by(alerts.c.since, alerts.c.digest))
    return [Alert(**row._mapping) for row in found]  # noqa: SLF001 SQLAlchemy's public name begins so


def add(tx: Transaction, name: str, digest: str, now: datetime) -> Alert:
    """Store a problem that was just found."""
    tx.execute(alerts.insert().values(name=name, digest=digest, since=now))
    return Alert(name, digest, now)


def change(tx: Transaction, alert: Alert, **values: Any) -> Alert:
    """Change columns of one alert, and return it as it is then."""
    its_row = (alerts.c.name == alert.name, alerts.c.digest == alert.digest)
    tx.execute(update(alerts).where(*its_row).values(**values))
    return replace(alert, **values)


def resolve(tx: Transaction, name: str, at: datetime | None) -> None:
    """Store since when a check has found nothing any more; None: it has found something again."""
    tx.execute(update(alerts).where(alerts.c.name == name).values(resolved_at=at))


def remove(tx: Transaction, name: str) -> None:
    """Delete a check's alerts: they are over."""
    tx.execute(delete(alerts).where(alerts.c.name == name))


def firing(tx: Transaction) -> list[str]:
    """Return the names of the checks whose alerts are told, or would be if there were a space."""
    found = tx.execute(select(alerts.c.name).where(alerts.c.firing_since.is_not(None)).distinct())
    return sorted(found.scalars())


def take_over(tx: Transaction, names: Collection[str]) -> None:
    """Move what an older version has told of from key_values into the table, so that nothing is told twice.

    Alerts of checks that there aren't any more are deleted: nothing would ever end them.
    """
    tx.execute(delete(alerts).where(alerts.c.name.not_in(names)))
    for old in key_values.names(tx, OLD_PREFIX):
        kept = json.loads(key_values.get(tx, f"{OLD_PREFIX}{old}") or "{}")
        key_values.delete(tx, f"{OLD_PREFIX}{old}")
        name = RENAMED.get(old, old)
        if name not in names or not kept.get("told") or of_check(tx, name):
            continue  # what wasn't told is found again
        since = datetime.fromisoformat(kept["since"])
        row = {"name": name, "digest": ANY, "since": since, "firing_since": since, "told_at": since}
        tx.execute(alerts.insert().values(**row))
