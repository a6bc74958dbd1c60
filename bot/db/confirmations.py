"""What people are asked to confirm by a button: each confirmation is one person's, lapses, and is used once.

The token stands in the button's data, where everybody in the space can read it and anyone can send it: it proves
nothing by itself. Using it is one conditional UPDATE, whose row says whether it was this event's.
"""

from __future__ import annotations

import secrets
from enum import Enum
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, or_, select, update

from bot.db.tables import confirmations
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

RANDOM_BYTES: Final = 16

_confirmation = confirmations.c
_this = (_confirmation.token == bindparam("of_token")) & (_confirmation.command == bindparam("of_command"))
_person = _confirmation.person_id == bindparam("person")
_free = _confirmation.used_by.is_(None) & (
    _confirmation.expires_at > bindparam("now", type_=_confirmation.expires_at.type)
)
_USE = (
    update(confirmations)
    .where(_this, _person, or_(_confirmation.used_by == bindparam("event"), _free))
    .values(used_by=bindparam("event"))
    .returning(_confirmation.argument)
)
_GET = select(_confirmation.person_id, _confirmation.used_by).where(_this)


class Unusable(Enum):
    """Why a confirmation can't be used."""

    ANOTHER_PERSONS = "another person's"
    USED = "used"
    LAPSED = "lapsed"
    """Also one that nobody knows: lapsed confirmations are deleted some days later."""


def add(tx: Transaction, person_id: str, command: str, argument: str, expires_at: datetime) -> str:
    """Store what a person is asked to confirm, until then; return the token for the button's data."""
    token = secrets.token_urlsafe(RANDOM_BYTES)
    values = {"person_id": id_key(person_id), "command": command, "argument": argument, "expires_at": expires_at}
    tx.execute(confirmations.insert().values(token=token, **values))
    return token


def use(tx: Transaction, token: str, person_id: str, event_key: str, now: datetime, *, command: str) -> str | None:
    """Use a confirmation and return its argument, again for the same event: its job may be run a second time.

    None: it has lapsed, another event has used it, or it is another person's or another command's.
    """
    values = {"of_token": token, "of_command": command, "person": id_key(person_id), "event": event_key, "now": now}
    return tx.execute(_USE, values).scalar_one_or_none()


def why_not(tx: Transaction, token: str, person_id: str, *, command: str) -> Unusable:
    """Return why a confirmation couldn't be used."""
    row = tx.execute(_GET, {"of_token": token, "of_command": command}).one_or_none()
    if row is None:
        return Unusable.LAPSED
    if row.person_id != id_key(person_id):
        return Unusable.ANOTHER_PERSONS
    return Unusable.LAPSED if row.used_by is None else Unusable.USED
