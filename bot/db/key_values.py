"""Small values by name that outlive a restart and that every process reads. The table is named ``facts``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.db.tables import key_values
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

BOT_PERSON_ID = "bot_person_id"
WORKER_SEEN = "worker_seen"
REJECTED_CALLS = "rejected_calls"
"""Webhook calls that did not verify in the last five minutes, by the web process."""

ADMIN_TOKEN_ENDS = "admin_token_ends_"  # noqa: S105 a name
"""Begins the names of when the admin token (``access``) and its refresh token (``refresh``) end: seconds since 1970."""

OPERATORS_SPACE = "operators_space_id"
"""The ID of the operators' space as Webex spells it."""

RESTORED = "restored"
"""Updated when a backup was made of which this database is a copy; deleted at the first start on it."""

REPORTS_REFUSED = "reports_refused_"
"""Begins the name of the alert that Webex refuses a family of reports; the family's name follows."""


def set(tx: Transaction, name: str, value: str, now: datetime) -> None:  # noqa: A001 used as key_values.set
    """Store a value, over what was there."""
    tx.upsert(key_values, {"name": name, "value": value, "noted_at": now}, conflict=["name"])


def get(tx: Transaction, name: str) -> str | None:
    """Return the value, or None."""
    return tx.execute(sa.select(key_values.c.value).where(key_values.c.name == name)).scalar_one_or_none()


def numbers(tx: Transaction, prefix: str) -> dict[str, float]:
    """Return the numbers whose names begin so, by their names without that beginning."""
    of_prefix = key_values.c.name.startswith(prefix, autoescape=True)
    found = tx.execute(sa.select(key_values.c.name, key_values.c.value).where(of_prefix).order_by(key_values.c.name))
    return {row.name.removeprefix(prefix): float(row.value) for row in found}


def updated_at(tx: Transaction, name: str) -> datetime | None:
    """Return when the value was stored last."""
    return tx.execute(sa.select(key_values.c.noted_at).where(key_values.c.name == name)).scalar_one_or_none()


def delete(tx: Transaction, name: str) -> None:
    """Delete a value, if there is one."""
    tx.execute(sa.delete(key_values).where(key_values.c.name == name))


def delete_older(tx: Transaction, prefix: str, before: datetime) -> None:
    """Delete the values whose name begins so and that were stored last before that time."""
    of_prefix = key_values.c.name.startswith(prefix, autoescape=True)
    tx.execute(sa.delete(key_values).where(of_prefix, key_values.c.noted_at < before))


def names(tx: Transaction, prefix: str) -> list[str]:
    """Return the names that begin so, without that beginning."""
    found = tx.execute(sa.select(key_values.c.name).where(key_values.c.name.startswith(prefix, autoescape=True)))
    return sorted(name.removeprefix(prefix) for name in found.scalars())


def operators_space(tx: Transaction, configured: str) -> str:
    """Return the operators' space as Webex spells its ID, as far as that is known of the one that is configured."""
    spelled = get(tx, OPERATORS_SPACE) or ""
    return spelled if same_id(spelled, configured) else configured
