"""What Webex says of each report: one row, however many people wait for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Integer, bindparam, func, select, update

from bot.db import requests, tables
from bot.db.blank import Blank, from_json
from bot.webex.report import Expiry, Phase, Report
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Row

    from bot.db.database import Transaction
    from bot.webex.report_lists import ReportList

_reports, _requests = tables.reports.c, tables.requests.c
_PAIRS = (
    select(tables.requests, tables.reports)
    .outerjoin(tables.reports, _reports.report_id == _requests.report_id)
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)
_this = _reports.report_id == bindparam("report")
_GET = select(tables.reports).where(_this)
_PAIR = _PAIRS.where(_requests.id == bindparam("row"))
_UPDATE = update(tables.reports).where(_this)
SIMILAR: Final = 1.5
"""Times that a period may be longer or shorter than another of similar length."""
_SECONDS_OF_SIMILAR = (
    select(_reports.seconds_to_ready)
    .where(
        _reports.template_id == bindparam("template"),
        _reports.family == bindparam("family"),
        _reports.seconds_to_ready.is_not(None),
        _reports.ready_at.is_not(None),
        func.coalesce(_reports.period_days, 0).between(bindparam("least"), bindparam("most")),
    )
    .order_by(_reports.ready_at.desc())
    .limit(bindparam("number", type_=Integer))
)
_ADD_DOWNLOADS = _UPDATE.values(downloads=_reports.downloads + bindparam("number"))
# Begins at the open requests, which their index tells alone: reports that nobody waits for any more are many.
_is_awaited = _reports.report_id.in_(
    select(_requests.report_id).where(_requests.state == tables.OPEN, _requests.found_at.is_not(None))
)
_NAMES = tuple(column.name for column in tables.reports.c)
_NOT_IN_DETAILS = ("download_url", "taken_for_ready", "fetched_at", "on_behalf_of")
"""Fields of a report beside its JSON: the link is never stored, two hold for one answer, the last has its column."""
_DAYS, _TIMES = ("start", "end"), ("created",)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report as the database has it."""

    report_id: str
    family: str
    region: str | None
    title: str | None
    status: str | None
    phase: Phase
    details: str | None
    """The report as JSON, without the download link."""
    checked_at: datetime
    checks: int
    """How often Webex was asked about it."""
    missing: int
    """How often in a row the list did not show it."""
    next_check_at: datetime | None
    ready_at: datetime | None
    file_size: int | None
    file_sha256: str | None
    file_kind: str | None
    downloads: int
    """How often it was downloaded: Webex allows 30 downloads of a report."""
    template_id: str | None = None
    """Webex's ID of its template; where Webex gives none, its service and title."""
    period_days: int | None = None
    """Both ends counted; None for a report without a period."""
    seconds_to_ready: int | None = None
    """From its creation to the check that saw it ready; None when the bot did not see it become ready."""
    blank: str | None = None
    """Why nothing is in its file, as JSON; None for a file with something in it, or that was not fetched."""
    deleted_at: datetime | None = None
    """When the bot deleted it."""
    deleted_by: str | None = None
    """The person for whom."""
    content_hash: str | None = None
    """Of what is in its file, where a schedule compares that."""
    on_behalf_of: str | None = None
    """The sub-partner organization that each call about it names."""

    @property
    def why_blank(self) -> Blank | None:
        """Return why nothing is in its file."""
        return from_json(self.blank)

    @property
    def report(self) -> Report:
        """Return the report as Webex gave it, without the download link."""
        on_behalf_of = self.on_behalf_of or ""
        if self.details is None:
            family, status = Family(self.family), self.status or ""
            return Report(self.report_id, family, status, title=self.title or "", on_behalf_of=on_behalf_of)
        values: dict[str, Any] = json.loads(self.details)
        values |= {name: date.fromisoformat(values[name]) for name in _DAYS if values[name]}
        values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES if values[name]}
        if expiry := values["expiry"]:
            values["expiry"] = Expiry(expiry["seconds"], datetime.fromisoformat(expiry["at"]))
        values |= {"family": Family(values["family"]), "sites": tuple(values["sites"])}
        return Report(**values, on_behalf_of=on_behalf_of)


