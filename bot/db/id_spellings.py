"""Find an id in a column in any spelling: the database stores IDs as Webex gave them, since they go back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.webex.ids import same_id

if TYPE_CHECKING:
    from sqlalchemy import Column

    from bot.db.database import Transaction


def spellings(tx: Transaction, column: Column[str], an_id: str) -> list[str]:
    """Return the given spelling of a person's or a space's id and every other one that stands in a column.

    It reads the whole column: for what is rare. Where a query is about one report, filter its rows by ``same_id``.
    """
    there = tx.execute(select(column).where(column.is_not(None)).distinct()).scalars()
    return [an_id, *sorted(one for one in there if one != an_id and same_id(one, an_id))]
