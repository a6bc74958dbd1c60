"""Have a person confirm something by a button."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.db import confirmations
from bot.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.chat.invocation import Invocation
    from bot.db.confirmations import Unusable
    from bot.db.database import Transaction

LAPSES_AFTER: Final = timedelta(minutes=10)
"""How long something may be confirmed."""


def ask(tx: Transaction, invocation: Invocation, command: str, argument: str) -> tuple[str, datetime]:
    """Store what the person is asked to confirm. Return the token for the button, and until when it is good."""
    until = invocation.services.now() + LAPSES_AFTER
    return confirmations.add(tx, invocation.person_id, command, argument, until), until


def confirmed(tx: Transaction, invocation: Invocation, command: str, unusable: Mapping[Unusable, str]) -> str:
    """Use the confirmation that was pressed and return its argument. Raises ``Refused`` with one of the sentences."""
    token, who, now = " ".join(invocation.rest[1:]), invocation.person_id, invocation.services.now()
    argument = confirmations.use(tx, token, who, invocation.event_key, now, command=command)
    if argument is None:
        problem = confirmations.why_not(tx, token, who, command=command)
        raise Refused(unusable[problem], reason=f"confirmation_{problem.name.lower()}")
    return argument
