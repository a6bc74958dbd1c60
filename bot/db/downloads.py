"""Webex allows 30 downloads of a report: the last ones are for people who were not sent the file often already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, select

from bot.db import tables
from bot.db.id_spellings import spellings
from bot.db.requests import State

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.db.database import Transaction

MOST: Final = 30
"""Downloads that Webex allows of one report."""
FEW: Final = 5
"""So many left are told with the file."""
MOST_OF_ONE_PERSON: Final = 10
"""A person who was sent the file so often gets none of the last downloads."""


_USED = select(tables.reports.c.downloads).where(tables.reports.c.report_id == bindparam("report"))


def nearly_used_up(tx: Transaction, report_ids: Collection[str]) -> dict[str, int]:
    """Return how often the bot has downloaded those of these reports of whose downloads few are left, by ID."""
    columns = tables.reports.c
    few_left = columns.downloads >= MOST - FEW
    query = select(columns.report_id, columns.downloads).where(columns.report_id.in_(report_ids), few_left)
    return {row.report_id: row.downloads for row in tx.execute(query)}


def had_enough(tx: Transaction, person_id: str, report_id: str) -> bool:
    """Return True when few downloads are left, and they are not for a person who was sent the file often already."""
    used = tx.execute(_USED, {"report": report_id}).scalar()
    if MOST - int(used or 0) > FEW:
        return False
    requests = tables.requests.c
    same = requests.person_id.in_(spellings(tx, requests.person_id, person_id))
    asked = requests.subscription_id.is_(None) & requests.schedule_id.is_(None)
    sent = (requests.report_id == report_id, requests.state == State.DELIVERED.value, same, asked)
    number = tx.execute(select(func.count()).select_from(tables.requests).where(*sent)).scalar_one()
    return int(number) >= MOST_OF_ONE_PERSON
