"""Do what is alike for the subscriptions and the schedules of a key: list, show, end and limit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from bot.db import audit
from bot.db.api_keys import Right
from bot.db.id_spellings import spellings
from bot.db.origin import Owned
from bot.web.api.calls import current_key, need, record
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table

    from bot.db.database import Transaction
    from bot.web.api.context import ApiContext
    from bot.web.api.models import Page

MOST: Final = 100
"""Subscriptions that a key may have, and as many schedules."""

T = TypeVar("T", bound=Owned)


@dataclass(frozen=True, slots=True)
class OwnedByKey(Generic[T]):
    """What the calling key has of one kind."""

    noun: str
    table: Table
    find: Callable[..., list[T]]
    """Returns those for which conditions hold and that have not ended, the oldest first."""
    shown: Callable[[T], dict[str, Any]]
    end: Callable[[Transaction, ApiContext, T], object]

    def listed(self, context: ApiContext, page: Page) -> dict[str, Any]:
        """Return a page of them, the oldest first. Raises ``Problem``."""
        need(Right.MANAGE)
        with context.database.read() as tx:
            found = self.of_key(tx)
        start = int(page.cursor or 0)
        end = start + page.max
        items = [self.shown(one) for one in found[start:end]]
        return {"items": items, "next": str(end) if end < len(found) else None}

    def get(self, context: ApiContext, reference: str) -> dict[str, Any]:
        """Return one. Raises ``Problem``."""
        need(Right.MANAGE)
        with context.database.read() as tx:
            return self.shown(self.one(tx, reference))

    def delete(self, context: ApiContext, reference: str) -> None:
        """End one. Raises ``Problem``."""
        need(Right.MANAGE)
        with context.database.begin() as tx:
            found = self.one(tx, reference)
            self.end(tx, context, found)
            record(tx, context, audit.DELETED, room_id=found.room_id, reference=found.reference)

    def of_key(self, tx: Transaction) -> list[T]:
        """Return all that the key has."""
        owner = self.table.c.person_id
        return self.find(tx, owner.in_(spellings(tx, owner, current_key().owner)))

    def one(self, tx: Transaction, reference: str) -> T:
        """Return the one that a reference names. Raises ``Problem``."""
        found = next((one for one in self.of_key(tx) if one.reference == reference.casefold()), None)
        if found is None:
            raise Problem("not-found")
        return found

    def refuse_too_many(self, tx: Transaction) -> None:
        """Raise ``Problem`` where the key may have no further one."""
        if len(self.of_key(tx)) >= MOST:
            raise Problem("limit-reached", f"A key may have {MOST} {self.noun}s.")
