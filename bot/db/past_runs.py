"""What a subscription or schedule has done: one entry for each run, and for each report that was announced or repeated.

An entry is read from the rows of runs and requests; it has none of its own. What is repeated is an entry of its own,
so one that failed stays so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import Text, exists, literal, select, union_all

from bot.db import reports, runs, space_settings, tables
from bot.db.origin import Kind
from bot.db.requests import State
from bot.db.runs import RunState
from bot.db.schedules import Schedule
from bot.db.space_settings import SpaceSettings
from bot.webex.report import Phase

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from bot.db.database import Transaction
    from bot.db.origin import Origin
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.runs import Run
    from bot.db.subscriptions import Subscription

_requests, _runs = tables.requests.c, tables.runs.c
_ENDS: Final = {
    RunState.OPEN: State.OPEN,
    RunState.FAILED: State.FAILED,
    RunState.REFUSED: State.REFUSED,
    RunState.CANCELED: State.CANCELED,
}
_RETRY = re.compile(r"^(.*):retry:([^:]+)")
FAILED: Final = frozenset({State.FAILED, State.REFUSED, State.EXPIRED})
"""How that ended which did certainly not bring its report."""


def retry_key(event_key: str, reference: str) -> str:
    """Return the event key of what repeats an entry."""
    return f"{event_key}:retry:{reference}"


@dataclass(frozen=True, slots=True)
class PastRun:
    """One time that a schedule ran, or that a report was posted for a subscription or once more."""

    run: Run | None
    """The run that created the report, or was to; a subscription has none."""
    request: Request | None
    """None while there is no report."""
    row: ReportRow | None
    began: bool
    """It began with the run; else the report was there before."""
    retried_by: str
    """The event that repeated it; empty when none did."""

    @property
    def reference(self) -> str:
        """Return the reference by which ``why`` tells of it."""
        if self.request is not None:
            return self.request.reference
        assert self.run is not None
        return self.run.reference

    @property
    def state(self) -> State:
        """Return how it ended: a run whose report was created is not done before its request is."""
        if self.request is not None:
            return self.request.state
        assert self.run is not None
        return _ENDS.get(self.run.state, State.UNSURE)

    @property
    def reason(self) -> str:
        """Return how it ended, in a sentence, where that was not as wanted."""
        one = self.request or self.run
        return (one.reason or "") if one is not None else ""

    @property
    def repeats(self) -> str:
        """Return the reference of what it repeats; empty when it repeats nothing."""
        found = _RETRY.match(self._key)
        return found[2] if found else ""

    @property
    def _key(self) -> str:
        one = self.run if self.began else self.request
        return one.event_key if one is not None else ""

    @property
    def asked_at(self) -> datetime:
        """Return when it began."""
        one = self.run if self.began else self.request
        assert one is not None
        return one.asked_at

    @property
    def closed_at(self) -> datetime | None:
        """Return when it ended."""
        one = self.request or self.run
        return one.closed_at if one is not None else None

    @property
    def report_is_there(self) -> bool:
        """Return True when Webex has the report, as far as is known, so it need not be run again."""
        row, request = self.row, self.request
        if row is None or request is None or request.found_at is None:
            return False
        lost = row.deleted_at is not None or row.phase is Phase.FAILED
        return not lost and (row.phase is Phase.READY or request.cause != "webex_404")

    @property
    def family(self) -> str | None:
        """Return the family of its report, where that is known."""
        one = self.row or self.run
        return one.family if one is not None else None

    @property
    def can_be_retried(self) -> bool:
        """Return True for what did not bring its report, or perhaps not, and can be done again."""
        return self.state in FAILED | {State.UNSURE} and (self.report_is_there or self.run is not None)


def latest(tx: Transaction, origin: Origin, most: int, *, skip: int = 0) -> list[PastRun]:
    """Return the newest entries but the first ``skip``, newest first, at most so many."""
    column = f"{origin.kind.value}_id"
    made_by_run = exists().where(
        _runs.report_id == _requests.report_id,
        _requests.event_key == _runs.event_key.concat(":").concat(_runs.report_id),
    )
    parts = [
        select(_requests.id, _requests.asked_at, literal("request", Text).label("what")).where(
            _requests[column] == origin.id, ~made_by_run
        )
    ]
    if origin.kind is Kind.SCHEDULE:
        parts.append(
            select(_runs.id, _runs.asked_at, literal("run", Text).label("what")).where(_runs.schedule_id == origin.id)
        )
    both = union_all(*parts).subquery().c
    newest = select(both.id, both.what).order_by(both.asked_at.desc(), both.id.desc()).limit(most).offset(skip)
    retries = _retries(tx, origin)
    found = (_of_run(tx, row.id) if row.what == "run" else _of_request(tx, row.id) for row in tx.execute(newest).all())
    return [_with(one, retries) for one in found]


def with_reference(tx: Transaction, origin: Origin, reference: str) -> PastRun | None:
    """Return the entry of a subscription or schedule with a reference: of the run, or of its request."""
    column = f"{origin.kind.value}_id"
    asked = select(_requests.id, _requests.event_key).where(
        _requests.reference == reference, _requests[column] == origin.id
    )
    if (row := tx.execute(asked).one_or_none()) is not None:
        run_id = tx.execute(select(_runs.id).where(_runs.event_key == row.event_key.rpartition(":")[0])).scalar()
        found = _of_request(tx, row.id) if run_id is None else _of_run(tx, run_id)
        return _with(found, _retries(tx, origin))
    run = runs.with_reference(tx, reference)
    return _with(_of_run(tx, run.id), _retries(tx, origin)) if run is not None and run.origin == origin else None


def zone_of(tx: Transaction, owned: Schedule | Subscription) -> ZoneInfo:
    """Return the time zone in which people read of it: a schedule's own, or that of the space."""
    if isinstance(owned, Schedule):
        return SpaceSettings(owned.time_zone).zone
    return space_settings.time_zone_of(tx, owned.room_id)


def _retries(tx: Transaction, origin: Origin) -> dict[str, str]:
    """Return which event repeated what, by its reference."""
    keys: list[str] = []
    for table in (tables.requests, tables.runs):
        column = f"{origin.kind.value}_id"
        if column in table.c:
            repeating = table.c.event_key.contains(":retry:")
            keys += tx.execute(select(table.c.event_key).where(table.c[column] == origin.id, repeating)).scalars()
    return {found[2]: found[1] for key in keys if (found := _RETRY.match(key))}


def _of_run(tx: Transaction, run_id: int) -> PastRun:
    run = runs.get(tx, run_id)
    assert run is not None
    key = f"{run.event_key}:{run.report_id}"
    request, row = next(iter(reports.pairs(tx, _requests.event_key == key)), (None, None))
    return PastRun(run, request, row, began=True, retried_by="")


def _of_request(tx: Transaction, request_id: int) -> PastRun:
    ((request, row),) = reports.pairs(tx, _requests.id == request_id)
    run = runs.of_report(tx, request.report_id) if request.schedule_id is not None else None
    return PastRun(run, request, row, began=False, retried_by="")


def _with(one: PastRun, retries: dict[str, str]) -> PastRun:
    own = [one.reference] if one.run is None or not one.began else [one.reference, one.run.reference]
    by = next((retries[reference] for reference in own if reference in retries), "")
    return PastRun(one.run, one.request, one.row, one.began, by)
