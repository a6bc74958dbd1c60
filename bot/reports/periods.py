"""Read a period of days in the words of a message: "last week", "May", "Q2 2025", "Oct 1–15", "1.–15.5.2025".

A small grammar of its own, because libraries for dates read single days and guess at ranges. Pure, and never raises.

What is taken, in any case of letters, with ``to``, ``until``, ``through``, any dash or only a blank between two ends:

- days: ``2025-10-03``, ``Oct 3``, ``3rd of October 2025``, ``3.10.2025``, ``today``, ``yesterday``;
- days of one month: ``Oct 1–15``, ``1–15 Oct 2025``, ``1.–15.5.``; from day to day: ``Oct 1 to Nov 3``, ``1.5.–15.6.``;
- ``May``, ``May 2025``, ``2025-05``; ``Q2``, ``Q2 2025``; ``week 47`` (ISO 8601), ``week 47 2025``; ``in 2025``;
- ``last`` and ``this`` before ``week`` (Monday to Sunday), ``month``, ``quarter``, ``year`` or a month's name;
- ``last 7 days``, which end yesterday; ``last 2 weeks`` and ``last 3 months``, which are whole ones before this one;
- two of these: ``May to July``, ``Q1–Q2``, ``Oct 1 until yesterday``; ``since Oct 1`` ends today.

Without a year it is the latest that has begun. A period may end after today: ``this month``.

What is not taken: ``10/1/2025`` (which is the month?), ``15.5`` and ``2025`` alone, "may" and "march" beside words that
make them verbs; and nothing of a message with two periods, a day that does not exist, or an end before its start.
A period is taken although it may be part of a title ("Usage May 2025"): who knows the titles tries all the words first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    _Said = Mapping[str, str]
    _Read = tuple[int | None, Callable[[int], "Period"]]

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from start to end, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return (self.end - self.start).days + 1


def next_after(period: Period) -> Period | None:
    """Return the same kind of period one later: whole months after whole months, else the same number of days.

    None: after it no calendar goes on.
    """
    try:
        start = period.end + _DAY
        if period.start.day == start.day == 1:
            return _months(_number(start), _number(start) - _number(period.start))
        return Period(start, period.end + timedelta(days=period.days))
    except (OverflowError, ValueError):
        return None


def last_until(period: Period, last: date) -> Period:
    """Return the same kind of period that ends on a day or before: whole months, else some times its days earlier."""
    after = period.end + _DAY
    if period.start.day == after.day == 1:
        months = _number(after) - _number(period.start)
        return _months(_number(last + _DAY) - months, months)
    earlier = -(-max(0, (period.end - last).days) // period.days) * period.days * _DAY
    return Period(period.start - earlier, period.end - earlier)


def find_period(words: Sequence[str], today: date) -> tuple[Period | None, tuple[str, ...]]:
    """Return the period in the words, and the words without it and its preposition.

    None and all the words where there is none, or where it is not clear which is meant. ``today`` is the caller's day.
    """
    return _find(words, today, is_reversed=False)


def find_reversed(words: Sequence[str], today: date) -> tuple[Period | None, tuple[str, ...]]:
    """Return the same of a period whose last day is before its first."""
    return _find(words, today, is_reversed=True)


def _find(words: Sequence[str], today: date, *, is_reversed: bool) -> tuple[Period | None, tuple[str, ...]]:
    pieces = tuple(piece for word in words for piece in _SEPARATORS.split(word) if piece)
    said = [piece.translate(_DASHES).strip(_WRAPPING) or "?" for piece in pieces]
    found = list(_matches(said, today))
    period = found[0].period if len(found) == 1 else None
    if period is None or (period.end < period.start) != is_reversed:
        return None, pieces
    return period, pieces[: found[0].start] + pieces[found[0].end :]


def is_period(words: Sequence[str], today: date) -> bool:
    """Return True for words that are a period and nothing else."""
    period, rest = find_period(words, today)
    return period is not None and not rest


class _Match(NamedTuple):
    """The places of the words that are a period's, and the period where they mean one."""

    start: int
    end: int
    period: Period | None


