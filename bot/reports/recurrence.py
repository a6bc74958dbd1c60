"""When a schedule runs: a recurrence of RFC 5545 on the clock of a time zone. Pure.

The recurrence is of local times without an offset. A local time that the change to daylight saving leaves out becomes
the moment of the change; one that comes twice is taken the first time. So each is one moment, and none is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import dropwhile
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import rrule as rfc5545

from bot.messages.recurrence import NEVER, NOT_A_RECURRENCE, TOO_OFTEN, unknown_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HORIZON: Final = timedelta(days=3660)
"""How far ahead a run is looked for: what has none in ten years has none."""
_DAY: Final = timedelta(days=1)
_BACK: Final = tuple(timedelta(days=days) for days in (2, 40, 400, 3660))
"""How far back the latest run is looked for, the nearest first."""
_STEPS: Final = {"HOURLY": timedelta(hours=1), "DAILY": _DAY, "WEEKLY": timedelta(days=7)}
_OFTEN: Final = frozenset({"MINUTELY", "SECONDLY"})
_RARE: Final = frozenset({"MONTHLY", "YEARLY"})
_PARTS: Final = frozenset(["FREQ", "INTERVAL", "WKST", "UNTIL", "BYMONTH", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND"])
_PARTS_OF_MONTHS: Final = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"})
"""With months and years only: of days and hours, one that never comes would be looked for until the year 9999."""
_NUMBERS: Final = {
    "INTERVAL": range(1, 1001),
    "BYMONTH": range(1, 13),
    "BYHOUR": range(24),
    "BYMINUTE": range(60),
    "BYSECOND": range(60),
    "BYMONTHDAY": range(1, 32),
    "BYYEARDAY": range(1, 367),
    "BYWEEKNO": range(1, 54),
    "BYSETPOS": range(1, 32),
}
"""The numbers of each part; those of months and years may also count from the end, with a minus."""
_MOST_PLACES: Final = 5
"""Values of BYSETPOS, each of which is looked for in every month."""
_WEEKS_OF_MONTH, _WEEKS_OF_YEAR = 5, 53
_PLACES: Final = re.compile(r"(?:^|,)([+-]?\d+)")
"""The numbers of the days of the week in BYDAY."""
_SECONDS: Final = "%Y%m%dT%H%M%S"
LONGEST_RULE: Final = 300


class InvalidRecurrence(Exception):
    """A recurrence that no schedule can have; its text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Local times that recur."""

    rrule: str
    """As in RFC 5545, without a start: ``FREQ=WEEKLY;BYDAY=MO``."""
    dtstart: datetime
    """The local date and time, without an offset, from which it recurs."""
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime | None:
        """Return the first run after a moment, in UTC; None when none follows."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        found = (self.moment_of(one) for one in self._between(local - _DAY, local + HORIZON))
        return next(dropwhile(lambda one: one <= moment, found), None)

    def latest(self, until: datetime) -> datetime | None:
        """Return the last run up to a moment, in UTC; None when there was none."""
        local = until.astimezone(self.zone).replace(tzinfo=None)
        for back in _BACK:
            found = [self.moment_of(one) for one in self._between(local - back, local + _DAY)]
            if passed := [one for one in found if one <= until]:
                return passed[-1]
        return None

    def upcoming(self, moment: datetime, most: int) -> list[datetime]:
        """Return the first runs after a moment, at most so many."""
        found: list[datetime] = []
        while len(found) < most and (following := self.after(found[-1] if found else moment)) is not None:
            found.append(following)
        return found

    def moment_of(self, local: datetime) -> datetime:
        """Return when a local time is, in UTC: the first of two, or where the clock jumps over it."""
        first = local.replace(tzinfo=self.zone, fold=0)
        moment = first.astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == local:
            return moment
        before = first.replace(fold=1).astimezone(UTC)  # the jump lies between the two readings of the time
        while moment - before > timedelta(seconds=1):
            middle = before + (moment - before) // 2
            if middle.astimezone(self.zone).replace(tzinfo=None) < local:
                before = middle
            else:
                moment = middle
        return moment.replace(microsecond=0)

    def _between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the local times from a start to an end, both included."""
        dtstart, parts = self.dtstart, _parts(self.rrule)
        step = _STEPS.get(parts["FREQ"])
        if step is not None and start > dtstart:  # years that have passed cost nothing
            step *= int(parts.get("INTERVAL", "1"))
            # One step earlier than need be: later days of that week may be meant.
            dtstart += max(0, (start - dtstart) // step - 1) * step
        until = parts.pop("UNTIL", None)
        last = end if until is None else min(end, _last(until, self.zone))
        rule = rfc5545.rrulestr(f"{_text(parts)};UNTIL={last:{_SECONDS}}", dtstart=dtstart)
        assert isinstance(rule, rfc5545.rrule)
        return (one for one in rule if one >= start)


def validated(rule: str, dtstart: str, time_zone: str) -> Recurrence:
    """Return the recurrence of these texts. Raises ``InvalidRecurrence`` for one that no schedule can have."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRecurrence(unknown_zone(time_zone)) from None
    try:
        start = datetime.fromisoformat(dtstart)
    except ValueError:
        raise InvalidRecurrence(NOT_A_RECURRENCE) from None
    recurrence = Recurrence(rule, start.replace(tzinfo=None, microsecond=0), zone)
    validate(recurrence)
    return recurrence


