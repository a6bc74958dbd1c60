"""What Webex would refuse in a new report, told before it is asked. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.messages.request_card import days
from bot.text import count
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from bot.webex.report_templates import NewReport, Template

NO_PERIOD: Final = "This report has no period; run it without one."
REVERSED: Final = "The last day is before the first."


def problems(template: Template, new: NewReport, today: date) -> list[str]:
    """Return a sentence for each thing that Webex would refuse; ``today``: in the time zone of the person."""
    return [*_of_days(template, new, today), *_of_places(template, new)]


def longest_within(template: Template, new: NewReport, today: date) -> NewReport | None:
    """Return a report whose period is too long for the last of its days, as many as fit; None where none would run."""
    if template.max_days is None or new.start is None or new.end is None:
        return None
    if (new.end - new.start).days < template.max_days:
        return None
    end = min(new.end, template.data_end or today)
    start = max(end - timedelta(days=template.max_days - 1), new.start, template.data_start or new.start)
    shorter = replace(new, start=start, end=end)
    return None if problems(template, shorter, today) else shorter


def _of_days(template: Template, new: NewReport, today: date) -> Iterator[str]:
    if not template.takes_dates:
        return
    if new.start is None or new.end is None:
        yield "Which period? For example: last week, May, Q2, or Oct 1–15."
        return
    if new.end < new.start:
        yield REVERSED
        return
    length = (new.end - new.start).days + 1
    if template.max_days is not None and length > template.max_days:
        yield f"This report covers at most {count(template.max_days, 'day')}; that's {length}."
    if template.data_start is not None and new.start < template.data_start:
        yield f"There's no data before {_day(template.data_start)}."
    last = template.data_end or today
    if new.end > last:
        yield f"There's no data after {_day(last)} yet."


def _of_places(template: Template, new: NewReport) -> Iterator[str]:
    family = FAMILIES[template.family]
    if template.needs_sites and not new.sites:
        yield "Which Webex site? For example: acme.webex.com."
    if new.region and not family.takes_region:
        yield f"{family.name.capitalize()}s have no region."
    if new.sites and family.takes_region:
        yield f"{family.name.capitalize()}s are for a region, not for a site."


def _day(day: date) -> str:
    return days(day, day)