@dataclass(frozen=True, slots=True)
class Watched:
    """A report that is not ready, with the times that its open requests set."""

    row: ReportRow
    youngest: datetime
    """When the newest of its requests was made."""
    deadline: datetime
    """The first deadline of its requests."""


def details_of(report: Report) -> str:
    """Return a report as JSON, without the download link."""
    values = asdict(replace(report, download_url=""))
    return json.dumps({name: value for name, value in values.items() if name not in _NOT_IN_DETAILS}, default=str)


def filled(report: Report, row: ReportRow) -> Report:
    """Return what Webex's list says of a report with what its details said besides: the list may tell less."""
    known = row.report
    missing = [one.name for one in fields(Report) if not getattr(report, one.name) and one.name != "status"]
    return replace(report, **{name: getattr(known, name) for name in missing})


def add(tx: Transaction, report: Report, now: datetime) -> None:
    """Store a report that has no row yet."""
    tx.insert_once(tables.reports, _values_of(report, now), conflict=["report_id"])


def save(tx: Transaction, report: Report, now: datetime, **more: Any) -> None:
    """Store what Webex says of a report now; its file and the counts of checks stay as they are, but for ``more``."""
    values = _values_of(report, now) | more
    tx.upsert(tables.reports, values, conflict=["report_id"], keep=["ready_at"] if values["ready_at"] else [])


def _values_of(report: Report, now: datetime) -> dict[str, Any]:
    return {
        "report_id": report.id,
        "family": report.family.value,
        "region": report.region or None,
        "title": report.title or None,
        "status": report.status,
        "phase": report.phase.value,
        "details": details_of(report),
        "checked_at": now,
        "ready_at": now if report.phase is Phase.READY else None,
        "template_id": report.template_id or (f"{report.service}: {report.title}" if report.title else None),
        "period_days": _days_of(report),
        "on_behalf_of": report.on_behalf_of or None,
    }


def _days_of(report: Report) -> int | None:
    if report.start is None or report.end is None or report.end < report.start:
        return None
    return (report.end - report.start).days + 1


def seconds_of_similar(tx: Transaction, row: ReportRow, most: int) -> list[int]:
    """Return how long the last reports took that are like this one: of its template, for a period of similar length."""
    days = row.period_days or 0
    values = {"family": row.family, "template": row.template_id, "number": most}
    lengths = {"least": days / SIMILAR, "most": days * SIMILAR}
    return list(tx.execute(_SECONDS_OF_SIMILAR, values | lengths).scalars())


def had_rows(tx: Transaction, report: Report) -> bool:
    """Return True when the file of another report of the family has had something in it."""
    others = (_reports.family == report.family.value, _reports.report_id != report.id)
    with_rows = select(_reports.report_id).where(*others, _reports.file_sha256.is_not(None), _reports.blank.is_(None))
    return tx.execute(with_rows.limit(1)).first() is not None


def get(tx: Transaction, report_id: str) -> ReportRow | None:
    """Return the row of a report."""
    return tx.first(read, _GET, {"report": report_id})


def read(row: Sequence[Any]) -> ReportRow:
    """Return a row that begins with the table's columns as an object."""
    values = dict(zip(_NAMES, row, strict=False))
    return ReportRow(**values | {"phase": Phase(values["phase"])})


def with_request(tx: Transaction, request_id: int) -> tuple[requests.Request, ReportRow | None] | None:
    """Return a request and its report, as far as that is known."""
    return tx.first(_pair, _PAIR, {"row": request_id})


def with_requests(tx: Transaction, event: str) -> list[tuple[requests.Request, ReportRow | None]]:
    """Return the requests that an event has made, oldest first, each with its report as far as that is known."""
    return pairs(tx, requests.of_event(event))


def pairs(tx: Transaction, *where: ColumnElement[bool]) -> list[tuple[requests.Request, ReportRow | None]]:
    """Return the requests for which all of this holds, oldest first, each with its report as far as that is known."""
    return [_pair(row) for row in tx.execute(_PAIRS.where(*where).order_by(_requests.id))]


def _pair(row: Row[Any]) -> tuple[requests.Request, ReportRow | None]:
    report = row[len(_requests) :]
    return requests.read(row), None if report[0] is None else read(report)