def validate(recurrence: Recurrence) -> None:
    """Refuse what no schedule can have: what is no RFC 5545, more than one run an hour, no run at all.

    Raises ``InvalidRecurrence``.
    """
    _checked(recurrence.rrule)
    try:
        first = recurrence.after(recurrence.moment_of(recurrence.dtstart) - timedelta(seconds=1))
    except (ValueError, TypeError, LookupError, OverflowError):
        raise InvalidRecurrence(NOT_A_RECURRENCE) from None
    if first is None:
        raise InvalidRecurrence(NEVER)


def starting(rule: str, at: time, zone: ZoneInfo, now: datetime) -> Recurrence:
    """Return a recurrence at a local time of day that begins with its first run after now.

    "Every two weeks on Monday" begins on the next Monday; hours are counted from the time on this day. Raises
    ``InvalidRecurrence``.
    """
    local = now.astimezone(zone)
    start = datetime.combine(local.date(), at)
    recurrence = Recurrence(rule, start, zone)
    parts = _checked(rule)
    if parts["FREQ"] == "HOURLY":
        return recurrence
    try:
        first = Recurrence(_text(parts | {"INTERVAL": "1"}), start, zone).after(now)
    except (ValueError, TypeError, LookupError, OverflowError):
        raise InvalidRecurrence(NOT_A_RECURRENCE) from None
    if first is None:
        return recurrence
    day = first.astimezone(zone).date()  # the time of day is kept, also where this day does not have it
    return Recurrence(rule, datetime.combine(day, at), zone)


def _checked(rule: str) -> dict[str, str]:
    """Return the parts of a rule after a look at each, before any run of it is looked for.

    The library looks for the runs of a rule that has none until the year 9999, which takes minutes for hours and
    seconds; of one that no month can have, it raises ``IndexError`` in some years only. Raises ``InvalidRecurrence``.
    """
    try:
        parts = _parts(rule)
        # With one minute and one second for all, any two runs are whole hours apart.
        several = any("," in parts.get(name, "") for name in ("BYMINUTE", "BYSECOND"))
        if several or parts["FREQ"] in _OFTEN:
            raise InvalidRecurrence(TOO_OFTEN)
        taken = _PARTS | _PARTS_OF_MONTHS if parts["FREQ"] in _RARE else _PARTS
        known = parts["FREQ"] in _RARE | _STEPS.keys() and parts.keys() <= taken and len(rule) <= LONGEST_RULE
        possible = all(_are_possible(name, value.split(",")) for name, value in parts.items() if name in _NUMBERS)
        possible &= {int(place) for place in _PLACES.findall(parts.get("BYDAY", ""))} <= _possible_places(parts)
    except (ValueError, KeyError):
        raise InvalidRecurrence(NOT_A_RECURRENCE) from None
    if not known or not possible:
        raise InvalidRecurrence(NOT_A_RECURRENCE)
    return parts


def _are_possible(name: str, values: Sequence[str]) -> bool:
    numbers = [int(value) for value in values]
    if name in _PARTS_OF_MONTHS:
        numbers = [abs(number) for number in numbers]
    return all(number in _NUMBERS[name] for number in numbers) and (name != "BYSETPOS" or len(values) <= _MOST_PLACES)


def _possible_places(parts: Mapping[str, str]) -> set[int]:
    """Return which numbers a day of the week may have: up to the 5th Monday of a month, the 53rd of a year."""
    if parts["FREQ"] not in _RARE:
        return set()
    most = _WEEKS_OF_YEAR if parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts else _WEEKS_OF_MONTH
    return {*range(-most, 0), *range(1, most + 1)}


def _parts(rule: str) -> dict[str, str]:
    """Return the parts of a rule by their names. Raises ``ValueError``."""
    return {name: value for name, value in (part.split("=") for part in rule.split(";"))}  # noqa: C416 of pairs only


def _text(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _last(until: str, zone: ZoneInfo) -> datetime:
    """Return the last local time of a rule, which RFC 5545 gives in UTC, or as a day."""
    if until.endswith("Z"):
        moment = datetime.strptime(until, f"{_SECONDS}Z").replace(tzinfo=UTC)
        return moment.astimezone(zone).replace(tzinfo=None)
    return datetime.strptime(until if "T" in until else f"{until}T235959", _SECONDS)  # noqa: DTZ007 it is local
