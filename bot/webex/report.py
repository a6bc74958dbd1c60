"""One report, whichever family it comes from and however Webex spells it today.

The partner family answers a flat object, the organization family wraps it in ``items``, the documents differ from both,
and the same field has several names. Everything after this module sees one :class:`Report`. Pure: no I/O.

Sources: Webex's "Get Report Details" pages of both families, and answers seen by other clients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from bot.errors import BotError
from bot.webex.ids import decoded, same_id
from bot.webex.json_fields import Expiry, read_day, read_expiry, read_moment, read_sites, read_size, read_text

if TYPE_CHECKING:
    from datetime import date, datetime

    from bot.webex.report_families import Family

__all__ = [
    "Expiry",
    "Listing",
    "Phase",
    "Report",
    "ReportMissing",
    "ReportUnreadable",
    "is_known_status",
    "is_report_id",
    "looks_like_report_id",
    "phase_of",
    "plain_status",
    "read_details",
    "read_expiry",
    "read_list",
]

_REPORT_ID = re.compile(r"[A-Za-z0-9_=-]{1,512}")
_DECODED_REPORT_ID = re.compile(r"ciscospark://[!-.0-~]+/REPORT/[!-.0-=@-~]+")
"""Without ``>`` and ``?``: a hyphen or underscore behind an id decodes to one of them."""
_NO_LETTER = re.compile(r"[^a-z0-9]")
_SEPARATORS = re.compile(r"[\W_]+")

WRAPPER: Final = "items"
"""The field that holds the report, or the reports, in the organization family's answers."""

NAMES: Final = {
    "id": ("id", "reportid"),
    "title": ("title", "reporttitle"),
    "service": ("service",),
    "template_id": ("templateid",),
    "region": ("regionid", "region"),
    "sites": ("sitelist",),
    "start": ("startdate",),
    "end": ("enddate",),
    "created": ("createdtime", "created"),
    "created_by": ("createdby",),
    "origin": ("schedulefrom", "scheduledfrom"),
    "status": ("status",),
    "file_name": ("filename",),
    "file_size": ("filesize",),
    "checksum": ("checksum",),
    "download_url": ("downloadurl",),
    "expiry": ("downloadurlexpirytime",),
}
"""Our field → Webex's names for it, in lower case and without separators: case and underscores differ too."""


READY_WORDS: Final = frozenset(
    {"done", "completed", "complete", "finished", "ready", "success", "succeeded", "successful", "available"}
)
FAILED_WORDS: Final = frozenset({"failed", "fail", "failure", "error", "errored", "aborted", "canceled", "cancelled"})
PENDING_WORDS: Final = frozenset(
    {
        "waiting",
        "queued",
        "pending",
        "scheduled",
        "submitted",
        "started",
        "initiated",
        "running",
        "processing",
        "generating",
        "manualprocessing",
        "inprogress",
        "inprocess",
        "inqueue",
        "preparing",
        "notstarted",
    }
)
"""Statuses, without case and separators. Webex publishes no list: some were seen, the others are what services say."""


class Phase(StrEnum):
    """What a status means to the bot. Webex has no list of statuses, so those that nobody knows are pending."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class ReportUnreadable(BotError):
    """Webex's answer about this report cannot be read."""


class ReportMissing(ReportUnreadable):
    """Webex's answer holds no report."""


@dataclass(frozen=True, slots=True)
class Report:
    """What Webex says of one report. Unknown texts are empty, other unknown values None."""

    id: str
    family: Family
    status: str
    """As Webex spells it."""
    title: str = ""
    service: str = ""
    template_id: str = ""
    region: str = ""
    on_behalf_of: str = ""
    """The sub-partner organization whose report it is; Webex finds it only in calls that name it."""
    sites: tuple[str, ...] = ()
    start: date | None = None
    start_raw: str = ""
    end: date | None = None
    end_raw: str = ""
    created: datetime | None = None
    """Aware UTC."""
    created_raw: str = ""
    created_by: str = ""
    origin: str = ""
    """What asked for it: ``api`` and the like (``scheduleFrom``)."""
    file_name: str = ""
    """As Webex gives it: a CSV's name even when the body is a zip, and nothing to trust as a path."""
    file_size: int | None = None
    """In Webex's undocumented unit, likely bytes; None when unknown (Webex then says 0)."""
    checksum: str = ""
    download_url: str = field(default="", repr=False)
    """Never shown, logged or stored."""
    expiry: Expiry | None = None
    expiry_raw: str = ""
    fetched_at: datetime | None = None
    """When Webex gave these details; aware UTC."""
    taken_for_ready: bool = False
    """Its status is no word that we know, and its file is tried all the same: see ``unknown_status.py``."""

    @property
    def phase(self) -> Phase:
        """Return what the status means: wait, deliver or give up."""
        return Phase.READY if self.taken_for_ready else phase_of(self.status)


class Listing(list[Report]):
    """Reports in Webex's order; ``skipped`` counts the entries without a usable id."""

    skipped: int = 0


