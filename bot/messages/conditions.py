"""What is said about the conditions under which a schedule posts its report. Pure."""

from __future__ import annotations

from typing import Final

from bot.messages.sentences import named
from bot.text import count

UNKNOWN_CONDITION: Final = (
    "I don't know that condition. Type `only if not blank`, `only if changed`, or `only if more than 100 rows`; join "
    "several with `and`."
)


def blank(title: str | None) -> str:
    """Return why a blank report was not posted."""
    return f"{named(title)} is blank, so I didn't post it."


def unchanged(title: str | None) -> str:
    """Return why a report with the same contents as the last one was not posted."""
    return f"{named(title)} hasn't changed since this schedule last posted it, so I didn't post it."


def few_rows(title: str | None, rows: int, more_than: int) -> str:
    """Return why a report with few rows was not posted."""
    wanted = f"this schedule posts it only with more than {more_than:,}"
    return f"{named(title)} has {count(rows, 'row')}, and {wanted}, so I didn't post it."
