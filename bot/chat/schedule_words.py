"""Read which schedule somebody wants: from typed words, from a stored schedule, and from the form's fields. Pure.

All three become the values of the form's fields, so that a form keeps what was typed and there is one way to read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import time
from typing import TYPE_CHECKING, Final

from bot.chat.new_report_words import Wanted, read_form, read_words
from bot.chat.time_zones import zone_named, zones_near
from bot.messages import sentences
from bot.messages.new_report import REVERSED
from bot.messages.recurrence import TOO_OFTEN, unknown_zone
from bot.messages.schedule_form import (
    BIWEEKLY,
    DATE,
    DAYS,
    LAST,
    LONGEST_NAME,
    LONGEST_NOTE,
    MONTHLY,
    NAME,
    NOTE,
    ONLY_IF,
    PERIOD,
    REGION,
    REPEAT,
    SITES,
    TIME,
    WEEKLY,
    WHAT_TIME,
    WHICH_DATE,
    WHICH_DAYS,
    ZONE,
)
from bot.reports import conditions
from bot.reports.conditions import UnknownCondition
from bot.reports.periods import find_period
from bot.reports.recurrence_words import DAYS as DAY_CODES
from bot.reports.recurrence_words import TOO_OFTEN_RULE, WORKDAYS, monthly_on, read_when
from bot.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from bot.db.schedules import Schedule
    from bot.webex.report_templates import Template

NAMED: Final = frozenset({"named", "called"})
"""Behind one of these words stands the schedule's name."""
_SEPARATORS: Final = re.compile(r"[\s,;]+")
MIDNIGHT: Final = "00:00"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed: the template, as far as it is clear, the values of fields, and what is wrong."""

    wanted: Wanted
    values: Mapping[str, str]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What the fields say, read."""

    rrule: str
    at: time
    zone: str
    period: str
    """Empty: none was given."""
    region: str
    sites: tuple[str, ...]
    name: str
    note: str
    only_if: str | None


def read_typed(words: Sequence[str], templates: Sequence[Template], today: date) -> Typed:
    """Read what was typed, or a button's argument, which is such words too."""
    values: dict[str, str] = {}
    wrong: list[str] = []
    left = tuple(words)
    try:
        only_if, left = conditions.parse(left)
        values[ONLY_IF] = only_if or ""
    except UnknownCondition as error:
        wrong.append(error.sentence)
    named = next((place for place, word in enumerate(left) if word.casefold() in NAMED), None)
    if named is not None:
        left, values[NAME] = left[:named], " ".join(left[named + 1 :])
    when, left = read_when(left, zone_named)
    if when.rrule == TOO_OFTEN_RULE:
        wrong.append(TOO_OFTEN)
        when = replace(when, rrule="FREQ=HOURLY")
    values |= fields_of_rule(when.rrule)
    values |= {TIME: f"{when.at:%H:%M}" if when.at is not None else "", ZONE: when.zone or when.unknown_zone}
    values[PERIOD], left = period_words(left, today)
    wanted = read_words(left, templates, today)
    values |= {REGION: wanted.region, SITES: ", ".join(wanted.sites)}
    odd = [*wanted.future, *(wanted.unread if wanted.template is not None else [])]
    if odd:
        wrong.append(sentences.not_understood(" ".join(odd)))
    if wanted.start and wanted.end and wanted.end < wanted.start:
        wrong.append(REVERSED)
    return Typed(wanted, {name: value for name, value in values.items() if value}, tuple(wrong))


def period_words(words: Sequence[str], today: date) -> tuple[str, tuple[str, ...]]:
    """Return the words that mean a period, and the others; empty and all the words where there is none."""
    pieces = tuple(piece for word in words for piece in _SEPARATORS.split(word) if piece)
    period, left = find_period(pieces, today)
    if period is None:
        return "", pieces
    number = len(pieces) - len(left)
    start = next(at for at in range(len(left) + 1) if left[at:] == pieces[at + number :])
    return " ".join(pieces[start : start + number]), left


def values_of(schedule: Schedule) -> dict[str, str]:
    """Return the fields' values of a schedule as it is stored."""
    values = fields_of_rule(schedule.rrule) | {
        TIME: schedule.dtstart[len("2026-11-30T") :][: len("08:00")],
        ZONE: schedule.time_zone,
        PERIOD: schedule.period,
        REGION: schedule.region,
        SITES: schedule.sites,
        NAME: schedule.name,
        NOTE: schedule.note,
        ONLY_IF: schedule.only_if,
    }
    return {name: value for name, value in values.items() if value}


def fields_of_rule(rule: str) -> dict[str, str]:
    """Return the fields that make a rule; one that they cannot make stands in the first as it is."""
    for repeat in (BIWEEKLY, WEEKLY):
        days = rule.removeprefix(f"{repeat};BYDAY=")
        if days not in {rule, WORKDAYS} and set(days.split(",")) <= set(DAY_CODES):
            return {REPEAT: repeat, DAYS: days}
    dates = [*range(1, 32), -1]
    date_of = {monthly_on(number): LAST if number < 0 else str(number) for number in dates}
    return {REPEAT: MONTHLY, DATE: date_of[rule]} if rule in date_of else {REPEAT: rule} if rule else {}


def read_values(values: Mapping[str, str]) -> tuple[Plan, list[str]]:
    """Return what the fields say, and a sentence for each that is missing or cannot be read."""
    wrong: list[str] = []
    rule, hourly = _rule(values, wrong), values.get(REPEAT, "").startswith("FREQ=HOURLY")
    at = time()
    try:
        at = time.fromisoformat(values.get(TIME) or (MIDNIGHT if hourly else "?")).replace(second=0, microsecond=0)
    except ValueError:
        wrong.append(WHAT_TIME)
    zone = zone_named(values.get(ZONE, ""))
    if zone is None:
        near = zones_near(values.get(ZONE, ""))
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        wrong.append(f"{unknown_zone(values.get(ZONE, ''))}{meant}")
    only_if = None
    if values.get(ONLY_IF):
        try:
            said = values[ONLY_IF].split()
            only_if, rest = conditions.parse(said if said[:1] == ["only"] else ["only", "if", *said])
            if rest:
                wrong.append(UnknownCondition().sentence)
        except UnknownCondition as error:
            wrong.append(error.sentence)
    places = read_form({name: values.get(name, "") for name in (REGION, SITES)}, Wanted(), ())
    if places.unread:
        wrong.append(sentences.not_understood(" ".join(places.unread)))
    plan = Plan(
        rrule=rule,
        at=at,
        zone=zone or "UTC",
        period=one_line(values.get(PERIOD, "")),
        region=places.region,
        sites=places.sites,
        name=one_line(values.get(NAME, ""), LONGEST_NAME),
        note=one_line(values.get(NOTE, ""), LONGEST_NOTE),
        only_if=only_if,
    )
    return plan, wrong


def _rule(values: Mapping[str, str], wrong: list[str]) -> str:
    repeat = values.get(REPEAT, WEEKLY)
    if repeat in {WEEKLY, BIWEEKLY}:
        days = [day for day in DAY_CODES if day in values.get(DAYS, "").split(",")]
        if not days:
            wrong.append(WHICH_DAYS)
        return f"{repeat};BYDAY={','.join(days)}"
    if repeat == MONTHLY:
        day = values.get(DATE, "")
        if day != LAST and day not in {str(number) for number in range(1, 32)}:
            wrong.append(WHICH_DATE)
        return monthly_on(-1 if day == LAST else int(day) if day.isdecimal() else 1)
    return repeat
