"""Count how often each report was downloaded: Webex allows 30 downloads of a report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from bot.db import key_values
from bot.db.id_spellings import spellings
from bot.db.requests import State
from bot.db.tables import requests
from bot.webex.report import Family

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

MOST: Final = 30
"""Downloads that Webex allows of one report."""
FEW: Final = 5
"""So many left are told with the file."""
MOST_OF_ONE_PERSON: Final = 10
"""A person who was sent the file so often gets none of the last downloads."""
PREFIX: Final = "downloads:"
KEPT: Final = timedelta(days=365)
"""How long after the last download a report's number is kept; Webex keeps no report for longer."""


def add(tx: Transaction, family: str, report_id: str, number: int, now: datetime) -> int:
    """Count some more, and return how many there are now."""
    name = f"{PREFIX}{family}:{report_id}"
    total = int(key_values.get(tx, name) or 0) + number
    if number:
        key_values.set(tx, name, str(total), now)
    return total


def forget_old(tx: Transaction, now: datetime) -> None:
    """Forget the numbers of reports that Webex has deleted since."""
    key_values.delete_older(tx, PREFIX, now - KEPT)


def warning(number: int) -> str:
    """Return what is told with a file when few downloads are left, else nothing."""
    left = MOST - number
    if left > FEW:
        return ""
    said = "none is left" if left <= 0 else f"{left} {'is' if left == 1 else 'are'} left"
    return f"Webex allows {MOST} downloads of a report; {said} of this one. Run the report again before they run out."


def had_enough(tx: Transaction, person_id: str, report_id: str) -> bool:
    """Return True when few downloads are left, and they are not for a person who was sent the file often already."""
    used = max(int(key_values.get(tx, f"{PREFIX}{family}:{report_id}") or 0) for family in Family)
    if MOST - used > FEW:
        return False
    same = requests.c.person_id.in_(spellings(tx, requests.c.person_id, person_id))
    sent = (requests.c.report_id == report_id, requests.c.state == State.DELIVERED.value, same)
    number = tx.execute(select(func.count()).select_from(requests).where(*sent)).scalar_one()
    return int(number) >= MOST_OF_ONE_PERSON


HAD_ENOUGH: Final = (
    f"Webex allows {MOST} downloads of a report, and the last {FEW} of this one are for others: I've sent it to you"
    f" {MOST_OF_ONE_PERSON} times. Use a file that I sent, or run the report again."
)
