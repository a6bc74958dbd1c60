"""When a schedule runs, compared with the slow reference."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.messages.recurrence import NEVER, NOT_A_RECURRENCE, TOO_OFTEN
from bot.reports.recurrence import InvalidRecurrence, Recurrence, starting, validated
from tests.reports.slow_recurrence import RULES, ZONES, at, minute_of, moments


@settings(max_examples=120)
@given(
    rule=st.sampled_from(sorted(RULES)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    start=st.datetimes(at("1981-01-01"), at("2040-01-01")).map(lambda one: one.replace(second=0, microsecond=0)),
    ahead=st.integers(0, 3000),
    odd=st.timedeltas(timedelta(), timedelta(days=1)),
)
@example("FREQ=DAILY", ZoneInfo("Europe/Berlin"), at("2026-03-20", 2, 30), 8, timedelta())
@example("FREQ=DAILY", ZoneInfo("Europe/Berlin"), at("2026-10-20", 2, 30), 4, timedelta())
@example("FREQ=DAILY", ZoneInfo("Pacific/Apia"), at("2011-12-01", 8, 0), 28, timedelta())  # a day left out
@example("FREQ=DAILY", ZoneInfo("Australia/Lord_Howe"), at("2026-10-01", 2, 15), 2, timedelta())
def test_what_follows_a_moment_is_what_a_slow_look_finds(
    rule: str, zone: ZoneInfo, start: datetime, ahead: int, odd: timedelta
) -> None:
    recurrence = Recurrence(rule, start, zone)
    moment = start.replace(tzinfo=UTC) + timedelta(days=ahead) + odd
    around = list(moments(rule, start, zone, 90, moment.date() - timedelta(days=45)))
    following = [one for one in around if one > moment]
    assert recurrence.after(moment) == following[0]
    before = [one for one in around if one <= moment]
    if before:
        assert recurrence.latest(moment) == before[-1]
        assert recurrence.latest(before[-1]) == before[-1]
    assert recurrence.after(following[0]) != following[0]


@given(
    hours=st.sampled_from([1, 2, 5, 6, 12, 24]),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    day=st.dates(date(2020, 1, 1), date(2035, 1, 1)),
)
@example(6, ZoneInfo("Europe/Berlin"), date(2026, 3, 28))
@example(1, ZoneInfo("America/New_York"), date(2026, 10, 31))
def test_every_so_many_hours_goes_by_the_clock_on_the_wall(hours: int, zone: ZoneInfo, day: date) -> None:
    start = datetime.combine(day, time(1, 30))
    local = [start + number * timedelta(hours=hours) for number in range(60)]
    expected = sorted({minute_of(one, zone) for one in local})  # two that the clock jumps over are one
    found = Recurrence(f"FREQ=HOURLY;INTERVAL={hours}", start, zone).upcoming(expected[0] - timedelta(minutes=1), 40)
    assert found == expected[:40]


def test_each_hour_is_at_most_one_run_when_the_clock_is_set_back() -> None:
    """Of two hours with one name the first counts; so there is one pause of two hours a year."""
    zone = ZoneInfo("Europe/Berlin")
    found = Recurrence("FREQ=HOURLY", at("2026-10-25"), zone).upcoming(datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 4)
    assert [f"{one.astimezone(zone):%H:%M%z}" for one in found] == [
        "02:00+0200",
        "03:00+0100",
        "04:00+0100",
        "05:00+0100",
    ]


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", ["2026-11-30", "2026-12-14"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", ["2026-11-30", "2026-12-03", "2026-12-14"]),
        ("FREQ=DAILY;INTERVAL=2", ["2026-11-30", "2026-12-02"]),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", ["2026-12-01", "2027-03-01"]),
    ],
)
def test_it_begins_with_the_next_day_that_is_named(rule: str, first: list[str]) -> None:
    sunday = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
    found = starting(rule, time(8), ZoneInfo("Europe/Berlin"), sunday).upcoming(sunday, len(first))
    assert [f"{one:%Y-%m-%d}" for one in found] == first


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("FREQ=MINUTELY;INTERVAL=90", TOO_OFTEN),
        ("FREQ=SECONDLY", TOO_OFTEN),
        ("FREQ=HOURLY;BYMINUTE=0,30", TOO_OFTEN),
        ("FREQ=DAILY;BYHOUR=8;BYSECOND=1,2", TOO_OFTEN),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", NEVER),
        ("FREQ=DAILY;UNTIL=20200101T000000Z", NEVER),
        ("FREQ=DAILY;COUNT=3", NOT_A_RECURRENCE),
        ("FREQ=DAILY;BYMONTHDAY=31", NOT_A_RECURRENCE),
        ("FREQ=DAILY\nRDATE:20270101T000000", NOT_A_RECURRENCE),
        ("FREQ=DAILY;INTERVAL=0", NOT_A_RECURRENCE),
        ("FREQ=DAILY;INTERVAL=99999", NOT_A_RECURRENCE),
        ("FREQ=DAILY;BYHOUR=25", NOT_A_RECURRENCE),
        ("FREQ=HOURLY;BYMONTH=13", NOT_A_RECURRENCE),
        ("FREQ=MONTHLY;BYMONTHDAY=32", NOT_A_RECURRENCE),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2,3,4,5,6", NOT_A_RECURRENCE),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366", NOT_A_RECURRENCE),
        ("FREQ=MONTHLY;BYDAY=1MO,8MO", NOT_A_RECURRENCE),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=51MO", NOT_A_RECURRENCE),
        ("FREQ=DAILY;BYDAY=2MO", NOT_A_RECURRENCE),
        ("RRULE:FREQ=DAILY", NOT_A_RECURRENCE),
        ("every day", NOT_A_RECURRENCE),
        ("", NOT_A_RECURRENCE),
    ],
)
def test_what_no_schedule_can_have_is_refused(rule: str, sentence: str) -> None:
    with pytest.raises(InvalidRecurrence, match="^" + sentence.replace(".", r"\.")):
        validated(rule, "2026-11-29T08:00:00", "Europe/Berlin")


@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;BYDAY=-53MO,53TU", "FREQ=MONTHLY;BYDAY=+5FR,-5MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,-1,2,-2,3"],
)
def test_days_may_be_counted_from_both_ends(rule: str) -> None:
    found = validated(rule, "2026-11-29T08:00:00", "Europe/Berlin")
    assert len(found.upcoming(datetime(2026, 11, 30, tzinfo=UTC), 20)) == 20


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY;BYSETPOS=5", "FREQ=HOURLY;BYMONTH=13", "FREQ", "garbage", "A=B", ""])
def test_what_is_refused_has_no_first_run_that_is_looked_for(rule: str) -> None:
    with pytest.raises(InvalidRecurrence):
        starting(rule, time(8), ZoneInfo("Europe/Berlin"), datetime(2026, 11, 30, tzinfo=UTC))


@given(rule=st.text(), dtstart=st.text(), zone=st.text())
def test_no_text_breaks_it(rule: str, dtstart: str, zone: str) -> None:
    with pytest.raises(InvalidRecurrence):
        validated(rule, dtstart, zone)


def test_an_end_may_be_in_utc_as_the_standard_wants_it() -> None:
    found = validated("FREQ=DAILY;UNTIL=20261201T070000Z", "2026-11-29T08:00:00", "Europe/Berlin")
    late = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert found.upcoming(late, 5) == [datetime(2026, 12, 1, 7, tzinfo=UTC)]
    assert found.after(datetime(2026, 12, 1, 7, tzinfo=UTC)) is None
