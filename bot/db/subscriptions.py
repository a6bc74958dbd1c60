"""Subscriptions of spaces: which reports are announced where, as soon as they are ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from bot.db import tables
from bot.db.origin import Kind, Origin, OriginState, Owned, PauseCause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from bot.db.database import Transaction

_subscriptions = tables.subscriptions.c
_NAMES = tuple(column.name for column in tables.subscriptions.c)
_ROWS = select(tables.subscriptions).order_by(_subscriptions.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(Owned):
    """One subscription."""

    words: str
    """Words of the reports' titles, services, templates; empty for all reports."""
    family: str | None
    """None: of every family that its owner may use."""
    region: str | None
    """None: the home region."""
    card_only: bool
    muted_until: datetime | None
    on_behalf_of: str | None
    """The sub-partner organization, if any, as Webex writes it."""

    @property
    def origin(self) -> Origin:
        """Return what its requests are made for."""
        return Origin(Kind.SUBSCRIPTION, self.id)


def read(row: Sequence[Any] | Row[Any]) -> Subscription:
    """Return a row of the table as an object."""
    values = dict(zip(_NAMES, row, strict=True))
    cause = values["pause_cause"]
    return Subscription(
        **values | {"state": OriginState(values["state"]), "pause_cause": PauseCause(cause) if cause else None}
    )


def add(tx: Transaction, values: dict[str, Any]) -> int | None:
    """Insert a subscription and return its row's ID, or None when this event has made it before."""
    return tx.insert_once(tables.subscriptions, values, conflict=["event_key"])


def find(tx: Transaction, *where: ColumnElement[bool]) -> list[Subscription]:
    """Return the subscriptions for which all of this holds and that have not ended, oldest first."""
    going = _subscriptions.state != OriginState.ENDED.value
    return [read(row) for row in tx.execute(_ROWS.where(going, *where))]


def of_list(tx: Transaction, family: str, region: str | None) -> list[Subscription]:
    """Return the subscriptions that a list of reports of a family and region may serve."""
    return find(
        tx,
        or_(_subscriptions.family.is_(None), _subscriptions.family == family),
        _subscriptions.region.is_(None) if region is None else _subscriptions.region == region,
    )
