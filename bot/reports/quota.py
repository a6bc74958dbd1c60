"""How much room Webex leaves: it keeps so many reports of an organization. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from bot.webex.report import Report
    from bot.webex.report_families import Family

MOST_REPORTS: Final = 50
"""Reports of a family that Webex keeps for an organization. Webex publishes no number: administrators tell this one."""
NEARLY_ALL: Final = 40
"""So many in use are worth telling."""
OLD_AFTER: Final = timedelta(days=14)
"""Age at which a finished report that nobody waits for is offered for deletion."""
MOST_AT_ONCE: Final = 20
"""Reports that are deleted by one press."""


def in_use(listed: Iterable[Report], family: Family) -> int:
    """Return how many of Webex's places for reports of a family are taken, by what it lists."""
    return sum(one.family is family for one in listed)


def room_for_one(listed: Iterable[Report], family: Family) -> bool:
    """Return True when Webex should take another report of a family."""
    return in_use(listed, family) < MOST_REPORTS


def scarce(listed: Sequence[Report]) -> dict[Family, int]:
    """Return how many reports are in use, by family, where that is worth telling."""
    used = {one.family: in_use(listed, one.family) for one in listed}
    return {family: number for family, number in used.items() if number >= NEARLY_ALL}


def old(listed: Iterable[Report], awaited: Collection[str], now: datetime) -> list[Report]:
    """Return the finished reports that are old and that nobody waits for, oldest first; as many as go at once."""
    found = [
        (one.created, one)
        for one in listed
        if one.phase is not Phase.PENDING
        and one.created is not None
        and now - one.created > OLD_AFTER
        and one.id not in awaited
    ]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])][:MOST_AT_ONCE]
