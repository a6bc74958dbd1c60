"""Sentences about a report whose file has nothing in it: the likeliest cause first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.messages.request_card import days
from bot.text import count, escape_markdown, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bot.files.csv_rows import Contents
    from bot.webex.report_templates import NewReport

ANOTHER_SITE: Final = "Choose another site"
ON_THE_CARD: Final = "There are no values in this file; its card says why."
NO_ACTIVITY: Final = "there was no activity in the period"
NOT_BEGUN: Final = "because Webex has no data for its period yet"
PROBABLY_NO_ACTIVITY: Final = f"most likely because {NO_ACTIVITY}"
NOT_IN_NORTH_AMERICA: Final = "most likely because Webex has this data only for organizations in North America"
NO_LICENSE: Final = "a license is missing"
NO_PRO_PACK: Final = f"Pro Pack or a license is missing, or {NO_ACTIVITY}"


def empty(contents: Contents) -> str:
    """Return what is in the file, as the beginning of a sentence."""
    if contents.no_values:
        return "The report has no values (every cell is NA)"
    return "The report is empty (header only)" if contents.columns else "The report is empty"


def no_data(first: date | None, last: date) -> str:
    """Return the cause of a period for which Webex has no data."""
    which = f"for {days(first, last)}" if first is not None else f"until {days(last, last)}"
    return f"because Webex has data only {which}"


def too_long(most: int) -> str:
    """Return the cause of a period that is longer than the template takes."""
    return f"most likely because its period is longer than the {count(most, 'day')} that Webex takes"


def no_organization(region: str) -> str:
    """Return the cause of a report for a region that is not the home region."""
    return f"most likely because {nobody_in(region)}"


def no_service(sites: Sequence[str], service: str) -> str:
    """Return the cause of a report for sites."""
    where = escape_markdown(", ".join(sites))
    return f"most likely because {where} has no {escape_markdown(service) or 'such service'}"


def no_license(region: str) -> str:
    """Return what it may be where nobody did anything; ``region``: the report's, in a family that has regions."""
    return f"{NO_LICENSE}, or {nobody_in(region)}" if region else NO_LICENSE


def nobody_in(region: str) -> str:
    """Return that there is nobody in a region."""
    return f"none of your organizations is in the region {escape_markdown(region)}"


def title_for(new: NewReport, region: str | None) -> str:
    """Return the button's title for another region (empty: the home region) or, where that is None, another period."""
    if region is not None:
        return f"Run for {one_line(region, 20) or 'the home region'}"
    assert new.start is not None
    assert new.end is not None
    return f"Run for {days(new.start, new.end)}"
