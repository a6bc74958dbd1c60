"""When something is to run, in the words that people type, and back."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.schedule_words import fields_of_rule, read_values
from bot.chat.time_zones import zone_named
from bot.messages.recurrence import QUARTERLY, in_words, ordinal
from bot.reports.recurrence_words import DAYS, WORKDAYS, When, monthly_on, read_when

OTHERS = ("calling", "usage", "last", "week")

RULES = st.one_of(
    st.builds(lambda n: f"FREQ=HOURLY;INTERVAL={n}" if n > 1 else "FREQ=HOURLY", st.integers(1, 48)),
    st.builds(lambda n: f"FREQ=DAILY;INTERVAL={n}" if n > 1 else "FREQ=DAILY", st.integers(1, 30)),
    st.builds(
        lambda n, days: (
            f"FREQ=WEEKLY;{f'INTERVAL={n};' if n > 1 else ''}BYDAY={','.join(d for d in DAYS if d in days)}"
        ),
        st.integers(1, 4),
        st.sets(st.sampled_from(DAYS), min_size=1),
    ),
    st.builds(monthly_on, st.integers(1, 31) | st.just(-1)),
    st.builds(lambda day: monthly_on(day, "FREQ=MONTHLY;INTERVAL=3"), st.integers(1, 31)),
    st.builds(
        lambda place, day: f"FREQ=MONTHLY;BYDAY={place}{day}", st.sampled_from([1, 2, 3, 4, -1]), st.sampled_from(DAYS)
    ),
    st.builds(lambda place: f"FREQ=MONTHLY;BYDAY={WORKDAYS};BYSETPOS={place}", st.sampled_from([1, 2, -1])),
    st.just(QUARTERLY),
)


@given(rule=RULES, at=st.times().map(lambda one: one.replace(second=0, microsecond=0)))
def test_what_is_shown_can_be_typed_and_means_the_same(rule: str, at: time) -> None:
    words = [*OTHERS[:2], *in_words(rule, at).split(), "Europe/Berlin", *OTHERS[2:]]
    assert read_when(words, zone_named) == (When(rule, at, "Europe/Berlin"), OTHERS)


@given(rule=RULES)
def test_the_forms_fields_make_the_rule_again(rule: str) -> None:
    plan, wrong = read_values(fields_of_rule(rule) | {"time": "08:00", "zone": "UTC"})
    assert (plan.rrule, wrong) == (rule, [])


@given(st.lists(st.text(max_size=12) | st.sampled_from(["every", "Monday", "on", "the", "31st", "8:00", "at", "of"])))
def test_no_words_break_it(words: list[str]) -> None:
    when, rest = read_when(words, zone_named)
    assert len(" ".join(rest)) <= len(" ".join(words))
    assert when.rrule == "" or when.rrule.startswith("FREQ=")


@pytest.mark.parametrize(
    ("words", "rule", "at"),
    [
        ("every weekday at 7:30 pm", f"FREQ=WEEKLY;BYDAY={WORKDAYS}", time(19, 30)),
        ("every other Friday at 9", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", time(9)),
        ("every second Monday 9am", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", time(9)),
        ("on the second Monday of the month 9 am", "FREQ=MONTHLY;BYDAY=2MO", time(9)),
        ("every Mon-Fri 8:00", f"FREQ=WEEKLY;BYDAY={WORKDAYS}", time(8)),
        ("every Friday to Monday 8:00", "FREQ=WEEKLY;BYDAY=MO,FR,SA,SU", time(8)),
        ("Mondays and Wednesdays noon", "FREQ=WEEKLY;BYDAY=MO,WE", time(12)),
        ("weekly on Tue Thu 8:00", "FREQ=WEEKLY;BYDAY=TU,TH", time(8)),
        ("every 15th 8:00", "FREQ=MONTHLY;BYMONTHDAY=15", time(8)),
        ("every 2nd Monday 8:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", time(8)),
        ("biweekly on Monday 8:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", time(8)),
        ("Mon-Fri 8:00", f"FREQ=WEEKLY;BYDAY={WORKDAYS}", time(8)),
        ("every mon,wed, and fri 8:00", "FREQ=WEEKLY;BYDAY=MO,WE,FR", time(8)),
        ("every weekend 8:00", "FREQ=WEEKLY;BYDAY=SA,SU", time(8)),
        ("every month on the 15th of the month 8:00", "FREQ=MONTHLY;BYMONTHDAY=15", time(8)),
        ("on the first of the month 8:00", "FREQ=MONTHLY;BYMONTHDAY=1", time(8)),
        ("every month on the last of the month 8:00", "FREQ=MONTHLY;BYMONTHDAY=-1", time(8)),
        ("every month on the last day midnight", "FREQ=MONTHLY;BYMONTHDAY=-1", time(0)),
        ("evry Monday 8am", "FREQ=WEEKLY;BYDAY=MO", time(8)),
        ("everey 3 days 8:00", "FREQ=DAILY;INTERVAL=3", time(8)),
        ("every half hour", "FREQ=MINUTELY", None),
        ("weekly", "FREQ=WEEKLY", None),
        ("monthly last month", "FREQ=MONTHLY", None),
        ("every week 8:00", "FREQ=WEEKLY", time(8)),
        ("every month 8:00", "FREQ=MONTHLY", time(8)),
        ("every quarter 8:00", "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYMONTHDAY=1", time(8)),
        ("quarterly at 8", "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYMONTHDAY=1", time(8)),
        ("quarterly report", "", None),
        ("on Monday 8:00", "", time(8)),
    ],
)
def test_ways_to_say_it(words: str, rule: str, at: time | None) -> None:
    when, _ = read_when(["calling", "usage", *words.split()], zone_named)
    assert (when.rrule, when.at) == (rule, at)


def test_a_title_with_such_words_stays_whole() -> None:
    words = ["daily", "usage", "weekly", "summary", "every", "Monday", "8:00"]
    assert read_when(words, zone_named)[1] == ("daily", "usage", "weekly", "summary")


@pytest.mark.parametrize(
    ("words", "zone", "rest"),
    [
        ("8:00 Europe/Berlin last week", "Europe/Berlin", "last week"),
        ("8:00 New York time EU", "America/New_York", "EU"),
        ("8:00 utc", "UTC", ""),
        ("8 pm Pacific time EU", "America/Los_Angeles", "EU"),
        ("8:00 eastern", "America/New_York", ""),
        ("8 am ET", "America/New_York", ""),
        ("8:00 PST last week", "America/Los_Angeles", "last week"),
        ("8:00 GB", "", "GB"),
        ("8:00 EU last week", "", "EU last week"),
        ("8:00 last week Asia/Tokyo", "Asia/Tokyo", "last week"),
    ],
)
def test_a_zone_stands_behind_the_time(words: str, zone: str, rest: str) -> None:
    when, left = read_when(words.split(), zone_named)
    assert (when.zone, " ".join(left)) == (zone, rest)


def test_a_zone_that_does_not_exist_is_told() -> None:
    when, left = read_when(["8:00", "Europe/Atlantis"], zone_named)
    assert (when.unknown_zone, left) == ("Europe/Atlantis", ())


def test_a_rule_of_others_is_shown_as_it_is() -> None:
    assert in_words("FREQ=YEARLY;BYMONTH=2", time(8)) == "by the rule FREQ=YEARLY;BYMONTH=2 08:00"


def test_ordinals() -> None:
    said = [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)]
    assert said == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st"]
