"""A slow reference for recurrences that knows no rules: it looks at days and minutes one by one."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    OnDay = Callable[[date, date], bool]

ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/St_Johns"),
    *("Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Asia/Kathmandu", "Africa/Casablanca", "Asia/Tehran"),
)
WORKDAYS = "MO,TU,WE,TH,FR"


def at(day: str, hour: int = 0, minute: int = 0) -> datetime:
    """Return a local time."""
    return datetime.combine(date.fromisoformat(day), time(hour, minute))


def is_workday(day: date) -> bool:
    return day.weekday() < 5


def last_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def first_workday(day: date) -> bool:
    return is_workday(day) and not any(is_workday(day.replace(day=one)) for one in range(1, day.day))


def last_workday(day: date) -> bool:
    return is_workday(day) and not any(is_workday(day.replace(day=one)) for one in range(day.day + 1, last_of(day) + 1))


def weeks_between(start: date, day: date) -> int:
    return ((day - timedelta(days=day.weekday())) - (start - timedelta(days=start.weekday()))).days // 7


RULES: dict[str, OnDay] = {
    "FREQ=DAILY": lambda _, __: True,
    "FREQ=DAILY;INTERVAL=3": lambda day, start: (day - start).days % 3 == 0,
    f"FREQ=WEEKLY;BYDAY={WORKDAYS}": lambda day, _: is_workday(day),
    "FREQ=WEEKLY;BYDAY=MO,TH": lambda day, _: day.weekday() in {0, 3},
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH": lambda day, start: (
        day.weekday() in {0, 3} and weeks_between(start, day) % 2 == 0
    ),
    "FREQ=MONTHLY;BYMONTHDAY=1": lambda day, _: day.day == 1,
    "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1": lambda day, _: day.day == last_of(day),
    "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1": lambda day, _: day.day == min(30, last_of(day)),
    f"FREQ=MONTHLY;BYDAY={WORKDAYS};BYSETPOS=1": lambda day, _: first_workday(day),
    f"FREQ=MONTHLY;BYDAY={WORKDAYS};BYSETPOS=-1": lambda day, _: last_workday(day),
    "FREQ=MONTHLY;BYDAY=-1FR": lambda day, _: day.weekday() == 4 and day.day + 7 > last_of(day),
}


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def minute_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the first minute whose wall clock shows the time, or else the first that has jumped past it."""
    minute = local.replace(tzinfo=UTC) - timedelta(hours=40)
    while wall(minute + timedelta(hours=3), zone) < local:
        minute += timedelta(hours=1)
    while wall(minute, zone) < local:
        minute += timedelta(minutes=1)
    return minute


def moments(rule: str, start: datetime, zone: ZoneInfo, days: int, since: date) -> Iterator[datetime]:
    """Yield the moments of a rule on so many days, found day by day."""
    for number in range(days):
        day = since + timedelta(days=number)
        if day >= start.date() and RULES[rule](day, start.date()):
            yield minute_of(datetime.combine(day, start.time()), zone)
