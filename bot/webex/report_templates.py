"""What Webex can run: the templates of both families, and a report that is to be created from one. Pure.

Sources: Webex's "List Report Templates" pages of both families, and answers seen by other clients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.webex.json_fields import read_day, read_number, read_text
from bot.webex.report import ReportUnreadable

if TYPE_CHECKING:
    from datetime import date

    from bot.webex.report_families import Family

WRAPPER: Final = "items"
NAMES: Final = {
    "id": ("templateid", "id"),
    "title": ("title", "reporttitle"),
    "service": ("service",),
    "category": ("category",),
    "max_days": ("maxdays",),
    "identifier": ("identifier",),
    "data_start": ("datastartdate", "startdate"),
    "data_end": ("dataenddate", "enddate"),
}
"""Our field → Webex's names for it, in lower case and without separators."""
_ID: Final = re.compile(r"\S{1,64}")
"""A button names a template by its ID, as one word."""
LONGEST_PERIOD: Final = 3660
"""Days: a larger number means that there is no limit."""
PLAUSIBLE: Final = range(2000, 2200)
"""Years of days for which there may be data; others stand for "not known"."""
_NO_LETTER: Final = re.compile(r"[^a-z0-9]")
_YES: Final = frozenset({"yes", "true", "1"})
WITHOUT_DATES: Final = "withoutdate"
"""In a template's ``identifier``: it takes no period."""


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of report that Webex runs. Unknown texts are empty, other unknown values None."""

    id: str
    family: Family
    title: str
    service: str = ""
    category: str = ""
    max_days: int | None = None
    """Days of the longest period, both ends counted."""
    data_start: date | None = None
    """The first day for which there is data."""
    data_end: date | None = None
    """The last day for which there is data."""
    required: frozenset[str] = frozenset()
    """Fields that it asks for, by Webex's names (``startDate``, ``siteList``)."""
    optional: frozenset[str] = frozenset()
    """Fields that it takes besides."""
    takes_dates: bool = True

    @property
    def needs_sites(self) -> bool:
        """Return True when a report of it is for named Webex sites."""
        return "siteList" in self.required

    @property
    def takes_time_zone(self) -> bool:
        """Return True when its days are those of a time zone that can be named."""
        return "timeZone" in self.required | self.optional

    @property
    def key(self) -> str:
        """Return ``family:id``, as buttons name it."""
        return f"{self.family.value}:{self.id}"


@dataclass(frozen=True, slots=True)
class NewReport:
    """What is asked of Webex when a report is created."""

    family: Family
    template_id: str
    start: date | None = None
    end: date | None = None
    region: str = ""
    """Empty: the partner's home region."""
    sites: tuple[str, ...] = ()
    time_zone: str = ""
    """An IANA name; of organization reports."""
    on_behalf_of: str = ""
    """The sub-partner organization that it is created for; of partner reports."""


def read_templates(payload: Any, family: Family) -> list[Template]:
    """Read the answer to "list report templates": a bare array, or one wrapped in ``items``.

    Entries without a title or an ID that a button can name are left out. Raises :class:`ReportUnreadable` when it is
    no list of templates.
    """
    inner = payload.get(WRAPPER) if isinstance(payload, dict) else payload
    if not isinstance(inner, list):
        raise ReportUnreadable
    found = [template for template in (_read(entry, family) for entry in inner) if template is not None]
    if inner and not found:
        raise ReportUnreadable
    return found


def _read(entry: Any, family: Family) -> Template | None:
    if not isinstance(entry, dict):
        return None
    given = {_NO_LETTER.sub("", str(name).lower()): value for name, value in entry.items() if value not in (None, "")}
    raw = {ours: next((given[name] for name in names if name in given), None) for ours, names in NAMES.items()}
    template_id, title = read_text(raw["id"]), read_text(raw["title"])
    if not _ID.fullmatch(template_id) or not title:
        return None
    longest = read_number(raw["max_days"])
    first, last = _plausible(raw["data_start"]), _plausible(raw["data_end"])
    if first and last and last < first:  # whatever was meant, the bot must refuse nothing because of it
        first = last = None
    return Template(
        id=template_id,
        family=family,
        title=title,
        service=read_text(raw["service"]),
        category=read_text(raw["category"]),
        max_days=int(longest) if longest is not None and 1 <= longest <= LONGEST_PERIOD else None,
        data_start=first,
        data_end=last,
        required=_fields(given.get("validations"), required=True),
        optional=_fields(given.get("validations"), required=False),
        takes_dates=WITHOUT_DATES not in read_text(raw["identifier"]).casefold(),
    )


def _plausible(value: Any) -> date | None:
    day = read_day(value)
    return day if day is not None and day.year in PLAUSIBLE else None


def _fields(validations: Any, *, required: bool) -> frozenset[str]:
    entries = [one for one in validations if isinstance(one, dict)] if isinstance(validations, list) else []
    return frozenset(
        field
        for one in entries
        if (str(one.get("required", "")).casefold() in _YES) is required and (field := read_text(one.get("field")))
    )


def body_of(new: NewReport) -> dict[str, Any]:
    """Return the JSON that creates a report."""
    number = new.template_id
    values: dict[str, Any] = {
        "templateId": int(number) if number.isdecimal() else number,
        "startDate": new.start.isoformat() if new.start else None,
        "endDate": new.end.isoformat() if new.end else None,
        "regionId": new.region,
        "siteList": ",".join(new.sites),
        "timeZone": new.time_zone,
    }
    return {name: value for name, value in values.items() if value}


def created_id(payload: Any) -> str:
    """Return the ID of a report that was created, whichever way the family wraps it; empty when it gives none."""
    inner = payload.get(WRAPPER, payload) if isinstance(payload, dict) else payload
    if isinstance(inner, list):
        inner = inner[0] if inner else None
    if not isinstance(inner, dict):
        return ""
    given = {_NO_LETTER.sub("", str(name).lower()): value for name, value in inner.items()}
    return next((read_text(given[name], longest=None) for name in ("reportid", "id") if name in given), "")