class _Unit(NamedTuple):
    """A part of the calendar in a text: in one year or, where the year is None, in any."""

    family: str
    """Two of one family may stand side by side: "Oct 1 Nov 3"."""
    end: int
    year: int | None
    of: Callable[[int], Period]
    alone: bool = True
    """False: it means days only beside another one ("15.5" may be a version), or after a preposition ("2025")."""
    whole: bool = False
    """True: it has two ends already."""

    def within(self, year: int) -> Period | None:
        """Return the part in a year; None where that year has none: Feb 29, week 53, May 0."""
        try:
            return self.of(year)
        except (ValueError, OverflowError):
            return None

    def begun(self, last: date) -> Iterator[Period]:
        """Return those that have begun on a day, the latest first; week 1 of next year may have begun."""
        years = [self.year] if self.year is not None else range(last.year + 1, last.year - _YEARS_BACK, -1)
        found = filter(None, map(self.within, years))
        return (period for period in found if self.year is not None or period.start <= last)


_YEARS_BACK: Final = 9
"""So far apart may two Februaries with 29 days be; two weeks 53 are nearer."""
_HALF_A_YEAR: Final = timedelta(days=183)
"""Days that are fewer than this from the one to the other are not reversed ones: "Dec 20 to Jan 10"."""
_SEPARATORS = re.compile(r"[\s,;]+")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d~\u301c\uff5e", "-"))
_WRAPPING = ".:!?()[]{}<>\"'“”„‘’«»*_`"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MONTHS_IN: Final = {"month": 1, "quarter": 3, "year": 12}

_PREPOSITIONS: Final = frozenset(
    ("from", "for", "in", "of", "during", "on", "between", "since", "within", "over", "covering", "year")
)
_OTHER_MEANING_AFTER: Final = (
    {"-", "to", "until", "till", "through", "thru", "before", "after", "by", "next", "not", "except", "without"}
    | {"mid", "early", "late", "end", "start", "beginning", "middle", "half", "first", "second", "third"}
    | {"day", "days", "week", "weeks", "month", "months", "every", "each"}
)
"""After these words a period is a part of something else: "before May", "the end of May", "next May"."""
_GOES_ON_WITH: Final = frozenset(("-", "to", "until", "till", "through", "thru", "bis", "onward", "onwards"))
_ALSO_VERBS: Final = frozenset({"may", "march"})
_PRONOUNS: Final = frozenset(("i", "we", "you", "he", "she", "it", "they"))
_BEFORE_VERB: Final = _PRONOUNS | {"that", "there", "who", "which"}
_AFTER_VERB: Final = (
    _PRONOUNS
    | {"be", "have", "not", "need", "want", "get", "also", "still", "only"}
    | {"contain", "fail", "take", "see", "ask", "show"}
)

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_UNIT = r"(?P<unit>day|week|month|quarter|year)"
_JOIN = r"(?: ?(?:-+|\.\.+|/) ?| (?:to|until|till|til|through|thru|bis) )(?:the )?"
_TO = rf"(?:{_JOIN}| )"
"""Between two ends; a dash arrives as a blank where it is none of ASCII."""
_FIRST, _LAST = (rf"(?P<{name}>\d{{1,2}})(?:st|nd|rd|th)?" for name in ("first", "last"))
_BESIDE = r"(?: |-|\. ?)"
_SIDE_BY_SIDE: Final = ("day", "month", "quarter", "week")
_BETWEEN = re.compile(rf"{_JOIN}| and (?:the )?| ", re.IGNORECASE)


def _units(text: str, start: int, today: date) -> Iterator[_Unit]:
    """Read one unit at a place, in each way that it can be read."""
    for family, pattern, read in _UNITS:
        match = pattern.match(text, start)
        if match:
            said = {name: value.casefold() for name, value in match.groupdict().items() if value is not None}
            year, of = read(said, today)
            yield _Unit(family, match.end(), year, of, "alone" not in said, {"first", "last"} <= said.keys())


def _relative_day(said: _Said, today: date) -> _Read:
    day = today - (0 if "today" in said else 2 if "before" in said else 1) * _DAY
    return today.year, lambda _: Period(day, day)


def _this_or_last(said: _Said, today: date) -> _Read:
    if said["which"] in ("this", "current"):
        return today.year, lambda _: _current(said["unit"], today)
    return _last({**said, "count": "1"}, today)


def _last(said: _Said, today: date) -> _Read:
    unit, count = said["unit"], _NUMBERS.index(said["count"]) + 1 if said["count"] in _NUMBERS else int(said["count"])
    after = _current(unit, today).start
    if unit in _MONTHS_IN:
        months = _MONTHS_IN[unit] * count
        return today.year, lambda _: _months(_number(after) - months, months)
    return today.year, lambda _: Period(after - (7 if unit == "week" else 1) * count * _DAY, after - _DAY)


