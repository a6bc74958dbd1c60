"""Reports that are to be created: one row each, who wants which template for which period, and where.

open ──▶ created · failed · refused · canceled
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, exists, func, select, update

from bot.db import tables
from bot.db.delivery_outcomes import count_end
from bot.db.id_spellings import spellings
from bot.db.origin import of_columns
from bot.db.requests import State
from bot.db.trace_ids import trace_id
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Row

    from bot.db.database import Transaction
    from bot.db.origin import Origin

_runs = tables.runs.c
_NAMES = tuple(column.name for column in tables.runs.c)
MOST_ORGANIZATIONS: Final = 10
"""Sub-partners in one field of a form."""
_DAYS = ("start_date", "end_date")
_this = _runs.id == bindparam("row")
_GET = select(tables.runs).where(_this)
_UPDATE = update(tables.runs).where(_this)


class RunState(StrEnum):
    """State of a run."""

    OPEN = "open"
    CREATED = "created"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELED = "canceled"


_UPDATE_AS_KNOWN = _UPDATE.where(
    _runs.state == RunState.OPEN.value,
    _runs.tried_at.is_not_distinct_from(bindparam("known_try", type_=_runs.tried_at.type)),
)


class Why(StrEnum):
    """Why a schedule ran."""

    DUE = "due"
    LATE = "late"
    """Its time passed while the bot was down."""
    TEST = "test"
    """Somebody wanted to see it; the cadence stays."""
    BY_HAND = "by_hand"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Run:
    """One report that is to be created, or was."""

    id: int
    reference: str
    event_key: str
    """The event that asked for it; the same event makes no second run."""
    person_id: str
    room_id: str | None
    room_type: str | None
    thread_id: str | None
    family: str
    template_id: str
    title: str
    """The template's."""
    start_date: date | None
    end_date: date | None
    region: str | None
    sites: str | None
    """Names of Webex sites, with commas."""
    time_zone: str | None
    state: RunState
    reason: str | None
    """Why there is no report, in a sentence."""
    report_id: str | None
    asked_at: datetime
    tried_at: datetime | None
    """When a call that may have created it began, or ended without an answer.

    Of one that was created: a report of Webex's list was taken for it.
    """
    closed_at: datetime | None
    schedule_id: int | None
    planned_at: datetime | None
    """When its schedule wanted it."""
    why: Why | None
    """Why its schedule ran."""
    key_id: int | None
    cause: str | None
    """Why there is no report, in a word: policy's reason, or ``webex_400``."""
    makes_room: str | None
    """The schedule's own report that is deleted, or was, so that Webex keeps this one."""
    on_behalf_of: str | None
    """The sub-partner organization, if any, as Webex writes it."""

    @property
    def trace_id(self) -> str:
        """Return by which the log's lines about it are found."""
        return trace_id(self.event_key)

    @property
    def origin(self) -> Origin | None:
        """Return the schedule that it was made for, if any."""
        return of_columns(schedule_id=self.schedule_id, key_id=self.key_id)

    @property
    def new_report(self) -> NewReport:
        """Return what is asked of Webex."""
        return NewReport(
            family=Family(self.family),
            template_id=self.template_id,
            start=self.start_date,
            end=self.end_date,
            region=self.region or "",
            sites=tuple(filter(None, (self.sites or "").split(","))),
            time_zone=self.time_zone or "",
            on_behalf_of=self.on_behalf_of or "",
        )


def values_of(new: NewReport) -> dict[str, Any]:
    """Return the columns that hold what is asked of Webex."""
    return {
        "family": new.family.value,
        "template_id": new.template_id,
        "start_date": new.start.isoformat() if new.start else None,
        "end_date": new.end.isoformat() if new.end else None,
        "region": new.region or None,
        "sites": ",".join(new.sites) or None,
        "time_zone": new.time_zone or None,
        "on_behalf_of": new.on_behalf_of or None,
    }


def _read(row: Row[Any]) -> Run:
    values = {name: getattr(row, name) for name in _NAMES}
    values |= {name: date.fromisoformat(values[name]) for name in _DAYS if values[name]}
    why = values["why"]
    return Run(**values | {"state": RunState(values["state"]), "why": Why(why) if why else None})


def add(tx: Transaction, values: dict[str, Any]) -> int | None:
    """Insert a run and return its row's ID, or None when this event has made it before."""
    return tx.insert_once(tables.runs, values, conflict=["event_key"])


def get(tx: Transaction, run_id: int) -> Run | None:
    """Return the run of a row."""
    return tx.first(_read, _GET, {"row": run_id})


def set_tried(tx: Transaction, run: Run, at: datetime | None) -> Run | None:
    """Store since when Webex may have created it: a try begins, or ended without an answer; None: it certainly has not.

    Return the run as it is then; None when it was canceled, or tried by another process, since it was read.
    """
    as_known = {"row": run.id, "known_try": run.tried_at}
    changed = tx.execute(_UPDATE_AS_KNOWN, as_known | {"tried_at": at}).rowcount > 0
    return replace(run, tried_at=at) if changed else None


def forget_try(tx: Transaction, run_id: int) -> None:
    """Store that Webex has said which report it created."""
    tx.execute(_UPDATE, {"row": run_id, "tried_at": None})


def set_makes_room(tx: Transaction, run_id: int, report_id: str) -> None:
    """Store which report is about to be deleted so that Webex keeps that of a run."""
    tx.execute(_UPDATE, {"row": run_id, "makes_room": report_id})


