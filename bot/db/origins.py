"""Find, pause, resume and end what requests are made for, whether it is a subscription or a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, or_, select, update

from bot.db import schedules, subscriptions, tables
from bot.db.id_spellings import spellings
from bot.db.origin import PASSING, Kind, Origin, OriginState, of_columns
from bot.db.schedules import Schedule
from bot.db.subscriptions import Subscription

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Table

    from bot.db.database import Transaction
    from bot.db.origin import PauseCause

_TABLES: Final[dict[Kind, Table]] = {Kind.SUBSCRIPTION: tables.subscriptions, Kind.SCHEDULE: tables.schedules}


def get(tx: Transaction, origin: Origin) -> Subscription | Schedule | None:
    """Return a subscription or schedule, also one that has ended; None for a key of the API."""
    return _one(tx, origin.kind, "id", origin.id) if origin.kind in _TABLES else None


def with_reference(tx: Transaction, reference: str) -> Subscription | Schedule | None:
    """Return what a reference names, also when it has ended."""
    found = (_one(tx, kind, "reference", reference.casefold()) for kind in _TABLES)
    return next((one for one in found if one is not None), None)


def going(tx: Transaction, *kinds: Kind) -> list[Subscription | Schedule]:
    """Return those that are active or paused, the oldest of each kind first; of all kinds when none is named."""
    return _find(tx, kinds)


def _find(tx: Transaction, kinds: Collection[Kind], column: str = "", an_id: str = "") -> list[Subscription | Schedule]:
    """Return those that are going, or of them those with this ID in a column, in any spelling."""
    found: list[Subscription | Schedule] = []
    for kind, find in ((Kind.SUBSCRIPTION, subscriptions.find), (Kind.SCHEDULE, schedules.find)):
        if kind in (kinds or _TABLES):
            place = _TABLES[kind].c[column] if column else None
            found += find(tx, *([] if place is None else [place.in_(spellings(tx, place, an_id))]))
    return found


def of_references(tx: Transaction, references: Collection[str]) -> dict[str, Subscription | Schedule]:
    """Return those with these references, and what requests and runs with them were made for, by the references."""
    made_for: dict[str, Origin] = {}
    for kind, table in _TABLES.items():
        for row in tx.execute(select(table.c.id, table.c.reference).where(table.c.reference.in_(references))):
            made_for[row.reference] = Origin(kind, row.id)
    for table in (tables.requests, tables.runs):
        for row in tx.execute(select(table).where(table.c.reference.in_(references))):
            origin = of_columns(subscription_id=getattr(row, "subscription_id", None), schedule_id=row.schedule_id)
            if origin is not None:
                made_for[row.reference] = origin
    found = {origin: get(tx, origin) for origin in set(made_for.values())}
    return {reference: owned for reference, origin in made_for.items() if (owned := found[origin]) is not None}


def of_owner(tx: Transaction, person_id: str, *kinds: Kind) -> list[Subscription | Schedule]:
    """Return those of one owner that are active or paused."""
    return _find(tx, kinds, "person_id", person_id)


def of_room(tx: Transaction, room_id: str, *kinds: Kind) -> list[Subscription | Schedule]:
    """Return those of one space that are active or paused."""
    return _find(tx, kinds, "room_id", room_id)


def _one(tx: Transaction, kind: Kind, column: str, value: Any) -> Subscription | Schedule | None:
    table = _TABLES[kind]
    query = select(table).where(table.c[column] == value)
    return tx.first(Subscription.read, query) if kind is Kind.SUBSCRIPTION else tx.first(Schedule.read, query)


def pause(tx: Transaction, origin: Origin, cause: PauseCause, reason: str) -> bool:
    """Pause an active one, or one that would resume by itself. Return False when it was neither."""
    table = _TABLES[origin.kind]
    may_be_paused = or_(
        table.c.state == OriginState.ACTIVE.value,
        and_(table.c.state == OriginState.PAUSED.value, table.c.pause_cause.in_([one.value for one in PASSING])),
    )
    values = {"state": OriginState.PAUSED.value, "pause_cause": cause.value, "reason": reason}
    return tx.execute(update(table).where(table.c.id == origin.id, may_be_paused).values(**values)).rowcount == 1


def resume(tx: Transaction, origin: Origin, now: datetime, *, by_itself: bool = False) -> bool:
    """Resume a paused one; a schedule's next time is to be set too. Return False when it was not paused.

    ``by_itself``: why it was paused stays in its row, so that its owner is told.
    """
    table = _TABLES[origin.kind]
    values: dict[str, Any] = {"state": OriginState.ACTIVE.value, "reason": None, "resumed_at": now}
    if not by_itself:
        values["pause_cause"] = None
    paused = (table.c.id == origin.id, table.c.state == OriginState.PAUSED.value)
    return tx.execute(update(table).where(*paused).values(**values)).rowcount == 1


def end(tx: Transaction, origin: Origin, now: datetime) -> bool:
    """End one; it cannot be resumed. Return False when it had ended."""
    table = _TABLES[origin.kind]
    which = (table.c.id == origin.id, table.c.state != OriginState.ENDED.value)
    ended = update(table).where(*which).values(state=OriginState.ENDED.value, ended_at=now)
    return tx.execute(ended).rowcount == 1


def set_values(tx: Transaction, origin: Origin, **values: Any) -> None:
    """Change columns of one."""
    table = _TABLES[origin.kind]
    tx.execute(update(table).where(table.c.id == origin.id).values(**values))


def set_owner(tx: Transaction, origin: Origin, person_id: str) -> None:
    """Give one to another person, with what is open of it: that is delivered, or refused, in their name."""
    table = _TABLES[origin.kind]
    tx.execute(update(table).where(table.c.id == origin.id).values(person_id=person_id))
    for made in (tables.requests, tables.runs):
        column = made.c.get(f"{origin.kind.value}_id")
        if column is not None:
            still_open = (column == origin.id, made.c.state == tables.OPEN)
            tx.execute(update(made).where(*still_open).values(person_id=person_id))
