"""Find requests: those for a report or with a reference, those of a thread, and those of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select

from bot.db import messages, reports, requests, runs, tables
from bot.db.origin import Kind
from bot.db.requests import THREAD
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.db.database import Transaction
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.runs import Run

    Item = tuple[Request, ReportRow | None]

_requests = tables.requests.c
NEWEST: Final = 1000
"""Requests among which a person's latest ones are looked for."""


def about(tx: Transaction, wanted: str) -> list[Request]:
    """Return the requests for a report ID or with a reference, newest first."""
    return requests.find(tx, or_(_requests.report_id == wanted, _requests.reference == wanted.lower()))[::-1]


def told_here(
    tx: Transaction, wanted: str, room_id: str, person_id: str | None, families: Collection[str]
) -> list[Request]:
    """Return requests for a report ID or with a reference, newest first, as far as they may be told in a space.

    These were made in the space and are answered there, or by ``person_id``; of reports of these families, or of none
    that was found for them: a report that exists is told of like one that does not.
    """
    others = select(tables.reports.c.report_id).where(tables.reports.c.family.not_in(families))
    about = requests.find(
        tx,
        or_(_requests.report_id == wanted, _requests.reference == wanted.lower()),
        or_(_requests.report_id.not_in(others), _requests.found_at.is_(None)),
    )
    return [
        one
        for one in reversed(about)
        if same_id(one.person_id, person_id) or (one.destination == THREAD and same_id(one.room_id, room_id))
    ]


def of_thread(tx: Transaction, room_id: str, thread_id: str, person_id: str, families: Collection[str]) -> list[Item]:
    """Return the requests that are answered in a thread, oldest first, as far as they may be told to a person.

    A card or file that was sent directly may be the root of a thread: then it is that request.
    """
    root = messages.by_message(tx, thread_id)
    where = _requests.thread_id == thread_id
    if root is not None and root.request_id is not None:
        where |= _requests.id == root.request_id
    found = reports.pairs(tx, where)
    there = [one for one in found if _stands_in(one[0], room_id) or same_id(one[0].person_id, person_id)]
    return _told(there, person_id, families)


def open_of(tx: Transaction, person_id: str, families: Collection[str]) -> list[Item]:
    """Return a person's open requests, oldest first; for those of subscriptions, schedules and keys nobody waits."""
    asked = [_requests[f"{kind.value}_id"].is_(None) for kind in Kind]
    waiting = tx.execute(select(_requests.id, _requests.person_id).where(_requests.state == tables.OPEN, *asked))
    own = [row.id for row in waiting if same_id(row.person_id, person_id)]
    return _told(reports.pairs(tx, _requests.id.in_(own)), person_id, families)


def latest_of(tx: Transaction, person_id: str, families: Collection[str]) -> list[Item]:
    """Return a person's requests among the newest of all, the newest first."""
    newest = select(_requests.id, _requests.person_id).order_by(_requests.id.desc()).limit(NEWEST)
    own = [row.id for row in tx.execute(newest) if same_id(row.person_id, person_id)]
    return _told(reports.pairs(tx, _requests.id.in_(own)), person_id, families)[::-1]


def open_runs_of(tx: Transaction, person_id: str, families: Collection[str]) -> list[Run]:
    """Return a person's open runs but those of schedules, oldest first: Webex has not created their reports yet."""
    waiting = [one for one in runs.open_ones(tx, NEWEST) if one.origin is None]
    return [one for one in waiting if one.family in families and same_id(one.person_id, person_id)]


def runs_of_thread(tx: Transaction, room_id: str, thread_id: str, families: Collection[str]) -> list[Run]:
    """Return the runs of a thread whose reports Webex has not created, or could not, oldest first."""
    found = runs.without_report(tx, thread_id)
    return [one for one in found if one.family in families and same_id(one.room_id, room_id)]


def canceled_by(tx: Transaction, event_key: str) -> list[Item]:
    """Return the requests that an event has canceled, for its second run. It reads the whole table."""
    return reports.pairs(tx, _requests.closed_by == event_key)


def _stands_in(one: Request, room_id: str) -> bool:
    return one.destination == THREAD and same_id(one.room_id, room_id)


def _told(items: list[Item], person_id: str, families: Collection[str]) -> list[Item]:
    """Leave out reports of other families; a request whose report was not found tells of none.

    It is its asker's alone, and nobody learns from it that there is such a report in a family that they may not use.
    """
    told: list[Item] = []
    for one, row in items:
        if one.found_at is None or row is None:
            told += [(one, None)] if same_id(one.person_id, person_id) else []
        elif row.family in families:
            told.append((one, row))
    return told