def done_with(tx: Transaction, run: Run) -> list[str]:
    """Return the reports of earlier runs of a run's schedule that it has posted, or that its conditions held back.

    Oldest first, without those that another run deletes, and those that were found in Webex's list after an answer was
    lost: somebody else may have made one of them.
    """
    requests, others = tables.requests.c, tables.runs.alias()
    done = exists().where(
        requests.report_id == _runs.report_id,
        requests.schedule_id == _runs.schedule_id,
        requests.state.in_([State.DELIVERED.value, State.HALTED.value]),
    )
    same = (_runs.schedule_id == run.schedule_id, _runs.family == run.family, _runs.tried_at.is_(None))
    free = ~exists().where(others.c.makes_room == _runs.report_id)
    return list(tx.execute(select(_runs.report_id).where(*same, done, free).order_by(_runs.id)).scalars())


def close(
    tx: Transaction,
    run_id: int,
    state: RunState,
    now: datetime,
    *,
    report_id: str | None = None,
    reason: str = "",
    cause: str = "",
) -> bool:
    """Close a run. Return False when it was closed before."""
    values = {"state": state.value, "closed_at": now, "report_id": report_id}
    values |= {"reason": reason or None, "cause": cause or None}
    closing = update(tables.runs).where(_runs.id == run_id, _runs.state == tables.OPEN)
    closed = tx.execute(closing.values(**values)).rowcount == 1
    if closed and state is not RunState.CREATED:  # else it goes on as a request
        count_end(tx, state.value, cause)
    return closed


def open_ones(tx: Transaction, most: int) -> list[Run]:
    """Return the open runs, oldest first, at most so many."""
    query = select(tables.runs).where(_runs.state == tables.OPEN).order_by(_runs.id).limit(most)
    return [_read(row) for row in tx.execute(query)]


def with_reference(tx: Transaction, reference: str) -> Run | None:
    """Return the run that a reference names."""
    return tx.first(_read, select(tables.runs).where(_runs.reference == reference))


def titles(tx: Transaction, references: Collection[str], families: Collection[str]) -> dict[str, str]:
    """Return the titles of what these references had run, of these families, as far as they are known."""
    query = select(_runs.reference, _runs.title).where(_runs.reference.in_(references), _runs.family.in_(families))
    return {row.reference: row.title for row in tx.execute(query) if row.title}


def ended(tx: Transaction, references: Collection[str]) -> set[str]:
    """Return which of the runs that these references name ended without a report."""
    going = (RunState.OPEN.value, RunState.CREATED.value)
    where = (_runs.reference.in_(references), _runs.state.not_in(going))
    return set(tx.execute(select(_runs.reference).where(*where)).scalars())


def undelivered_of_key(tx: Transaction, key_id: int, until: datetime, most: int) -> list[Run]:
    """Return the runs of a key of the API that are for a space and have no request yet, newest first."""
    where = (_runs.key_id == key_id, _runs.room_id.is_not(None), _runs.state != RunState.CREATED.value)
    query = select(tables.runs).where(*where, _runs.asked_at <= until)
    rows = tx.execute(query.order_by(_runs.asked_at.desc(), _runs.reference.desc()).limit(most))
    return [_read(row) for row in rows]


def set_title(tx: Transaction, run_id: int, title: str) -> None:
    """Store the title of a run's template."""
    tx.execute(_UPDATE, {"row": run_id, "title": title})


def without_report(tx: Transaction, thread_id: str) -> list[Run]:
    """Return the runs of a thread that have given no report, oldest first."""
    query = select(tables.runs).where(_runs.thread_id == thread_id, _runs.report_id.is_(None)).order_by(_runs.id)
    return [_read(row) for row in tx.execute(query)]


def of_report(tx: Transaction, report_id: str) -> Run | None:
    """Return the run that created a report, if the bot did."""
    return tx.first(_read, select(tables.runs).where(_runs.report_id == report_id).limit(1))


def that_took_the_place_of(tx: Transaction, report_id: str) -> Run | None:
    """Return the run for which a report was deleted, if a schedule did."""
    return tx.first(_read, select(tables.runs).where(_runs.makes_room == report_id).limit(1))


def same_as(tx: Transaction, new: NewReport, since: datetime) -> list[Run]:
    """Return the runs of exactly this report that are open, or that were asked for since and gave one; newest first."""
    same = [tables.runs.c[name].is_not_distinct_from(value) for name, value in values_of(new).items()]
    lately = (_runs.state == RunState.CREATED.value) & (_runs.asked_at >= since)
    query = select(tables.runs).where(*same, (_runs.state == tables.OPEN) | lately)
    return [_read(row) for row in tx.execute(query.order_by(_runs.id.desc()))]


def organizations(tx: Transaction, person_id: str, room_id: str) -> list[str]:
    """Return the sub-partners for which a person has run reports in a space, the last ones first."""
    theirs = _runs.person_id.in_(spellings(tx, _runs.person_id, person_id))
    here = _runs.room_id.in_(spellings(tx, _runs.room_id, room_id))
    query = select(_runs.on_behalf_of).where(theirs, here, _runs.on_behalf_of.is_not(None))
    latest = query.group_by(_runs.on_behalf_of).order_by(func.max(_runs.id).desc()).limit(MOST_ORGANIZATIONS)
    return list(tx.execute(latest).scalars())


def latest_of(tx: Transaction, person_id: str, families: tuple[str, ...]) -> Run | None:
    """Return the newest run of these families that a person asked for and that gave a report."""
    theirs = _runs.person_id.in_(spellings(tx, _runs.person_id, person_id))
    created = (theirs, _runs.state == RunState.CREATED.value, _runs.family.in_(families))
    return tx.first(_read, select(tables.runs).where(*created).order_by(_runs.id.desc()).limit(1))