def _this_or_last_named(said: _Said, today: date) -> _Read:
    _, of = _month(said, today)
    ended = said["which"] == "this" or of(today.year).end < today
    return today.year if ended else today.year - 1, of


def _days(said: _Said, _today: date) -> _Read:
    month = _month_of(said)
    first, last = int(said.get("first") or said["last"]), int(said.get("last") or said["first"])
    return _year_of(said), lambda year: Period(date(year, month, first), date(year, month, last))


def _month(said: _Said, _today: date) -> _Read:
    month = _month_of(said)
    return _year_of(said), lambda year: _months(_number(date(year, month, 1)), 1)


def _quarter(said: _Said, _today: date) -> _Read:
    month = int(said["number"]) * 3 - 2
    return _year_of(said), lambda year: _months(_number(date(year, month, 1)), 3)


def _weeks(said: _Said, _today: date) -> _Read:
    first = int(said["first"])
    last = int(said.get("last", first))
    return _year_of(said), lambda year: Period(
        date.fromisocalendar(year, first, 1), date.fromisocalendar(year, last, 7)
    )


def _year(said: _Said, _today: date) -> _Read:
    return _year_of(said), lambda year: _months(_number(date(year, 1, 1)), 12)


def _month_of(said: _Said) -> int:
    return int(said["number"]) if "number" in said else _MONTHS.index(said["month"][:3]) + 1


def _year_of(said: _Said) -> int | None:
    year = int(said["year"]) if "year" in said else None
    return year + 2000 if year is not None and year < 100 else year  # noqa: PLR2004 two digits


