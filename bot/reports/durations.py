"""Say how long a report usually takes here, and when to check for it next.

It goes by the last reports of the same template for a period of about the same length that the bot saw become ready.
Well before the soonest of them it is checked rarely, around the usual time often, and after that by the age of the
youngest request, as everything is checked of which nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from bot.db import reports
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.reports import ReportRow, Watched
    from bot.webex.report import Report

LAST: Final = 9
"""Reports that are looked at; a change of Webex's shows after half of them."""
AT_LEAST: Final = 3
"""Reports without which nothing is said."""
LONGEST_INTERVAL: Final = 300.0
"""Seconds between two checks of an old report."""
SHARE_OF_AGE: Final = 0.1
"""A tenth of the youngest request's age: a report of minutes is seen in seconds, one of hours in minutes."""
SHARE_OF_USUAL: Final = 0.04
"""Of the usual time, between two checks around it."""
OVERDUE: Final = 1.5
"""Times the usual time: from then on nothing more is known of it."""


@dataclass(frozen=True, slots=True)
class Usual:
    """How long reports like one took from their creation, in seconds."""

    soonest: float
    median: float


def usual_of(seconds: Sequence[float]) -> Usual | None:
    """Return what is usual of these, if they are enough."""
    return Usual(min(seconds), median(seconds)) if len(seconds) >= AT_LEAST else None


def usual(tx: Transaction, row: ReportRow) -> Usual | None:
    """Return how long a report like this usually takes, as far as the bot knows."""
    return usual_of(reports.seconds_of_similar(tx, row, LAST))


def measured(row: ReportRow, report: Report, now: datetime, shortest: float) -> int | None:
    """Return the seconds from a report's creation to this check, which sees it ready.

    None when it was not seen pending shortly before: it may have been ready for long.
    """
    if row.phase is not Phase.PENDING or report.phase is not Phase.READY or report.created is None:
        return None
    seconds = (now - report.created).total_seconds()
    unseen = (now - row.checked_at).total_seconds()
    return round(seconds) if seconds > 0 and unseen <= LONGEST_INTERVAL + shortest else None


def interval(age: float, shortest: float) -> float:
    """Return the seconds to the next check, by the youngest request's age; ``shortest`` is ``POLL_INTERVAL``."""
    return max(shortest, min(age * SHARE_OF_AGE, LONGEST_INTERVAL))


def wait_by_usual(request_age: float, report_age: float, usual: Usual, shortest: float) -> float:
    """Return the seconds to the next check of a report of which it is known how long it usually takes.

    From the usual time on, none comes later than without that knowledge by more than ``shortest``.
    """
    if report_age < usual.soonest:
        return max(shortest, min((usual.soonest - report_age) / 2, LONGEST_INTERVAL))
    age = max(0.0, request_age)  # a clock that was set back makes nobody wait
    at = 0.0
    while at <= age:
        at += interval(at, shortest)
    wait = at - age
    if report_age < usual.median * OVERDUE:
        wait = min(wait, usual.median * SHARE_OF_USUAL)
    return max(shortest, wait)


def next_check(tx: Transaction, watched: Iterable[Watched], now: datetime, shortest: float) -> float:
    """Return the seconds until the first of these reports is to be checked; one call to Webex serves them all."""
    known: dict[tuple[str | None, int | None], Usual | None] = {}
    waits = []
    for one in watched:
        kind = one.row.template_id, one.row.period_days
        if kind not in known:
            known[kind] = usual(tx, one.row)
        request_age = (now - one.youngest).total_seconds()
        created = one.row.report.created if (found := known[kind]) else None
        if found is None or created is None:
            waits.append(interval(request_age, shortest))
        else:
            waits.append(wait_by_usual(request_age, (now - created).total_seconds(), found, shortest))
    return min(waits)
