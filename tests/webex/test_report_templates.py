"""Templates of both families as Webex spells them, and the body that creates a report."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot.webex.report import ReportUnreadable
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport, Template, body_of, created_id, read_templates

PARTNER = {
    "templateId": 130,
    "title": "Calling Usage",
    "service": "Teams",
    "category": "Partner",
    "maxDays": 31,
    "dataStartDate": "2024-01-01",
    "dataEndDate": "2024-01-31",
}
ORGANIZATION = {
    "Id": 20,
    "title": "Audio Usage",
    "service": "Meetings",
    "maxDays": "93",
    "identifier": "orgWithDate",
    "startDate": "2024-01-01",
    "endDate": "",
    "validations": [
        {"field": "templateId", "required": "yes"},
        {"field": "siteList", "required": "yes"},
        {"field": "timeZone", "required": "no"},
        "odd",
    ],
}


def test_a_partner_template_is_read_from_a_bare_array() -> None:
    (template,) = read_templates([PARTNER], Family.PARTNER)

    assert template == Template(
        "130",
        Family.PARTNER,
        "Calling Usage",
        "Teams",
        "Partner",
        max_days=31,
        data_start=date(2024, 1, 1),
        data_end=date(2024, 1, 31),
    )


def test_an_organization_template_is_read_from_its_wrapping() -> None:
    (template,) = read_templates({"items": [ORGANIZATION], "numberOfTemplate": 1}, Family.ORGANIZATION)

    assert (template.id, template.max_days, template.data_end) == ("20", 93, None)
    assert template.required == {"templateId", "siteList"}
    assert template.needs_sites
    assert template.takes_dates
    (other,) = read_templates([ORGANIZATION | {"identifier": "orgWithoutDate"}], Family.ORGANIZATION)
    assert not other.takes_dates


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        ({"dataStartDate": "0001-01-01", "dataEndDate": "0001-01-02"}, (31, None, None)),
        ({"dataStartDate": "9999-12-31", "dataEndDate": ""}, (31, None, None)),
        ({"dataStartDate": "2026-12-01", "dataEndDate": "2025-01-01"}, (31, None, None)),
        ({"maxDays": 0}, (None, date(2024, 1, 1), date(2024, 1, 31))),
        ({"maxDays": 99_999_999_999_999}, (None, date(2024, 1, 1), date(2024, 1, 31))),
    ],
)
def test_limits_that_can_not_be_meant_are_not_known(odd: dict[str, Any], read: tuple[Any, ...]) -> None:
    (template,) = read_templates([PARTNER | odd], Family.PARTNER)

    assert (template.max_days, template.data_start, template.data_end) == read


@pytest.mark.parametrize("template_id", ["a b", "x" * 65])
def test_a_template_that_no_button_can_name_is_left_out(template_id: str) -> None:
    assert [one.id for one in read_templates([PARTNER, PARTNER | {"templateId": template_id}], Family.PARTNER)] == [
        "130"
    ]


@pytest.mark.parametrize("payload", [None, {}, "no", {"items": {}}, [1], [{"title": "no id"}], [{"Id": 5}]])
def test_what_is_no_list_of_templates_is_an_error(payload: Any) -> None:
    with pytest.raises(ReportUnreadable):
        read_templates(payload, Family.ORGANIZATION)


def test_no_templates_are_no_error() -> None:
    assert read_templates([], Family.PARTNER) == []


def test_the_body_holds_what_is_asked_and_no_more() -> None:
    assert body_of(NewReport(Family.ORGANIZATION, "20")) == {"templateId": 20}
    full = NewReport(
        Family.PARTNER, "x1", date(2026, 1, 1), date(2026, 1, 31), "EU", ("a.webex.com", "b.webex.com"), "Europe/Berlin"
    )
    assert body_of(full) == {
        "templateId": "x1",
        "startDate": "2026-01-01",
        "endDate": "2026-01-31",
        "regionId": "EU",
        "siteList": "a.webex.com,b.webex.com",
        "timeZone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("payload", "report_id"),
    [
        ({"reportId": "abc", "createdTime": "2024-05-27 17:02:43"}, "abc"),
        ({"items": {"Id": "abc"}}, "abc"),
        ({"items": {"id": "abc"}}, "abc"),
        ({"items": [{"id": "abc"}]}, "abc"),
        ({"id": "abc"}, "abc"),
        ({}, ""),
        ([], ""),
        (None, ""),
        ({"items": None}, ""),
    ],
)
def test_the_id_of_a_created_report_is_found_in_each_wrapping(payload: Any, report_id: str) -> None:
    assert created_id(payload) == report_id
