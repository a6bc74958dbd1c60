"""A recurrence in the words that people type, and what they are told where one is refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.text import escape_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import time

TOO_OFTEN: Final = "That's too often: an hour is the shortest interval."
NEVER: Final = "A schedule like that would never run."
NOT_A_RECURRENCE: Final = "I can't read when it should run."
LONGEST_ZONE: Final = 60
DAY_NAMES: Final = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
MANY_DAYS: Final = 5
"""Days of a week on which something runs, from which each run is for a day."""
WORKDAYS: Final = "MO,TU,WE,TH,FR"
QUARTERLY: Final = "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYMONTHDAY=1"
"""On the first day of each quarter of the year."""
_UNITS: Final = {"HOURLY": "hour", "DAILY": "day", "WEEKLY": "week", "MONTHLY": "month"}
_PLACES: Final = {"1": "first", "2": "second", "3": "third", "4": "fourth", "-1": "last"}
_SHORTEST_MONTH: Final = 28


def unknown_zone(name: str) -> str:
    """Return that there is no such time zone."""
    return f"“{escape_markdown(name, LONGEST_ZONE)}” isn't a time zone that I know."


def in_words(rule: str, at: time | None = None) -> str:
    """Return when it is, as it can be typed: ``every Monday and Thursday 08:00``; a rule of others as it is."""
    parts = dict(part.split("=") for part in rule.split(";") if part.count("=") == 1)
    said = "every quarter" if rule == QUARTERLY else _days(parts)
    if said is None:
        said = f"by the rule {rule}"
    clock = f"{at:%H:%M}" if at is not None else ""
    if clock and rule.startswith("FREQ=HOURLY"):
        clock = f"from {clock}"
    return f"{said} {clock}".rstrip()


def _days(parts: Mapping[str, str]) -> str | None:
    """Return the days in words; None where there are none for them."""
    freq = parts.get("FREQ", "")
    number = parts.get("INTERVAL", "1")
    by = {name: value for name, value in parts.items() if name not in {"FREQ", "INTERVAL", "WKST"}}
    if freq not in _UNITS:
        return None
    unit = _UNITS[freq]
    every = f"every {unit}" if number == "1" else f"every {number} {unit}s"
    if not by:
        return every
    names = [DAY_NAMES.get(day, "") for day in by.get("BYDAY", "").split(",")]
    if freq == "WEEKLY" and by.keys() == {"BYDAY"} and all(names):
        if number != "1":
            return f"{every} on {_listed(names)}"
        return "every weekday" if by["BYDAY"] == WORKDAYS else f"every {_listed(names)}"
    which = _of_month(by) if freq == "MONTHLY" else None
    return None if which is None else f"{every} on the {which}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _of_month(by: Mapping[str, str]) -> str | None:
    day, date, place = by.get("BYDAY", ""), by.get("BYMONTHDAY", ""), by.get("BYSETPOS", "")
    if by.keys() == {"BYMONTHDAY"} and date == "-1":
        return "last day"
    if by.keys() == {"BYMONTHDAY"} and date.isdecimal():
        return ordinal(int(date))
    if by.keys() == {"BYMONTHDAY", "BYSETPOS"} and place == "-1":
        days = date.split(",")
        if days == [str(one) for one in range(_SHORTEST_MONTH, _SHORTEST_MONTH + len(days))]:
            return ordinal(int(days[-1]))
    if by.keys() == {"BYDAY", "BYSETPOS"} and day == WORKDAYS and place in _PLACES:
        return f"{_PLACES[place]} weekday"
    if by.keys() == {"BYDAY"} and day[:-2] in _PLACES and day[-2:] in DAY_NAMES:
        return f"{_PLACES[day[:-2]]} {DAY_NAMES[day[-2:]]}"
    return None


def ordinal(number: int) -> str:
    """Return ``1st``, ``22nd``, ``13th``."""
    teens = number % 100 in range(11, 14)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def days_left_out(rule: str, period: str) -> str:
    """Return which days of the week are in no report where each run is for the day before; empty where none is."""
    runs = rule.partition("BYDAY=")[2].partition(";")[0].split(",")
    if not rule.startswith("FREQ=WEEKLY") or "INTERVAL" in rule or period != "yesterday" or len(runs) < MANY_DAYS:
        return ""
    days = list(DAY_NAMES)
    missing = [DAY_NAMES[day] for day, after in zip(days, days[1:] + days[:1], strict=True) if after not in runs]
    if not missing:
        return ""
    are = "is" if len(missing) == 1 else "are"
    return f"Each run is for the day before: {_listed(missing)} {are} in no report."


def short_months(rule: str) -> str:
    """Return what happens in months without its date; empty where every month has it."""
    if "BYSETPOS=-1" in rule and "BYMONTHDAY=28," in rule:
        return "In shorter months, it runs on the last day."
    return ""
