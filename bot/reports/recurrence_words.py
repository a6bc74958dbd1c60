"""Read when something is to run in the words of a message: "every Monday and Thursday 8:00 Europe/Berlin". Pure.

What is taken, in any case of letters:

- ``every day``, ``every 3 days``, ``daily 8:00``; ``every weekday``, ``weekdays``;
- ``every Monday``, ``every Monday and Thursday``, ``Mondays``, ``every Monday to Friday``;
- ``every two weeks on Monday``, ``every other Monday``; ``every second Monday`` is the same;
- ``every month on the 15th``, ``on the 31st of each month`` (in shorter months the last day), ``every 3 months on …``;
- ``every first weekday``, ``on the last Friday of the month``, ``every month on the last day``;
- ``every hour``, ``every 6 hours``; ``every quarter``, ``quarterly``, on the first day of each;
- a time: ``8:00``, ``at 8``, ``8:30 pm``, ``noon``; and behind it a time zone: ``Europe/Berlin``, ``Berlin``, ``ET``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import time
from typing import TYPE_CHECKING, Final

from bot.messages.recurrence import QUARTERLY
from bot.reports.search import errors_between
from bot.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WORKDAYS: Final = ",".join(DAYS[:5])
TOO_OFTEN_RULE: Final = "FREQ=MINUTELY"
"""Of what is said with minutes, or seconds."""
SHORTEST_MONTH: Final = 28
MOST_ZONE_WORDS: Final = 3
LAST_DAY_OF_SHORT_MONTHS: Final = {
    day: ",".join(map(str, range(SHORTEST_MONTH, day + 1))) for day in range(SHORTEST_MONTH + 1, 32)
}
"""Of a date that not every month has, the days of which the last is taken: 31 → ``28,29,30,31``."""
_NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_SECOND: Final = frozenset({"other", "second", "2nd", "biweekly", "bi-weekly", "fortnightly"})
_EVERY: Final = r"(?:every|each)"
_N: Final = rf"(?P<n>\d{{1,4}}|other|second|{'|'.join(_NUMBERS)})"
_DAY: Final = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_LIST: Final = rf"(?P<days>{_DAY}(?:(?:, ?and |, ?| and | & | )(?:on )?{_DAY})*)"
_RANGE: Final = rf"(?P<from>{_DAY})(?: to | through | until | ?[-–] ?)(?P<to>{_DAY})"
_WORKDAY: Final = r"(?:weekday|workday|(?:working|business) day)"
_ORDINAL: Final = rf"(?:the )?(?P<ordinal>{'|'.join(_ORDINALS)}) (?P<what>{_WORKDAY}|{_DAY}|day)"
_DATE: Final = r"(?P<date>\d{1,2})"
_TH: Final = r"(?:st|nd|rd|th)"
_OF_MONTH: Final = r" of (?:the|each|every|a) month"
_MONTHS: Final = rf"(?:{_EVERY} (?:{_N} )?months?|monthly)"
_CLOCK: Final = re.compile(
    r"(?<!\S)(?:(?:at|from) )?(?:(?P<word>noon|midnight)|(?P<hour>\d{1,2}):(?P<minute>\d\d)(?: ?(?P<half>[ap])\.?m\.?)?"
    r"|(?P<hour12>\d{1,2}) ?(?P<half12>[ap])\.?m\.?|(?<=at )(?P<alone>\d{1,2}))(?!\S)",
    re.IGNORECASE,
)
_ZONE_LIKE: Final = re.compile(r"[A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)+")
_SHORT_ZONES: Final = frozenset(
    {"UTC", "GMT", "CET", "EET", "WET", "ET", "CT", "MT", "PT"} | {f"{zone}{kind}T" for zone in "ECMP" for kind in "SD"}
)
"""Other short names are of regions too."""


@dataclass(frozen=True, slots=True)
class When:
    """When something is to run, as far as it was said."""

    rrule: str = ""
    """Without days where they were not said: ``FREQ=WEEKLY``."""
    at: time | None = None
    zone: str = ""
    """An IANA name."""
    unknown_zone: str = ""
    """What was said in its place."""


def read_when(words: Sequence[str], zone_named: Callable[[str], str | None]) -> tuple[When, tuple[str, ...]]:
    """Return when something is to run, and the words without it; ``zone_named`` finds a time zone by its name."""
    text = " ".join("every" if is_every(word) and word.casefold() != "each" else word for word in words)
    when = When()
    matches = [(found, rule) for pattern, rule in _RULES for found in pattern.finditer(text)]
    if matches:
        found, rule = max(matches, key=lambda one: (one[0].end() - one[0].start(), -one[0].start()))
        said = {name: value.casefold() for name, value in found.groupdict().items() if value is not None}
        when = When(rule(said))
        text = _without(text, found)
    clock = _CLOCK.search(text)
    at = None if clock is None else _time(clock)
    if clock is None or at is None:
        return when, tuple(text.split())
    when = replace(when, at=at)
    before, after = text[: clock.start()].split(), text[clock.end() :].split()
    when, after = _zone(when, after, zone_named)
    return when, (*before, *after)


def is_every(word: str) -> bool:
    """Return True for "every" and "each", with a typing error too: else the days behind it would say nothing."""
    said = word.casefold()
    return said == "each" or (len(said) >= len("evry") and errors_between(said, "every") is not None)


def _zone(when: When, after: list[str], zone_named: Callable[[str], str | None]) -> tuple[When, list[str]]:
    """Take the time zone that stands right behind the time, or anywhere if it has a slash."""
    start = 1 if after[:1] and after[0].casefold() in {"in", "on"} else 0
    for number in range(MOST_ZONE_WORDS, 0, -1):
        said = " ".join(after[start : start + number])
        long = len(said) > len("UTC") or said.upper() in _SHORT_ZONES
        if len(after) >= start + number and long and (zone := zone_named(said)) is not None:
            rest = after[start + number :]
            return replace(when, zone=zone), rest[1:] if rest[:1] and rest[0].casefold() == "time" else rest
    for place, word in enumerate(after):
        if _ZONE_LIKE.fullmatch(word):
            zone = zone_named(word)
            named = replace(when, zone=zone) if zone else replace(when, unknown_zone=one_line(word, 60))
            return named, after[:place] + after[place + 1 :]
    return when, after


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}".strip()


def _time(found: re.Match[str]) -> time | None:
    if found["word"]:
        return time(12 if found["word"].casefold() == "noon" else 0)
    hour = int(found["hour"] or found["hour12"] or found["alone"])
    half = (found["half"] or found["half12"] or "").casefold()
    if half:
        if not 1 <= hour <= 12:  # noqa: PLR2004 of twelve hours
            return None
        hour = hour % 12 + 12 * (half == "p")
    try:
        return time(hour, int(found["minute"] or 0))
    except ValueError:
        return None


def _rules() -> Iterator[tuple[str, Callable[[Mapping[str, str]], str]]]:
    """Yield what may be said, and how its words become a rule."""
    behind_clock = r"(?=$| last | yesterday| (?:at |on )?\d{1,2}(?::\d\d| ?[ap]\.?m)| at | noon| midnight)"
    yield rf"{_EVERY} (?:{_N} )?(?:minutes?|seconds?)|{_EVERY} half(?: an)? hour", lambda _: TOO_OFTEN_RULE
    yield rf"{_EVERY} (?:{_N} )?hours?", lambda said: _rule("HOURLY", said)
    yield "hourly", lambda said: _rule("HOURLY", said)
    yield rf"{_EVERY} (?:{_N} )?days?", lambda said: _rule("DAILY", said)
    yield rf"daily{behind_clock}", lambda said: _rule("DAILY", said)
    yield rf"(?:(?:{_EVERY}|on|all) )?(?:weekdays|workdays|(?:working|business) days)", _workdays
    yield rf"{_EVERY} {_WORKDAY}", _workdays
    yield rf"{_EVERY} {_LIST}", _weekly
    yield rf"(?:on )?(?P<days>{_DAY[:-1]}(?:(?:,| and| &|) (?:on )?{_DAY[:-1]})*)", _weekly  # "Mondays"
    yield rf"{_EVERY} (?P<n>other|second|2nd) {_LIST}", _weekly
    yield rf"(?P<n>biweekly|bi-weekly|fortnightly)(?: on)? {_LIST}", _weekly
    yield rf"(?:{_EVERY}|on) weekends?", lambda said: _rule("WEEKLY", said, "BYDAY=SA,SU")
    yield rf"(?:{_EVERY} (?:{_N} )?weeks?|weekly)(?: on)? {_LIST}", _weekly
    yield (
        rf"(?:{_EVERY} (?:{_N} )?weeks?|weekly)(?: on)? {_RANGE}|(?:{_EVERY} )?{_RANGE.replace('?P<', '?P<the_')}",
        _range,
    )
    yield rf"{_EVERY} (?:{_N} )?weeks?|weekly{behind_clock}", lambda said: _rule("WEEKLY", said)
    yield rf"{_MONTHS}(?: on)? {_ORDINAL}", _ordinal
    yield rf"(?:(?:{_EVERY}|on) )?{_ORDINAL}{_OF_MONTH}", _ordinal
    yield rf"{_EVERY} (?!second ){_ORDINAL}", _ordinal
    yield rf"(?:{_MONTHS} )?(?:(?:{_EVERY}|on) )?(?:the )?(?P<ordinal>first|last){_OF_MONTH}", _first_or_last
    yield rf"{_MONTHS}(?: on)?(?: the| day)? {_DATE}{_TH}(?:{_OF_MONTH})?", _date
    yield rf"{_MONTHS} (?:on |the |day |on the |on day )+{_DATE}", _date
    yield rf"(?:(?:{_EVERY}|on) )?(?:the )?{_DATE}{_TH}{_OF_MONTH}", _date
    yield rf"{_EVERY} {_DATE}{_TH}", _date
    yield rf"{_EVERY} quarter|quarterly{behind_clock}", lambda _: QUARTERLY
    yield rf"{_EVERY} (?:{_N} )?months?|monthly{behind_clock}", lambda said: _rule("MONTHLY", said)


def _rule(freq: str, said: Mapping[str, str], *parts: str) -> str:
    word = said.get("n", "1")
    number = 2 if word in _SECOND else _NUMBERS.index(word) + 1 if word in _NUMBERS else int(word)
    return ";".join([f"FREQ={freq}", *([f"INTERVAL={number}"] if number != 1 else []), *parts])


def _workdays(said: Mapping[str, str]) -> str:
    return _rule("WEEKLY", said, f"BYDAY={WORKDAYS}")


def _weekly(said: Mapping[str, str]) -> str:
    days = {_number(day) for day in re.findall(_DAY, said["days"])}
    return _rule("WEEKLY", said, f"BYDAY={_listed(days)}")


def _range(said: Mapping[str, str]) -> str:
    first, last = (_number(said.get(name) or said[f"the_{name}"]) for name in ("from", "to"))
    days = {(first + number) % 7 for number in range((last - first) % 7 + 1)}
    return _rule("WEEKLY", said, f"BYDAY={_listed(days)}")


def _ordinal(said: Mapping[str, str]) -> str:
    place, what = _ORDINALS[said["ordinal"]], said["what"]
    if what == "day":
        return _rule("MONTHLY", said, f"BYMONTHDAY={place}")
    if re.fullmatch(_WORKDAY, what):
        return _rule("MONTHLY", said, f"BYDAY={WORKDAYS}", f"BYSETPOS={place}")
    return _rule("MONTHLY", said, f"BYDAY={place}{DAYS[_number(what)]}")


def _first_or_last(said: Mapping[str, str]) -> str:
    return monthly_on(_ORDINALS[said["ordinal"]])


def _date(said: Mapping[str, str]) -> str:
    return monthly_on(int(said["date"]), _rule("MONTHLY", said))


def monthly_on(day: int, rule: str = "FREQ=MONTHLY") -> str:
    """Return the rule of a date; in months that do not have it, it is their last day."""
    if day in LAST_DAY_OF_SHORT_MONTHS:
        return f"{rule};BYMONTHDAY={LAST_DAY_OF_SHORT_MONTHS[day]};BYSETPOS=-1"
    return f"{rule};BYMONTHDAY={day}"


def _number(day: str) -> int:
    return DAYS.index(day[:2].upper())


def _listed(days: set[int]) -> str:
    return ",".join(DAYS[day] for day in sorted(days))


_RULES: Final = [(re.compile(rf"(?<!\S)(?:{pattern})(?!\S)", re.IGNORECASE), rule) for pattern, rule in _rules()]
