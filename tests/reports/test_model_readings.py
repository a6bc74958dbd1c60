"""Webex's loose values: times, lifetimes, sizes, and anything at all."""

import string
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.webex.json_fields import read_day, read_expiry, read_moment, read_text
from bot.webex.report import NAMES, Report, ReportUnreadable, is_report_id, read_details, read_list
from bot.webex.report_families import Family

NOW = datetime(2024, 3, 24, 18, 0, tzinfo=UTC)
LATER = datetime(2024, 3, 24, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        "3600",
        3600,
        3600.0,
        "3600000",
        3600000,
        " 3600 ",
        "PT1H",
        "PT60M",
        "pt3600s",
        str(int(LATER.timestamp())),
        int(LATER.timestamp()),
        str(int(LATER.timestamp() * 1000)),
        LATER.timestamp() * 1000,
        "2024-03-24T19:00:00Z",
        "2024-03-24T19:00:00.000Z",
        "2024-03-24T19:00:00.000+0000",
        "2024-03-24T20:00:00+01:00",
        "2024-03-24 19:00:00",
        "2024-03-24 19:00:00 UTC",
        "Sun, 24 Mar 2024 19:00:00 GMT",
    ],
)
def test_every_reading_of_an_expiry_means_the_same_hour(raw):
    expiry = read_expiry(raw, NOW)
    assert expiry
    assert (expiry.seconds, expiry.at) == (3600, LATER)


@pytest.mark.parametrize(
    "raw",
    [None, "", "soon", "0", 0, "-5", -5, True, [], {}, "P", "PT", "5e8", 5e8, float("nan"), float("inf"), 10**400],
)
def test_an_expiry_that_says_nothing_is_none(raw):
    assert read_expiry(raw, NOW) is None


@pytest.mark.parametrize(("raw", "seconds"), [("604800", 604_800), ("604801", 604.801), ("P30D", 30 * 86_400)])
def test_a_lifetime_of_more_than_a_week_without_a_unit_is_in_milliseconds(raw, seconds):
    expiry = read_expiry(raw, NOW)
    assert expiry
    assert expiry.seconds == pytest.approx(seconds)


def test_a_link_that_has_ended_lasts_less_than_nothing():
    expiry = read_expiry("2024-03-24 17:00:00", NOW)
    assert expiry
    assert expiry.seconds == -3600


@pytest.mark.parametrize(
    "raw", ["2024-02-23", "2024-02-23T23:59:59Z", "2024-02-23 00:00:00", "2024-02-23T00:00:00+14:00"]
)
def test_a_day_stays_the_day_that_was_written(raw):
    assert read_day(raw) == date(2024, 2, 23)


def test_moments_at_the_end_of_time_do_not_crash():
    assert read_moment("0001-01-01T00:00:00+14:00") is None
    assert read_moment("9999-12-31T23:59:59-14:00") is None


def test_texts_lose_what_cards_and_databases_cannot_take():
    assert read_text("a\x00b\ud800c\n") == "a b c"
    assert len(read_text("x" * 5000)) == 2000
    assert read_text("\u200b \u2060") == "", "nothing that people could see"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.text(string.digits, max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = sorted({name for several in NAMES.values() for name in several} | {"items", "Items", "x"})
reports_like = st.recursive(
    json_values | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=20),
    max_leaves=15,
)
moments = st.datetimes(timezones=st.just(UTC))


@settings(max_examples=80, deadline=None)
@given(payload=reports_like, now=moments)
def test_any_json_is_a_report_or_unreadable(payload, now):
    try:
        report = read_details(payload, Family.PARTNER, now)
    except ReportUnreadable:
        return
    assert_sound(report)


@settings(max_examples=80, deadline=None)
@given(payload=reports_like, now=moments)
def test_any_json_is_a_list_or_unreadable(payload, now):
    try:
        listing = read_list(payload, Family.ORGANIZATION, now)
    except ReportUnreadable:
        return
    assert listing.skipped >= 0
    for report in listing:
        assert_sound(report)


def assert_sound(report: Report) -> None:
    assert is_report_id(report.id)
    assert report.created is None or report.created.utcoffset() == timedelta(0)
    assert report.file_size is None or report.file_size > 0
    for text in (report.status, report.title, report.expiry_raw, report.file_name):
        text.encode()
        assert len(text) <= 2000
    if report.expiry:
        assert report.expiry.at.tzinfo
