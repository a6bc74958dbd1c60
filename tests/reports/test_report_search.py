"""Which of the listed reports words name: by titles, regions, states and periods."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.reports.report_search import filter_reports, find_named, region_in
from bot.webex.report import Report
from bot.webex.report_families import Family

TODAY = date(2026, 11, 29)


def report(title: str, start: date, end: date, status: str = "done", family: Family = Family.PARTNER, **more) -> Report:
    key = f"{title} {start} {more.get('region', '')}"
    return Report(id=key, family=family, title=title, status=status, start=start, end=end, **more)


OCTOBER = report("Calling Usage", date(2026, 10, 1), date(2026, 10, 31), template_id="130", region="US")
SEPTEMBER = report("Calling Usage", date(2026, 9, 1), date(2026, 9, 30), template_id="130", region="US")
EUROPE = report("License Consumption", date(2026, 10, 1), date(2026, 10, 31), region="EU")
HOME = report("License Consumption", date(2026, 10, 1), date(2026, 10, 31), region="US")
WEEK = report("Meeting Details", date(2026, 11, 16), date(2026, 11, 22), "failed", Family.ORGANIZATION)
SITES = report("Audio Usage", date(2026, 11, 2), date(2026, 11, 3), sites=("acme.webex.com",), service="Meetings")
UNDATED = Report(
    id="undated",
    family=Family.ORGANIZATION,
    title="User Activation",
    status="waiting",
    created=datetime(2026, 11, 17, 9, tzinfo=UTC),
)
LISTED = [WEEK, SITES, UNDATED, OCTOBER, EUROPE, HOME, SEPTEMBER]
"""Newest first."""


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("calling usage", OCTOBER),
        ("calling usage September", SEPTEMBER),
        ("calling usage last month", OCTOBER),
        ("130", None),
        ("license consumption eu", EUROPE),
        ("license consumption europe", EUROPE),
        ("license consumption", None),
        ("failed", WEEK),
        ("last week", WEEK),
        ("acme.webex.com", SITES),
        ("in progress", UNDATED),
        ("calling usage August", None),
        ("usage", None),
    ],
)
def test_one_is_named_only_where_no_other_is(words: str, meant: Report | None) -> None:
    assert find_named(words.split(), LISTED, TODAY).one == meant


def test_a_month_in_a_title_is_a_word_before_it_is_a_period() -> None:
    titled = report("Usage May 2025", date(2026, 10, 1), date(2026, 10, 31))

    assert find_named(["usage", "may", "2025"], [titled, OCTOBER], TODAY).one == titled


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ("calling usage August", (OCTOBER, SEPTEMBER)),
        ("calling usage Oct 15 to Nov 3", (OCTOBER,)),
        ("October 2025", ()),
    ],
)
def test_without_a_report_of_those_days_the_nearest_are_told(words: str, nearest: tuple[Report, ...]) -> None:
    named = find_named(words.split(), LISTED, TODAY)

    assert (named.one, named.found.items) == (None, ())
    assert named.found.nearest[: len(nearest)] == nearest
    assert named.days is not None


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("last week", [WEEK, UNDATED]),
        ("October", [OCTOBER, EUROPE, HOME]),
        ("partner October usage", [OCTOBER]),
        ("failed last week", [WEEK]),
        ("ready usage", [SITES, OCTOBER, SEPTEMBER]),
        ("organization", [WEEK, UNDATED]),
        ("meetings", [WEEK, SITES]),
        ("2026", [WEEK, SITES, OCTOBER, EUROPE, HOME, SEPTEMBER]),
    ],
)
def test_a_filter_keeps_all_that_fit_in_their_order(words: str, meant: list[Report]) -> None:
    assert list(filter_reports(words.split(), LISTED, TODAY).found.items) == meant


def test_words_for_regions() -> None:
    assert region_in(["usage", "EU"]) == "EU"
    assert region_in(["Europe"]) == "EU"
    assert region_in(["usage"]) is None
