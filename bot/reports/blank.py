"""Say why a report's file has nothing in it, from what is known, and which report to run instead. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from bot.db.blank import Blank
from bot.messages import blank_report
from bot.messages.report_form import argument_of
from bot.reports.periods import Period, last_until
from bot.webex.report_families import FAMILIES, Family
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from bot.files.csv_rows import Contents
    from bot.webex.report import Report
    from bot.webex.report_templates import Template

_DAY: Final = timedelta(days=1)
PLAUSIBLE: Final = range(2000, 2200)
"""Years of days that a report can be about."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the report itself, as far as it could be found out."""

    template: Template | None = None
    home_region: str | None = None
    """The partner's; empty: another than the report's; None: not known."""
    had_rows: bool = False
    """Another report of this family has had rows."""


@dataclass(frozen=True, slots=True)
class _Cause:
    """Two clauses of the sentence, and what differs in the report to run instead."""

    clause: str
    otherwise: str = ""
    period: Period | None = None
    region: str | None = None
    other_site: bool = False


def is_blank(contents: Contents | None) -> bool:
    """Return True when nothing is in the file; a single line may be an error message instead."""
    return contents is not None and (contents.no_values or (contents.empty and contents.columns != 1))


def diagnose(report: Report, contents: Contents, known: Known, today: date) -> Blank:
    """Return the likeliest cause, in a sentence, and what to run instead."""
    cause = _of_period(report, known, today) or _of_place(report, known) or _other(report, known)
    found = Blank(f"{blank_report.empty(contents)}, {cause.clause}", cause.otherwise)
    new = _new(report, known)
    if new is None:
        return found
    if cause.other_site:
        return replace(found, title=blank_report.ANOTHER_SITE, argument=argument_of(replace(new, sites=())))
    if cause.region is not None:
        new = replace(new, region=cause.region)
    elif cause.period is not None:
        new = replace(new, start=cause.period.start, end=cause.period.end)
    else:
        return found
    return replace(found, title=blank_report.title_for(new, cause.region), argument=argument_of(new))


def _period_of(report: Report, known: Known) -> Period | None:
    if known.template and not known.template.takes_dates:
        return None
    start, end = _plausible(report.start), _plausible(report.end)
    return Period(start, end) if start and end and start <= end else None


def _plausible(day: date | None) -> date | None:
    return day if day is not None and day.year in PLAUSIBLE else None


def _new(report: Report, known: Known) -> NewReport | None:
    """Return this report as one that may be run; None where its template is not known."""
    template_id = known.template.id if known.template else report.template_id
    if not template_id:
        return None
    period = _period_of(report, known)
    return NewReport(
        family=report.family,
        template_id=template_id,
        start=period.start if period else None,
        end=period.end if period else None,
        region=report.region if FAMILIES[report.family].takes_region else "",
        sites=report.sites if known.template and known.template.needs_sites else (),
        on_behalf_of=report.on_behalf_of,
    )


def _of_period(report: Report, known: Known, today: date) -> _Cause | None:
    """Return the cause when Webex has no data for the period."""
    period, template = _period_of(report, known), known.template
    if period is None:
        return None
    first = _plausible(template.data_start) if template else None
    data_end = _plausible(template.data_end) if template else None
    last = min(data_end or today, today - _DAY)
    if period.start > last:
        clause = blank_report.NOT_BEGUN if period.start >= today else blank_report.no_data(first, last)
        return _Cause(clause, period=_with_data(last_until(period, last), first, last))
    if first is not None and period.end < first:
        later = Period(first, first + _DAY * min(period.days - 1, (last - first).days))
        return _Cause(blank_report.no_data(first, last), period=_with_data(later, first, last))
    most = template.max_days if template else None
    if most is not None and period.days > most:
        shorter = Period(period.end - _DAY * (most - 1), period.end)
        return _Cause(blank_report.too_long(most), blank_report.NO_ACTIVITY, period=shorter)
    return None


def _with_data(period: Period, first: date | None, last: date) -> Period | None:
    return period if (first or period.start) <= period.start <= period.end <= last else None


def _of_place(report: Report, known: Known) -> _Cause | None:
    """Return the cause when it is likely that there is nothing where the report is for."""
    home = known.home_region
    if report.region and home is not None and home != report.region:
        return _Cause(blank_report.no_organization(report.region), blank_report.NO_ACTIVITY, region=home)
    if report.sites and known.template and known.template.needs_sites:
        clause = blank_report.no_service(report.sites, report.service)
        return _Cause(clause, blank_report.NO_ACTIVITY, other_site=True)
    if report.family is Family.ORGANIZATION and not known.had_rows:
        return _Cause(blank_report.NOT_IN_NORTH_AMERICA, blank_report.NO_PRO_PACK)
    return None


def _other(report: Report, known: Known) -> _Cause:
    """Return the cause that is left: nobody did anything."""
    region = report.region if FAMILIES[report.family].takes_region else ""
    cause = _Cause(blank_report.PROBABLY_NO_ACTIVITY, blank_report.no_license(region))
    period = _period_of(report, known)
    if period is None:
        return cause
    first = _plausible(known.template.data_start) if known.template else None
    before = last_until(period, period.start - _DAY)
    return replace(cause, period=_with_data(before, first, period.start))
