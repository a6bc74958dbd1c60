"""Schedules: which report is run when, for whom and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update

from bot.db import tables
from bot.db.origin import PASSING, Kind, Origin, OriginState, Owned
from bot.db.requests import State

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction

_schedules = tables.schedules.c
_ROWS = select(tables.schedules).order_by(_schedules.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Owned):
    """One schedule."""

    name: str | None
    """A name of its owner's; without, it is called by its template's title."""
    note: str | None
    family: str
    template_id: str
    title: str
    """The template's."""
    region: str | None
    sites: str | None
    """Names of Webex sites, with commas."""
    period: str | None
    """Words that are read on the day of each run: "last week"."""
    rrule: str
    """The recurrence as in RFC 5545, without a start: ``FREQ=WEEKLY;BYDAY=MO``."""
    dtstart: str
    """Local date and time from which it recurs: ``2026-11-30T08:00:00``."""
    time_zone: str
    only_if: str | None
    """Conditions of a delivery."""
    next_at: datetime | None
    """When it runs next; None while it is paused, or when no run follows."""
    on_behalf_of: str | None
    """The sub-partner organization, if any, as Webex writes it."""
    takes_time_zone: bool
    """Webex is told the time zone, whose days the period then means."""

    @property
    def origin(self) -> Origin:
        """Return what its requests and runs are made for."""
        return Origin(Kind.SCHEDULE, self.id)

    @property
    def label(self) -> str:
        """Return what people call it."""
        return self.name or self.title


def add(tx: Transaction, values: dict[str, Any]) -> int | None:
    """Insert a schedule and return its row's ID, or None when this event has made it before."""
    return tx.insert_once(tables.schedules, values, conflict=["event_key"])


def of_event(tx: Transaction, event_key: str) -> Schedule | None:
    """Return the schedule that an event made."""
    return tx.first(Schedule.read, select(tables.schedules).where(_schedules.event_key == event_key))


def find(tx: Transaction, *where: ColumnElement[bool]) -> list[Schedule]:
    """Return the schedules for which all of this holds and that have not ended, oldest first."""
    going = _schedules.state != OriginState.ENDED.value
    return [Schedule.read(row) for row in tx.execute(_ROWS.where(going, *where))]


def get(tx: Transaction, schedule_id: int) -> Schedule | None:
    """Return the schedule of a row, also one that has ended."""
    return tx.first(Schedule.read, select(tables.schedules).where(_schedules.id == schedule_id))


def last_content_hash(tx: Transaction, schedule_id: int) -> str | None:
    """Return the hash of what a schedule delivered last; None where that is not known."""
    requests, reports = tables.requests.c, tables.reports.c
    query = select(reports.content_hash).join(tables.requests, requests.report_id == reports.report_id)
    delivered = query.where(requests.schedule_id == schedule_id, requests.state == State.DELIVERED.value)
    return tx.execute(delivered.order_by(requests.closed_at.desc(), requests.id.desc()).limit(1)).scalar()


def _runs() -> ColumnElement[bool]:
    """Return the condition that a schedule runs when its time comes: also one that resumes when that works."""
    passing = _schedules.pause_cause.in_([one.value for one in PASSING])
    return or_(
        _schedules.state == OriginState.ACTIVE.value, and_(_schedules.state == OriginState.PAUSED.value, passing)
    )


def due(tx: Transaction, now: datetime, most: int) -> list[Schedule]:
    """Return the schedules whose time has come, the longest due first, at most so many."""
    query = select(tables.schedules).where(_runs(), _schedules.next_at <= now)
    return [Schedule.read(row) for row in tx.execute(query.order_by(_schedules.next_at, _schedules.id).limit(most))]


def first_time(tx: Transaction) -> datetime | None:
    """Return when the next schedule runs."""
    return tx.execute(select(func.min(_schedules.next_at, type_=_schedules.next_at.type)).where(_runs())).scalar()


def set_values(tx: Transaction, schedule_id: int, **values: Any) -> None:
    """Change columns of one schedule."""
    tx.execute(update(tables.schedules).where(_schedules.id == schedule_id).values(**values))