def phase_of(status: str) -> Phase:
    """Read a status without regard to case and separators; what is in no list of ours is pending."""
    word = plain_status(status)
    if word in READY_WORDS:
        return Phase.READY
    return Phase.FAILED if word in FAILED_WORDS else Phase.PENDING


def is_known_status(status: str) -> bool:
    """Return True when it is in one of our lists; no status at all is not."""
    return plain_status(status) in READY_WORDS | FAILED_WORDS | PENDING_WORDS


def plain_status(status: str) -> str:
    """Return a status without case and separators, as it is compared."""
    return _SEPARATORS.sub("", status.casefold())


def is_report_id(text: str) -> bool:
    """Return True when a text can be an ID at all: safe in a path, otherwise opaque."""
    return _REPORT_ID.fullmatch(text) is not None


def looks_like_report_id(text: str) -> bool:
    """Return True when a text decodes to ``ciscospark://…/REPORT/…``, as every id seen so far does."""
    bare = text.rstrip("=")
    return is_report_id(text) and "=" not in bare and _DECODED_REPORT_ID.fullmatch(decoded(bare)) is not None


def read_details(payload: Any, family: Family, fetched_at: datetime, report_id: str = "") -> Report:
    """Read the answer to "get report details", in any wrapping; ``fetched_at`` is an aware UTC time.

    What is asked for by its ``report_id`` has that id, however the answer spells it; it may be left out where there is
    one entry. Raises :class:`ReportMissing` when the answer holds no report, or others, and
    :class:`ReportUnreadable` when what it holds is none.
    """
    entries = _entries(payload)
    if not entries:
        raise ReportMissing
    asked = report_id if len(entries) == 1 else ""
    reports = [report for report in (_read(entry, family, fetched_at, asked) for entry in entries) if report]
    if not reports:
        raise ReportUnreadable
    if not report_id:
        return reports[0]
    chosen = next((report for report in reports if same_id(report.id, report_id)), None)
    if chosen is None:
        if len(reports) > 1 or looks_like_report_id(reports[0].id):
            raise ReportMissing
        chosen = reports[0]
    return replace(chosen, id=report_id)


def read_list(payload: Any, family: Family, fetched_at: datetime) -> Listing:
    """Read the answer to "list reports", in any wrapping. Entries without a usable id are skipped and counted.

    Raises :class:`ReportUnreadable` when the answer is no list of reports at all, or holds none that can be used.
    """
    entries = _entries(payload)
    listing = Listing(report for report in (_read(entry, family, fetched_at) for entry in entries) if report)
    listing.skipped = len(entries) - len(listing)
    values = payload.values() if isinstance(payload, dict) else payload
    if listing.skipped and not listing and any(value and isinstance(value, list | dict) for value in values):
        raise ReportUnreadable  # to say that there are no reports would be untrue
    return listing


def _entries(payload: Any) -> list[Any]:
    """Take the wrapping off: a bare list, ``{"items": […]}``, ``{"items": {…}}``, or one flat object."""
    inner = payload
    if isinstance(payload, dict):
        inner = _plain_names(payload).get(WRAPPER, payload)
    if isinstance(inner, list):
        return inner
    if isinstance(inner, dict):
        return [inner] if inner else []
    raise ReportUnreadable


def _read(entry: Any, family: Family, fetched_at: datetime, asked: str = "") -> Report | None:
    if not isinstance(entry, dict):
        return None
    given = _plain_names(entry)
    raw = {ours: next((given[name] for name in names if name in given), None) for ours, names in NAMES.items()}
    report_id = read_text(raw["id"], longest=None) or (asked if raw["status"] or raw["download_url"] else "")
    if not is_report_id(report_id):
        return None
    return Report(
        id=report_id,
        family=family,
        status=read_text(raw["status"]),
        title=read_text(raw["title"]),
        service=read_text(raw["service"]),
        template_id=read_text(raw["template_id"]),
        region=read_text(raw["region"]),
        sites=read_sites(raw["sites"]),
        start=read_day(raw["start"]),
        start_raw=read_text(raw["start"]),
        end=read_day(raw["end"]),
        end_raw=read_text(raw["end"]),
        created=read_moment(raw["created"]),
        created_raw=read_text(raw["created"]),
        created_by=read_text(raw["created_by"]),
        origin=read_text(raw["origin"]),
        file_name=read_text(raw["file_name"]),
        file_size=read_size(raw["file_size"]),
        checksum=read_text(raw["checksum"]),
        download_url=read_text(raw["download_url"], longest=None),
        expiry=read_expiry(raw["expiry"], fetched_at),
        expiry_raw=read_text(raw["expiry"]),
        fetched_at=fetched_at,
    )


def _plain_names(entry: dict[Any, Any]) -> dict[str, Any]:
    """Return field names without case and separators; of two spellings the first that says something wins."""
    plain: dict[str, Any] = {}
    for name, value in entry.items():
        if value not in (None, ""):
            plain.setdefault(_NO_LETTER.sub("", str(name).lower()), value)
    return plain
