"""Which of the reports that Webex lists words name. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from bot.messages.report_form import REGIONS
from bot.messages.request_card import family_name, status_word, title_of
from bot.reports.mistyped_periods import guess_period
from bot.reports.periods import find_period
from bot.reports.search import Found, Searchable, asked_for, is_same_title, matching, search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from bot.errors import WebexError
    from bot.reports.periods import Period
    from bot.webex.report import Report
    from bot.webex.report_families import Family

REGION_WORDS: Final = {"usa": "US", "america": "US", "europe": "EU", "canada": "CA"} | {
    one.casefold(): one for one in REGIONS
}
"""Words that name a region, in any case. Webex lists the reports of one region, the home region by default."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a message names among the reports that are listed."""

    found: Found[Report]
    period: Period | None = None
    """The days that it names, if they were needed to find it."""
    of_other_days: bool = False
    """The nearest reports have all the other words; only their days are not those of the period."""
    regions: tuple[str, ...] = ()
    """The regions beside the home region in which it was looked, too."""
    refused: Mapping[Family, WebexError] = field(default_factory=dict)
    """The families that could not be listed."""

    @property
    def days(self) -> tuple[date, date] | None:
        """Return the first and the last day of the period."""
        return None if self.period is None else (self.period.start, self.period.end)

    @property
    def one(self) -> Report | None:
        """Return the report when it is the only one, or the newest of one that was run often."""
        first = next(iter(self.found.items), None)
        return first if first and all(_is_run_of(first, other) for other in self.found.items) else None


def find_named(words: Sequence[str], listed: Sequence[Report], today: date) -> Named:
    """Return the reports that the words name; they are listed newest first.

    All words are tried as they are before some of them are read as a period: a title may have a month in it.
    """
    found = search(words, listed, report_texts)
    if found.items and found.exact:
        return Named(found)
    period, rest, sure = _period_in(words, today)
    if period is None:
        return Named(found)
    of_period = _found([one for one in listed if (one.start, one.end) == (period.start, period.end)], rest)
    if of_period.items:
        return Named(replace(of_period, exact=of_period.exact and sure), period)
    near = _found([one for one in listed if _touches(one, period)], rest)
    near = near if near.items else _found(listed, rest)
    return Named(Found(nearest=near.items or near.nearest), period, of_other_days=bool(near.items) and near.exact)


def _period_in(words: Sequence[str], today: date) -> tuple[Period | None, tuple[str, ...], bool]:
    """Return the period in the words, the words without it, and False where typing errors in it were forgiven."""
    period, rest = find_period(words, today)
    return (period, rest, True) if period is not None else (*guess_period(words, today), False)


def _found(listed: Sequence[Report], words: Sequence[str]) -> Found[Report]:
    """Return which of these reports the words name; all of them where the words ask for nothing."""
    return search(words, listed, report_texts) if asked_for(words) else Found(tuple(listed), exact=True)


def filter_reports(words: Sequence[str], listed: Sequence[Report], today: date) -> Named:
    """Return every report that has all the words and touches the period in them, in the order given."""
    found = matching(words, listed, report_texts)
    if found.items and found.exact:
        return Named(found)
    period, rest, sure = _period_in(words, today)
    if period is None:
        return Named(found)
    those = [one for one in listed if _touches(one, period)]
    fitting = matching(rest, those, report_texts)
    return Named(replace(fitting, exact=fitting.exact and sure), period)


def region_in(words: Sequence[str]) -> str | None:
    """Return the region whose reports the words are about, None for the home region."""
    return next((REGION_WORDS[word.casefold()] for word in words if word.casefold() in REGION_WORDS), None)


def report_texts(report: Report) -> Searchable:
    """Return the texts by which a report is found."""
    raw = [text for day, text in ((report.start, report.start_raw), (report.end, report.end_raw)) if day is None]
    years = [str(day.year) for day in (report.start, report.end) if day is not None]
    region = {report.region, *(word for word, of in REGION_WORDS.items() if of == report.region.upper())}
    return Searchable(
        title_of(report),
        also=(report.service, family_name(report)),
        exactly=(*sorted(region), *report.sites, status_word(report), report.status, *years, *raw),
    )


def _is_run_of(one: Report, other: Report) -> bool:
    """Return True for the same report, run at different times or for different days."""
    return (
        (one.family, one.template_id, one.region, one.sites, one.on_behalf_of)
        == (other.family, other.template_id, other.region, other.sites, other.on_behalf_of)
    ) and is_same_title(title_of(one), title_of(other))


def _touches(report: Report, period: Period) -> bool:
    """Return True for a report with data of the period; one without days is of the day when it was created."""
    created = report.created.date() if report.created else None
    start, end = report.start or created, report.end or report.start or created
    return start is not None and end is not None and start <= period.end and end >= period.start
