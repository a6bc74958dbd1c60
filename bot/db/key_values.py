"""Small things that must outlive a restart and be known to every process, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from bot.db.tables import facts

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

BOT_PERSON_ID = "bot_person_id"
WORKER_SEEN = "worker_seen"
REJECTED_CALLS = "rejected_calls"
"""Webhook calls that did not verify in the last five minutes, by the web process."""
TROUBLE = "trouble:"
"""Begins the name of each trouble that the operators were told of and that is not over."""

OPERATORS_SPACE = "operators_space_id"
"""Names the fact with the ID of the operators' space as Webex spells it."""

REPORTS_REFUSED = "reports_refused_"
"""Begins the name of the trouble that Webex refuses a family of reports; the family's name follows."""


def note(tx: Transaction, name: str, value: str, now: datetime) -> None:
    """Keep a fact, over what it was."""
    tx.execute(delete(facts).where(facts.c.name == name))
    tx.execute(facts.insert().values(name=name, value=value, noted_at=now))


def note_first(tx: Transaction, name: str, value: str, now: datetime) -> bool:
    """Keep a fact unless there is one of that name. False: there is."""
    return tx.insert_once(facts, {"name": name, "value": value, "noted_at": now}, conflict=["name"]) is not None


def forget(tx: Transaction, name: str) -> None:
    """Keep a fact no longer; one that is not there is no error."""
    tx.execute(delete(facts).where(facts.c.name == name))


def forget_old(tx: Transaction, prefix: str, before: datetime) -> None:
    """Keep no longer what begins so and was kept last before that time."""
    tx.execute(delete(facts).where(facts.c.name.startswith(prefix, autoescape=True), facts.c.noted_at < before))


def read(tx: Transaction, name: str) -> str | None:
    """The fact's value, or None."""
    return tx.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()


def noted_at(tx: Transaction, name: str) -> datetime | None:
    """When the fact was kept last."""
    return tx.execute(select(facts.c.noted_at).where(facts.c.name == name)).scalar_one_or_none()


def names(tx: Transaction, prefix: str) -> list[str]:
    """The facts whose name begins so, without that beginning."""
    found = tx.execute(select(facts.c.name).where(facts.c.name.startswith(prefix, autoescape=True)))
    return sorted(name.removeprefix(prefix) for name in found.scalars())
