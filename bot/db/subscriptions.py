"""Subscriptions of spaces: which reports are announced where, as soon as they are ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, update

from bot.db import tables
from bot.db.origin import Kind, Origin, OriginState, Owned
from bot.webex.report_families import FAMILIES, Family
from bot.webex.report_lists import ReportList

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement

    from bot.db.database import Transaction

_subscriptions = tables.subscriptions.c
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

    def is_served(self, now: datetime) -> bool:
        """Return True when reports are announced for it now; also while it waits for outsiders to leave, to try it."""
        muted = self.muted_until is not None and now < self.muted_until
        return not muted and (self.waits or self.state is OriginState.ACTIVE)


def add(tx: Transaction, values: dict[str, Any]) -> int | None:
    """Insert a subscription and return its row's ID, or None when this event has made it before."""
    return tx.insert_once(tables.subscriptions, values, conflict=["event_key"])


def find(tx: Transaction, *where: ColumnElement[bool]) -> list[Subscription]:
    """Return the subscriptions for which all of this holds and that have not ended, oldest first."""
    going = _subscriptions.state != OriginState.ENDED.value
    return [Subscription.read(row) for row in tx.execute(_ROWS.where(going, *where))]


def of_list(tx: Transaction, which: ReportList) -> list[Subscription]:
    """Return the subscriptions that one of Webex's lists serves."""
    return find(tx, _served_by(which))


def stand(tx: Transaction, which: ReportList) -> bool:
    """Return True when a list is looked at for subscriptions.

    Also when all are paused: what became ready during the pause is not new after it.
    """
    going = _subscriptions.state != OriginState.ENDED.value
    return tx.execute(select(_subscriptions.id).where(going, _served_by(which)).limit(1)).first() is not None


def lists(tx: Transaction) -> list[ReportList]:
    """Return the lists that are looked at for subscriptions."""
    columns = (_subscriptions.family, _subscriptions.region, _subscriptions.on_behalf_of)
    rows = tx.execute(select(*columns).where(_subscriptions.state != OriginState.ENDED.value).distinct()).all()
    return list(dict.fromkeys(one for row in rows for one in lists_for(row.family, row.region, row.on_behalf_of)))


def lists_for(family: str | None, region: str | None, on_behalf_of: str | None) -> list[ReportList]:
    """Return the lists that serve a subscription to these; not every family has regions and sub-partners."""
    families = [one for one in Family if family in {None, one.value}]
    if region or on_behalf_of:
        families = [one for one in families if FAMILIES[one].takes_region]
    return [ReportList(one.value, region, on_behalf_of) for one in families]


def _served_by(which: ReportList) -> ColumnElement[bool]:
    return and_(
        or_(_subscriptions.family.is_(None), _subscriptions.family == which.family),
        _is(_subscriptions.region, which.region),
        _is(_subscriptions.on_behalf_of, which.on_behalf_of),
    )


def _is(column: Column[Any], value: str | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def get(tx: Transaction, row_id: int) -> Subscription | None:
    """Return one that has not ended."""
    return next(iter(find(tx, _subscriptions.id == row_id)), None)


def of_event(tx: Transaction, event_key: str) -> Subscription | None:
    """Return what an event has made, unless it has ended since."""
    return next(iter(find(tx, _subscriptions.event_key == event_key)), None)


def ended_since(tx: Transaction, moment: datetime) -> list[Subscription]:
    """Return those that have ended since then, oldest first."""
    return [Subscription.read(row) for row in tx.execute(_ROWS.where(_subscriptions.ended_at >= moment))]


def mute(tx: Transaction, row_id: int, until: datetime | None) -> None:
    """Have nothing announced for a subscription until then."""
    tx.execute(update(tables.subscriptions).where(_subscriptions.id == row_id).values(muted_until=until))