def set_values(tx: Transaction, report_id: str, **values: Any) -> None:
    """Change columns of one report."""
    tx.execute(_UPDATE, {"report": report_id, **values})


def set_deleted(tx: Transaction, report_id: str, now: datetime, person_id: str) -> None:
    """Store that the bot has deleted a report for a person; of two deletions the first stays."""
    values = {"report": report_id, "deleted_at": now, "deleted_by": person_id}
    tx.execute(_UPDATE.where(_reports.deleted_at.is_(None)), values)


def add_downloads(tx: Transaction, report_id: str, number: int, **values: Any) -> None:
    """Count downloads of a report, and change other columns."""
    tx.execute(_ADD_DOWNLOADS, {"report": report_id, "number": number, **values})


def count_check(tx: Transaction, report_ids: Collection[str], now: datetime) -> None:
    """Store that Webex was asked about these reports and nothing changed."""
    unchanged = update(tables.reports).where(_reports.report_id.in_(report_ids))
    tx.execute(unchanged.values(checks=_reports.checks + 1, checked_at=now, missing=0, next_check_at=None))


def watched(tx: Transaction, which: ReportList) -> list[Watched]:
    """Return the reports of a list that are not ready and for which requests are open.

    Also those that failed: a kill may have come before their requests were closed.
    """
    times = (
        select(
            _requests.report_id,
            func.max(_requests.asked_at, type_=_requests.asked_at.type).label("youngest"),
            func.min(_requests.deadline_at, type_=_requests.deadline_at.type).label("deadline"),
        )
        .where(_requests.state == tables.OPEN, _requests.found_at.is_not(None))
        .group_by(_requests.report_id)
        .subquery()
    )
    query = (
        select(tables.reports, times.c.youngest, times.c.deadline)
        .join(times, times.c.report_id == _reports.report_id)
        .where(
            _reports.phase != Phase.READY.value,
            _reports.family == which.family,
            _reports.region.is_not_distinct_from(which.region),
            _reports.on_behalf_of.is_not_distinct_from(which.on_behalf_of),
        )
        .order_by(_reports.report_id)
    )
    return [Watched(read(row), row.youngest, row.deadline) for row in tx.execute(query)]


def awaited(tx: Transaction) -> list[ReportRow]:
    """Return every report for which a request is open."""
    return [read(row) for row in tx.execute(select(tables.reports).where(_is_awaited))]


def ready_and_awaited(tx: Transaction) -> list[tuple[str, str]]:
    """Return family and ID of the reports that are ready and for which a request is open."""
    ready = select(_reports.family, _reports.report_id).where(_reports.phase == Phase.READY.value, _is_awaited)
    return [(row.family, row.report_id) for row in tx.execute(ready)]


def known_family(tx: Transaction, report_id: str) -> str | None:
    """Return the family in which a report was found before."""
    return tx.execute(select(_reports.family).where(_reports.report_id == report_id)).scalar_one_or_none()


def known_place(tx: Transaction, report_id: str) -> tuple[str, str | None] | None:
    """Return the family in which a report was found before, and the sub-partner organization whose it is."""
    row = tx.execute(select(_reports.family, _reports.on_behalf_of).where(_reports.report_id == report_id)).first()
    return None if row is None else (row.family, row.on_behalf_of)


def ids_beyond(families: Iterable[str]) -> Any:
    """Return a query for the IDs of reports of other families than these."""
    return select(_reports.report_id).where(_reports.family.not_in(families))


def regions(tx: Transaction, family: str, always: Collection[str]) -> list[str]:
    """Return the regions of the reports of a family that the bot has seen.

    Webex makes an empty report for a region that does not exist: it counts only for one of ``always``.
    """
    exists = _reports.region.in_(always) | (_reports.region.is_not(None) & _reports.blank.is_(None))
    return sorted(tx.execute(select(_reports.region).where(_reports.family == family, exists).distinct()).scalars())


def titles(tx: Transaction, report_ids: Collection[str], families: Collection[str]) -> dict[str, str]:
    """Return the titles of reports of these families, by ID, as far as they are known."""
    query = select(_reports.report_id, _reports.title).where(
        _reports.report_id.in_(report_ids), _reports.family.in_(families), _reports.title.is_not(None)
    )
    return {row.report_id: row.title for row in tx.execute(query)}