def _current(unit: str, today: date) -> Period:
    if unit in _MONTHS_IN:
        return _months(_number(today) // _MONTHS_IN[unit] * _MONTHS_IN[unit], _MONTHS_IN[unit])
    start = today - today.weekday() * _DAY if unit == "week" else today
    return Period(start, start + (6 if unit == "week" else 0) * _DAY)


def _number(day: date) -> int:
    """Return the number of a day's month, counted through the years."""
    return day.year * 12 + day.month - 1


def _months(number: int, count: int) -> Period:
    start, after = (date(one // 12, one % 12 + 1, 1) for one in (number, number + count))
    return Period(start, after - _DAY)


_UNITS: Final = [
    (family, re.compile(rf"(?:{pattern})(?:['’]s)?(?=[ /-]|\.\.|$)", re.ASCII | re.IGNORECASE), read)
    for family, pattern, read in (
        ("day", r"(?P<today>today)|(?P<before>day before )?yesterday", _relative_day),
        ("last", rf"(?P<which>last|previous|this|current) (?!day){_UNIT}", _this_or_last),
        ("last", rf"(?:last|previous|past) (?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)}) {_UNIT}s?", _last),
        ("last", rf"(?P<which>last|this) {_MONTH}", _this_or_last_named),
        ("day", rf"{_YEAR}(?P<mark>[-/.])(?P<number>\d{{1,2}})(?P=mark){_FIRST}", _days),
        ("day", rf"{_MONTH}{_BESIDE}(?:the )?{_FIRST}(?: {_YEAR})?", _days),
        ("day", rf"{_MONTH}{_BESIDE}(?:the )?{_FIRST}{_TO}{_LAST}(?: {_YEAR})?", _days),
        ("day", rf"{_FIRST}\.?(?:{_TO}{_LAST}\.?)?{_BESIDE}(?:of )?{_MONTH}(?:{_BESIDE}{_YEAR})?", _days),
        ("day", r"(?P<last>\d{1,2})\.(?P<number>\d{1,2})\.(?P<year>(?:19|20)?\d\d)", _days),
        (
            "day",
            rf"{_FIRST}\.?{_TO}(?P<last>\d{{1,2}})\.(?P<number>\d{{1,2}})\.?(?P<year>(?<=\.)(?:19|20)?\d\d)?",
            _days,
        ),
        ("day", r"(?P<alone>)(?P<last>\d{1,2})\.(?P<number>\d{1,2})\.?", _days),
        ("month", rf"{_MONTH}(?:[ /-]{_YEAR})?", _month),
        ("month", rf"{_YEAR}-(?P<number>\d\d)", _month),
        ("quarter", rf"q(?:uarter )?(?P<number>[1-4])(?:[ /-]?{_YEAR})?", _quarter),
        ("quarter", rf"{_YEAR}[ -]?q(?P<number>[1-4])", _quarter),
        ("week", rf"(?:(?:weeks?|wk|cw|kw) ?|w){_FIRST}(?:{_TO}(?:week )?{_LAST})?(?:[ /-]{_YEAR})?", _weeks),
        ("week", rf"{_YEAR}[ -]?w{_FIRST}", _weeks),
        ("year", rf"(?P<alone>){_YEAR}", _year),
    )
]


class _Reading(NamedTuple):
    """One unit, or two with what joins them."""

    first: _Unit
    last: _Unit
    join: str = ""


def _readings(text: str, start: int, today: date) -> Iterator[_Reading]:
    """Read what begins at a place, in each way that it can be read."""
    for first in _units(text, start, today):
        yield _Reading(first, first)
        join = _BETWEEN.match(text, first.end)
        for last in _units(text, join.end(), today) if join and not first.whole else ():
            if join and not last.whole and (join[0] != " " or first.family == last.family in _SIDE_BY_SIDE):
                yield _Reading(first, last, join[0])


def _period(reading: _Reading, preposition: str, today: date) -> Period | None:
    """Return the days that are meant, also where they end before they start; None where there are none.

    Of what has no year, the end is in the next year only where that year has begun; else the ends are reversed.
    """
    first, last = reading.first, reading.last
    if first is last:
        found = next(first.begun(today), None)
        if found is None or preposition != "since":
            return found
        return Period(found.start, today) if found.start <= today else None
    end = None if last.year is None else last.within(last.year)
    if last.year is not None and end is None:
        return None
    reverse = None
    for start in first.begun(end.end if end else today):
        same = end or last.within(start.start.year)
        if same and same.end >= start.start:
            return Period(start.start, same.end)
        after = None if end else last.within(start.start.year + 1)
        is_short = after is not None and after.end - start.start < _HALF_A_YEAR
        if after and (after.start <= today or (is_short and (first.year or after.start.year <= today.year))):
            return Period(start.start, after.end)
        reverse = reverse or (same and Period(start.start, same.end))
        if reverse and not is_short:
            break
    return reverse


def _matches(said: Sequence[str], today: date) -> Iterator[_Match]:
    """Find what reads as a period, from the left, the longest reading at each word."""
    text, lower = " ".join(said), [word.casefold() for word in said]
    word_at, place = {}, 0
    for at, word in enumerate([*said, ""]):
        word_at[place] = at
        place += len(word) + 1
    done = 0
    for place, at in word_at.items():
        if at < done:
            continue
        start = at - (at > done and lower[at - 1] == "the")
        preposition = lower[start - 1] if start > done and lower[start - 1] in _PREPOSITIONS else ""
        start -= bool(preposition)
        readings = [
            one
            for one in _readings(text, place, today)
            if one.last.end + 1 in word_at and ("and" not in one.join.casefold() or preposition == "between")
        ]
        if not readings:
            continue
        best = max(readings, key=lambda one: one.last.end)
        end, period = word_at[best.last.end + 1], _period(best, preposition, today)
        sure = best.first.alone or best.last.alone or preposition or (best.join and period)
        if not sure or _is_verb(lower, at, end):
            continue
        yield _Match(start, end, None if _means_another(lower, start, end, best.last) else period)
        done = end


def _is_verb(lower: Sequence[str], start: int, end: int) -> bool:
    """Return True for "may" and "march" beside a word that makes them verbs."""
    if lower[end - 1] not in _ALSO_VERBS or end - start > len(("this", "may")):
        return False
    return bool(
        _BEFORE_VERB.intersection(lower[max(0, start - 1) : start]) or _AFTER_VERB.intersection(lower[end : end + 1])
    )


def _means_another(lower: Sequence[str], start: int, end: int, last: _Unit) -> bool:
    """Return True where the words beside it make something else of it: "before May", "May 123", "Oct 1 and 15"."""
    before, after = [*lower[:start][-1:], ""][0], [*lower[end : end + 2], "", ""][:2]
    number_may_belong = last.year is None and not last.whole and last.family != "quarter"
    return (
        before in _OTHER_MEANING_AFTER
        or after[0] in _GOES_ON_WITH
        or (after[0] in ("and", "or", "&") and after[1][:1].isdigit())
        or (number_may_belong and (after[0].isdigit() or (last.family == "month" and before.isdigit())))
    )
