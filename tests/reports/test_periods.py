"""Words of the calendar become days; what could mean something else does not."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.chat.parser import parse
from bot.reports.periods import Period, find_period, find_reversed, next_after
from bot.webex.types import Person

BOT = Person("BOT", "Report Bot", "Report", "org", nick_name="Report Bot", kind="bot")
TODAY = date(2026, 11, 29)  # a Sunday
DASHES = "-‐‑‒–—―−~〜～﹣－"  # noqa: RUF001 what keyboards type
MONTHS = list(calendar.month_name)[1:]
days = st.dates(date(2001, 1, 1), date(2097, 12, 31))


def typed(text: str, *, html: str = "") -> tuple[str, ...]:
    """Return the words after the command as a message brings them."""
    return parse(f"report {text}", html, BOT, {"report"}, direct=True).rest


def read(text: str, today: date = TODAY) -> str:
    """Return a period as an ISO interval, the same for what is typed and for what a program writes."""
    period, rest = find_period(typed(text), today)
    assert find_period([text], today)[0] == period
    assert period is None or not rest, rest
    return f"{period.start}/{period.end}" if period else ""


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024-05-01 to 2024-05-20", "2024-05-01", "2024-05-20"),
        ("from 2024-05-01 to 2024-05-20", "2024-05-01", "2024-05-20"),
        ("2024-05-01 2024-05-20", "2024-05-01", "2024-05-20"),
        ("2024-05-01/2024-05-20", "2024-05-01", "2024-05-20"),
        ("today", "2026-11-29", "2026-11-29"),
        ("yesterday", "2026-11-28", "2026-11-28"),
        ("Yesterday’s", "2026-11-28", "2026-11-28"),
        ("the day before yesterday", "2026-11-27", "2026-11-27"),
        ("last week", "2026-11-16", "2026-11-22"),
        ("this week", "2026-11-23", "2026-11-29"),
        ("last 2 weeks", "2026-11-09", "2026-11-22"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("this month", "2026-11-01", "2026-11-30"),
        ("last three months", "2026-08-01", "2026-10-31"),
        ("last 7 days", "2026-11-22", "2026-11-28"),
        ("for the past 30 days", "2026-10-30", "2026-11-28"),
        ("last quarter", "2026-07-01", "2026-09-30"),
        ("this quarter", "2026-10-01", "2026-12-31"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("May", "2026-05-01", "2026-05-31"),
        ("may", "2026-05-01", "2026-05-31"),
        ("December", "2025-12-01", "2025-12-31"),
        ("last November", "2025-11-01", "2025-11-30"),
        ("last May", "2026-05-01", "2026-05-31"),
        ("Feb 2024", "2024-02-01", "2024-02-29"),
        ("2025-05", "2025-05-01", "2025-05-31"),
        ("in 2025", "2025-01-01", "2025-12-31"),
        ("Q2", "2026-04-01", "2026-06-30"),
        ("Q2/2025", "2025-04-01", "2025-06-30"),
        ("2025-Q2", "2025-04-01", "2025-06-30"),
        ("week 47", "2026-11-16", "2026-11-22"),
        ("KW 1", "2025-12-29", "2026-01-04"),
        ("week 53", "2020-12-28", "2021-01-03"),
        ("week 40–44", "2026-09-28", "2026-11-01"),
        ("W47 2025", "2025-11-17", "2025-11-23"),
        ("Oct 1–15", "2026-10-01", "2026-10-15"),
        ("Oct. 1 – 15", "2026-10-01", "2026-10-15"),
        ("Oct 1-15 2025", "2025-10-01", "2025-10-15"),
        ("October 1st to 15th, 2025", "2025-10-01", "2025-10-15"),
        ("from the 1st to the 15th of October", "2026-10-01", "2026-10-15"),
        ("1–15 Oct", "2026-10-01", "2026-10-15"),
        ("Oct 1 to Nov 3", "2026-10-01", "2026-11-03"),
        ("Oct 1 – Nov 3", "2026-10-01", "2026-11-03"),
        ("Oct 1 – 3 Nov", "2026-10-01", "2026-11-03"),
        ("between Oct 1 and Nov 3", "2026-10-01", "2026-11-03"),
        ("Dec 20 to Jan 5", "2025-12-20", "2026-01-05"),
        ("Dec 20 – Jan 5, 2025", "2024-12-20", "2025-01-05"),
        ("Dec 20, 2024 to Jan 5", "2024-12-20", "2025-01-05"),
        ("1.–15.5.", "2026-05-01", "2026-05-15"),
        ("1. - 15.5.", "2026-05-01", "2026-05-15"),
        ("1.5.–15.5.2025", "2025-05-01", "2025-05-15"),
        ("1.5. bis 15.6.25", "2025-05-01", "2025-06-15"),
        ("3.10.2025", "2025-10-03", "2025-10-03"),
        ("Oct 3", "2026-10-03", "2026-10-03"),
        ("Nov 30", "2025-11-30", "2025-11-30"),
        ("Feb 29", "2024-02-29", "2024-02-29"),
        ("Feb 1–29", "2024-02-01", "2024-02-29"),
        ("3rd of October 2025", "2025-10-03", "2025-10-03"),
        ("2025-10-03", "2025-10-03", "2025-10-03"),
        ("2025.10.3", "2025-10-03", "2025-10-03"),
        ("May to July", "2026-05-01", "2026-07-31"),
        ("Nov 2025 – Jan 2026", "2025-11-01", "2026-01-31"),
        ("Q1–Q2", "2026-01-01", "2026-06-30"),
        ("Oct 1 until yesterday", "2026-10-01", "2026-11-28"),
        ("since Oct 1", "2026-10-01", "2026-11-29"),
    ],
)
def test_reads(text, start, end):
    assert read(text) == f"{start}/{end}"
    assert read(text.upper()) == f"{start}/{end}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "calling usage",
        "Oct 32",
        "Feb 30 2025",
        "2025-02-29",
        "2025-02-30 to 2025-03-05",
        "2024-05-20 to 2024-05-01",
        "Oct 15-1",
        "week 54",
        "last 0 days",
        "10/1/2025",
        "15.5",
        "2025",
        "May 123",
        "Oct 1 and 15",
        "May and July",
        "last week of May",
        "the end of May",
        "mid May",
        "before May",
        "next week",
        "next May",
        "May to whenever",
        "not last week and not today",
        "last week Q2",
        "may I have it",
        "it may be late",
        "this may be it",
        "the weekend",
        "Mayor",
        "w",
        "since 2099-01-01",
    ],
)
def test_does_not_guess(text):
    words = typed(text)
    period, rest = find_period(words, TODAY)
    assert period is None
    assert rest == words


@pytest.mark.parametrize(
    ("text", "start", "rest"),
    [
        ("calling usage last month EU", "2026-10-01", ["calling", "usage", "EU"]),
        ("May I have last week's report, please", "2026-11-16", ["May", "I", "have", "report", "please"]),
        ("Calling Usage May 2025 (EU)", "2025-05-01", ["Calling", "Usage", "EU"]),
        ("webex 44.5 usage for Q2", "2026-04-01", ["webex", "44.5", "usage"]),
        ("the usage report from May", "2026-05-01", ["the", "usage", "report"]),
        ("failed last week 2", "2026-11-16", ["failed", "2"]),
        ("“usage” 1.–15.5. siteA", "2026-05-01", ["usage", "siteA"]),
    ],
)
def test_leaves_the_other_words(text, start, rest):
    period, left = find_period(typed(text), TODAY)
    assert period is not None
    assert str(period.start) == start
    assert list(left) == rest


def spellings(start: date, end: date, dash: str) -> list[str]:
    """Return the same days in each way that a person may type them."""
    first, last = MONTHS[start.month - 1], MONTHS[end.month - 1][:3]
    found = [
        f"{start} to {end}",
        f"{start}{dash}{end}",
        f"from {start} until {end}",
        f"{first} {start.day}, {start.year} {dash} {last} {end.day}, {end.year}",
        f"{start.day}. {first} {start.year} through {end.day} {last} {end.year}",
        f"{start.day}.{start.month}.{start.year}{dash}{end.day:02}.{end.month:02}.{end.year}",
        f"{start.day}.{start.month}.{start:%y} {dash} {end.day}.{end.month}.{end:%y}",
    ]
    if start.year == end.year:
        found += [
            f"{first} {start.day}{dash}{last} {end.day} {end.year}",
            f"{start.day}.{start.month}.{dash}{end.day}.{end.month}.{end.year}",
        ]
    if (start.year, start.month) == (end.year, end.month):
        found += [
            f"{first} {start.day}{dash}{end.day}, {end.year}",
            f"{start.day}{dash}{end.day} {last}. {end.year}",
            f"{start.day}.{dash}{end.day}.{end.month}.{end.year}",
        ]
    if start == end:
        found += [f"{start}", f"{first} {start.day} {start.year}", f"{start.day}.{start.month}.{start.year}"]
    return found


@given(days, st.integers(0, 400), st.sampled_from(DASHES), st.sampled_from(["", "calling usage ", "EU siteA "]))
@example(date(2024, 2, 29), 0, "–", "")
@example(date(2024, 2, 1), 28, "–", "")
@example(date(2025, 12, 31), 1, "—", "")
@example(date(2020, 12, 28), 6, "-", "")
def test_the_same_days_in_every_spelling(start, length, dash, others):
    end = start + timedelta(days=length)
    for text in spellings(start, end, dash):
        for words in (typed(others + text), (others + text).split()):
            assert find_period(words, TODAY) == (Period(start, end), tuple(others.split())), (text, words)


@given(days, st.integers(1, 12), st.integers(1, 4), st.integers(1, 52))
@example(date(2026, 1, 1), 12, 4, 52)
@example(date(2024, 12, 31), 1, 1, 1)
def test_without_a_year_it_is_the_latest_that_has_begun(today, month, quarter, week):
    for text in (
        MONTHS[month - 1],
        f"Q{quarter}",
        f"week {week}",
        f"{MONTHS[month - 1]} 5",
        f"{MONTHS[month - 1]} 5–20",
    ):
        period, _ = find_period(typed(text), today)
        assert period is not None
        assert period.start <= today < period.start + timedelta(days=7 * 53)


@given(days)
@example(date(2024, 3, 1))
@example(date(2021, 1, 3))
def test_what_is_last_ends_before_what_is_now(today):
    for unit in ("week", "month", "quarter", "year"):
        last, this = (find_period([word, unit], today)[0] for word in ("last", "this"))
        assert last is not None
        assert this is not None
        assert this.start <= today <= this.end
        assert last.end + timedelta(days=1) == this.start
        assert next_after(last) == this


@given(days, st.integers(1, 53))
def test_every_week_of_iso_8601_is_read(day, week):
    try:
        monday = date.fromisocalendar(day.year, week, 1)
    except ValueError:
        assume(week == 53)
        assert read(f"week 53 {day.year}") == ""
    else:
        assert read(f"week {week} {day.year}") == f"{monday}/{monday + timedelta(days=6)}"


@pytest.mark.parametrize(
    ("zone", "moment", "yesterday", "week"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "2026-03-28", "2026-03-16"),  # before the clock
        ("Europe/Berlin", datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "2026-03-29", "2026-03-23"),  # already Monday
        ("America/New_York", datetime(2026, 11, 2, 4, 30, tzinfo=UTC), "2026-10-31", "2026-10-19"),  # still Sunday
        ("America/New_York", datetime(2026, 11, 2, 5, 0, tzinfo=UTC), "2026-11-01", "2026-10-26"),  # now Monday
    ],
)
def test_days_begin_by_the_clock_of_the_zone_when_it_changes(zone, moment, yesterday, week):
    today = moment.astimezone(ZoneInfo(zone)).date()
    assert read("yesterday", today) == f"{yesterday}/{yesterday}"
    assert read("last week", today).startswith(week)


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("from 5 Nov to 1 Nov", "2026-12-01", "2026-11-05/2026-11-01"),
        ("nov 20 to nov 10", "2026-12-01", "2026-11-20/2026-11-10"),
        ("nov 20 to nov 10", "2026-11-15", "2025-11-20/2026-11-10"),
        ("Nov 20–10", "2026-12-01", "2026-11-20/2026-11-10"),
        ("20.11. to 10.11.", "2026-12-01", "2026-11-20/2026-11-10"),
        ("2026-11-20 to 2026-11-10", "2026-12-01", "2026-11-20/2026-11-10"),
        ("Nov 5 2026 to Nov 1", "2026-12-01", "2026-11-05/2026-11-01"),
        ("nov 20 2025 to nov 10", "2026-12-01", "2025-11-20/2026-11-10"),
        ("nov 20 to nov 10 2026", "2026-12-01", "2025-11-20/2026-11-10"),
        ("20 Dec to 10 Jan", "2026-12-25", "2025-12-20/2026-01-10"),
        ("20 Dec to 10 Jan", "2027-01-05", "2026-12-20/2027-01-10"),
        ("20 Dec to 10 Jan", "2027-02-01", "2026-12-20/2027-01-10"),
        ("20 Dec 2026 to 10 Jan", "2026-12-25", "2026-12-20/2027-01-10"),
        ("Nov to Feb", "2026-12-01", "2025-11-01/2026-02-28"),
        ("Q4 to Q1", "2027-01-05", "2026-10-01/2027-03-31"),
        ("Oct 20 to Dec 20", "2026-12-01", "2026-10-20/2026-12-20"),
    ],
)
def test_reversed_days_are_no_days_of_other_years(text, today, expected):
    found = [find(typed(text), date.fromisoformat(today))[0] for find in (find_period, find_reversed)]
    (period,) = filter(None, found)
    assert f"{period.start}/{period.end}" == expected
    assert (period is found[0]) == (period.start <= period.end)


PARTS = (
    "last this 7 two week days May may Oct Q2 1 15 1.–15.5. 15.5 2025 2025-10-03 – - to and from the of since W53 29"
)
WORDS = st.sampled_from(PARTS.split())


@given(st.lists(st.one_of(WORDS, st.text(max_size=12)), max_size=12), st.dates(date(1970, 1, 1), date(2400, 1, 1)))
def test_no_text_raises_and_the_rest_is_in_order(words, today):
    period, rest = find_period(words, today)
    left = iter(piece for word in words for piece in word.replace(",", " ").replace(";", " ").split())
    assert all(piece in left for piece in rest)
    assert period is None or period.start <= period.end
    reverse, _ = find_reversed(words, today)
    assert reverse is None or reverse.end < reverse.start


def test_a_long_text_is_read_in_time():
    for text in ("1 " * 3500, "May " * 1800, "1-" * 3500, "last 7 " * 1000, "2025-10-03 to " * 500):
        assert find_period([text], TODAY)[0] is None


@pytest.mark.parametrize(
    ("start", "end", "following"),
    [
        ("2026-01-01", "2026-01-31", "2026-02-01/2026-02-28"),
        ("2024-02-01", "2024-02-29", "2024-03-01/2024-03-31"),
        ("2026-10-01", "2026-12-31", "2027-01-01/2027-03-31"),
        ("2024-01-01", "2024-12-31", "2025-01-01/2025-12-31"),
        ("2026-11-16", "2026-11-22", "2026-11-23/2026-11-29"),
        ("2026-10-01", "2026-10-15", "2026-10-16/2026-10-30"),
        ("2026-11-29", "2026-11-29", "2026-11-30/2026-11-30"),
    ],
)
def test_the_next_period(start, end, following):
    period = next_after(Period(date.fromisoformat(start), date.fromisoformat(end)))
    assert period is not None
    assert f"{period.start}/{period.end}" == following


def test_after_the_last_day_of_the_calendar_there_is_no_next_period():
    assert next_after(Period(date(9999, 12, 1), date.max)) is None
