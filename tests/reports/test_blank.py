"""Why a report's file has nothing in it, and what is offered instead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.db.blank import Blank, from_json
from bot.files.csv_rows import UNCOUNTED, Contents
from bot.reports.blank import Known, diagnose, is_blank
from bot.reports.periods import Period, last_until
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.report_templates import Template

TODAY = date(2026, 11, 29)
HEADER_ONLY = Contents(0, 3)
PARTNER = Template(
    "130",
    Family.PARTNER,
    "Calling Usage",
    service="Teams",
    max_days=31,
    data_start=date(2025, 1, 1),
    data_end=date(2026, 11, 27),
)
ORGANIZATION = Template("1", Family.ORGANIZATION, "Active Hosts", service="Meetings")
SITES = Template("20", Family.ORGANIZATION, "Audio Usage", service="Meetings", required=frozenset({"siteList"}))
UNDATED = Template("400", Family.ORGANIZATION, "User Activation", takes_dates=False)
MONTH = {"start": date(2026, 10, 1), "end": date(2026, 10, 31)}


def report_of(template: Template, **more: Any) -> Report:
    """Return a report of October; Webex names the template of partner reports only."""
    given: dict[str, Any] = {"title": template.title, "service": template.service, **MONTH}
    if template.family is Family.PARTNER:
        given |= {"region": "US", "template_id": template.id}
    return Report("R", template.family, "done", **given | more)


def days(start: str, end: str) -> dict[str, date]:
    return {"start": date.fromisoformat(start), "end": date.fromisoformat(end)}


ACTIVITY_US = (
    "most likely because there was no activity in the period; otherwise a license is missing, or none of your "
    "organizations is in the region US"
)
ACTIVITY = "most likely because there was no activity in the period; otherwise a license is missing"
NORTH_AMERICA = (
    "most likely because Webex has this data only for organizations in North America; otherwise Pro Pack or a license "
    "is missing, or there was no activity in the period"
)


@pytest.mark.parametrize(
    ("template", "report", "known", "clause", "button"),
    [
        pytest.param(
            PARTNER,
            days("2026-11-29", "2026-11-29"),
            {},
            "because Webex has no data for its period yet",
            ("Run for Nov 27, 2026", "partner:130 2026-11-27 to 2026-11-27 US"),
            id="today",
        ),
        pytest.param(
            PARTNER,
            days("2026-12-01", "2026-12-31"),
            {},
            "because Webex has no data for its period yet",
            ("Run for Oct 1–31, 2026", "partner:130 2026-10-01 to 2026-10-31 US"),
            id="next month",
        ),
        pytest.param(
            PARTNER,
            days("2026-11-28", "2026-11-28"),
            {},
            "because Webex has data only for Jan 1, 2025 – Nov 27, 2026",
            ("Run for Nov 27, 2026", "partner:130 2026-11-27 to 2026-11-27 US"),
            id="behind the data",
        ),
        pytest.param(
            PARTNER,
            days("2024-12-23", "2024-12-29"),
            {},
            "because Webex has data only for Jan 1, 2025 – Nov 27, 2026",
            ("Run for Jan 1–7, 2025", "partner:130 2025-01-01 to 2025-01-07 US"),
            id="before the data",
        ),
        pytest.param(
            PARTNER,
            days("2026-09-01", "2026-10-31"),
            {},
            "most likely because its period is longer than the 31 days that Webex takes; otherwise there was no "
            "activity in the period",
            ("Run for Oct 1–31, 2026", "partner:130 2026-10-01 to 2026-10-31 US"),
            id="too long",
        ),
        pytest.param(
            PARTNER,
            {"region": "EU"},
            {"home_region": "US"},
            "most likely because none of your organizations is in the region EU; otherwise there was no activity in "
            "the period",
            ("Run for US", "partner:130 2026-10-01 to 2026-10-31 US"),
            id="another region",
        ),
        pytest.param(
            PARTNER,
            {"region": "EU"},
            {"home_region": ""},
            "most likely because none of your organizations is in the region EU; otherwise there was no activity in "
            "the period",
            ("Run for the home region", "partner:130 2026-10-01 to 2026-10-31"),
            id="the home region's name is not known",
        ),
        pytest.param(
            PARTNER,
            {},
            {"home_region": "US"},
            ACTIVITY_US,
            ("Run for Sep 1–30, 2026", "partner:130 2026-09-01 to 2026-09-30 US"),
            id="no activity at home",
        ),
        pytest.param(
            PARTNER,
            days("2026-11-16", "2026-11-22"),
            {},
            ACTIVITY_US,
            ("Run for Nov 9–15, 2026", "partner:130 2026-11-09 to 2026-11-15 US"),
            id="no activity in a week",
        ),
        pytest.param(PARTNER, days("2025-01-01", "2025-01-31"), {}, ACTIVITY_US, None, id="nothing is before it"),
        pytest.param(ORGANIZATION, {}, {}, NORTH_AMERICA, None, id="never any rows"),
        pytest.param(
            ORGANIZATION,
            {},
            {"had_rows": True},
            ACTIVITY,
            ("Run for Sep 1–30, 2026", "organization:1 2026-09-01 to 2026-09-30"),
            id="no activity",
        ),
        pytest.param(
            SITES,
            {"sites": ("a.webex.com",)},
            {"had_rows": True},
            "most likely because a.webex.com has no Meetings; otherwise there was no activity in the period",
            ("Choose another site", "organization:20 2026-10-01 to 2026-10-31"),
            id="a site",
        ),
        pytest.param(
            SITES,
            {"sites": ("a.webex.com", "b.webex.com"), **days("2026-11-29", "2026-11-29")},
            {},
            "because Webex has no data for its period yet",
            ("Run for Nov 28, 2026", "organization:20 2026-11-28 to 2026-11-28 a.webex.com b.webex.com"),
            id="the sites stay",
        ),
        pytest.param(UNDATED, days("2026-11-29", "2026-11-29"), {}, NORTH_AMERICA, None, id="no period"),
        pytest.param(
            ORGANIZATION, {"start": None, "end": None}, {"had_rows": True}, ACTIVITY, None, id="unread period"
        ),
    ],
)
def test_the_likeliest_cause_is_told_first(
    template: Template, report: dict[str, Any], known: dict[str, Any], clause: str, button: tuple[str, str] | None
) -> None:
    found = diagnose(report_of(template, **report), HEADER_ONLY, Known(template, **known), TODAY)
    assert found.sentence == f"The report is empty (header only), {clause}."
    assert ((found.title, found.argument) if found.title else None) == button


def test_without_the_template_a_partner_report_names_it_itself() -> None:
    found = diagnose(report_of(PARTNER, region="EU"), HEADER_ONLY, Known(home_region="US"), TODAY)
    assert found.argument == "partner:130 2026-10-01 to 2026-10-31 US"


def test_without_the_template_an_organization_report_has_no_button() -> None:
    assert diagnose(report_of(ORGANIZATION), HEADER_ONLY, Known(had_rows=True), TODAY).title == ""


@pytest.mark.parametrize(
    ("contents", "blank", "begins"),
    [
        (None, False, ""),
        (UNCOUNTED, False, ""),
        (Contents(2, 3), False, ""),
        (Contents(0, 1), False, ""),  # perhaps an error message
        (Contents(0, 3), True, "The report is empty (header only), "),
        (Contents(0, 0), True, "The report is empty, "),
        (Contents(7, 3, no_values=True), True, "The report has no values (every cell is NA), "),
    ],
)
def test_what_counts_as_nothing(contents: Contents | None, blank: bool, begins: str) -> None:
    assert is_blank(contents) is blank
    if blank:
        assert contents is not None
        assert diagnose(report_of(PARTNER), contents, Known(PARTNER), TODAY).sentence.startswith(begins)


def test_it_is_kept_as_it_is() -> None:
    found = Blank("The report is empty, most likely because", "it is not", "Run", "partner:1")
    assert from_json(found.as_json()) == found
    assert from_json(None) is None


DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
ANY_DAYS = st.none() | DAYS | st.dates()


@given(DAYS, st.integers(0, 400), DAYS)
def test_an_earlier_period_is_of_the_same_kind(start: date, more: int, last: date) -> None:
    period = Period(start, start + timedelta(days=more))
    found = last_until(period, last)
    assert found.end <= max(last, period.end)
    whole_months = period.start.day == (period.end + timedelta(days=1)).day == 1
    if whole_months:
        assert found.end <= last
        assert found.start.day == (found.end + timedelta(days=1)).day == 1
    else:
        assert found.days == period.days
        assert (period.start - found.start).days % period.days == 0
        assert found.end <= last or found == period


@settings(max_examples=500)
@given(st.tuples(*[ANY_DAYS] * 4), st.none() | st.integers(1, 400), st.sampled_from(["", "US", "EU"]))
def test_any_days_are_answered(any_days: tuple[date | None, ...], longest: int | None, region: str) -> None:
    start, end, first, last = any_days
    template = Template("1", Family.PARTNER, "Usage", max_days=longest, data_start=first, data_end=last)
    report = Report("R", Family.PARTNER, "done", title="Usage", start=start, end=end, region=region)
    found = diagnose(report, HEADER_ONLY, Known(template, "US"), TODAY)
    assert found.sentence.startswith("The report is empty (header only), ")
    assert bool(found.title) == bool(found.argument)
