"""What ``new`` makes of words: template, period, region, sites; nothing is guessed without being said."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.new_report_words import Wanted, read_form, read_words
from bot.chat.sub_partners import take_organization
from bot.messages.report_form import argument_of
from bot.webex.ids import organization_id
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport, Template

TODAY = date(2026, 11, 29)
CALLING = Template("130", Family.PARTNER, "Calling Usage", "Teams")
QUALITY = Template("131", Family.PARTNER, "Calling Quality", "Teams")
MAY = Template("7", Family.ORGANIZATION, "May Report", "Meetings")
DETAILS = Template("2", Family.ORGANIZATION, "Meeting Details", "Meetings")
AUDIO = Template("20", Family.ORGANIZATION, "Audio Usage", "Meetings", required=frozenset({"siteList"}))
SAME_NAME = Template("9", Family.ORGANIZATION, "Calling Quality", "Calling")
ALL = (CALLING, QUALITY, MAY, DETAILS, AUDIO, SAME_NAME)
OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))
NO_DAYS = (None, None)


def read(text: str) -> Wanted:
    return read_words(text.split(), ALL, TODAY)


@pytest.mark.parametrize(
    ("text", "template", "days", "region", "sites"),
    [
        ("calling usage last month", CALLING, OCTOBER, "", ()),
        ("Calling Usage last month EU", CALLING, OCTOBER, "EU", ()),
        ("usage calling in europe for October", CALLING, OCTOBER, "EU", ()),
        ("last month calling usage", CALLING, OCTOBER, "", ()),
        ("130", CALLING, NO_DAYS, "", ()),
        ("130 eu last month", CALLING, OCTOBER, "EU", ()),
        ("partner:130 2026-10-01 to 2026-10-31 CA", CALLING, OCTOBER, "CA", ()),
        ("partner:130 2026-10-01 2026-10-31", CALLING, OCTOBER, "", ()),
        ("may report last month", MAY, OCTOBER, "", ()),
        ("audio usage last month acme.webex.com b.webex.com", AUDIO, OCTOBER, "", ("acme.webex.com", "b.webex.com")),
        ("audio usage https://acme.webex.com/ last month", AUDIO, OCTOBER, "", ("acme.webex.com",)),
        ("a report of meeting details please", DETAILS, NO_DAYS, "", ()),
        ("calling quality EU last month", QUALITY, OCTOBER, "EU", ()),
    ],
)
def test_words_name_template_days_region_and_sites(
    text: str, template: Template, days: tuple[date | None, date | None], region: str, sites: tuple[str, ...]
) -> None:
    wanted = read(text)

    assert (wanted.template, wanted.guessed, wanted.unread) == (template, False, ())
    assert ((wanted.start, wanted.end), wanted.region, wanted.sites) == (days, region, sites)


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("usage last month", {CALLING, AUDIO}),
        ("calling quality", {QUALITY, SAME_NAME}),
        ("calling EU", {CALLING, QUALITY}),
    ],
)
def test_what_fits_several_templates_is_asked(text: str, choices: set[Template]) -> None:
    wanted = read(text)

    assert wanted.template is None
    assert set(wanted.choices) == choices


def test_a_typing_error_is_a_guess() -> None:
    wanted = read("meetng detials last month")

    assert (wanted.template, wanted.guessed) == (DETAILS, True)


def test_capitals_of_a_title_are_no_region() -> None:
    sip = Template("132", Family.PARTNER, "SIP Usage", "Teams")

    wanted = read_words(["SIP", "last", "month"], (*ALL, sip), TODAY)

    assert (wanted.template, wanted.region) == (sip, "")


def test_us_may_be_the_people_so_the_region_is_shown_first() -> None:
    wanted = read("calling usage for us last month")

    assert (wanted.template, wanted.region, wanted.guessed) == (CALLING, "US", True)
    assert not read("calling usage for US last month").guessed


@pytest.mark.parametrize("text", ["", "zebra", "partner:999", "999", "organization:130"])
def test_what_names_no_template_gives_none(text: str) -> None:
    assert read(text).template is None


def test_what_is_not_understood_beside_a_template_is_told() -> None:
    assert read("partner:130 whenever").unread == ("whenever",)
    assert read("partner:999 last week").unread == ("partner:999",)


def test_a_form_goes_over_what_its_button_says() -> None:
    argument = read("partner:130 EU")
    filled = {"start": "2026-10-01", "end": "2026-10-31", "region": "home"}

    wanted = read_form(filled, argument, ALL)

    assert wanted.of(CALLING) == NewReport(Family.PARTNER, "130", *OCTOBER)
    assert read_form({"start": "soon", "end": ""}, read("partner:130"), ALL).start is None
    assert read_form({"template": "organization:2"}, read(""), ALL).template == DETAILS
    assert read_form({"sites": "a.webex.com, b.webex.com"}, argument, ALL).sites == ("a.webex.com", "b.webex.com")


def test_a_button_with_a_period_goes_over_the_days_of_its_form() -> None:
    argument = read("partner:130 2026-10-01 to 2026-10-31 EU")
    wanted = read_form({"start": "2026-01-01", "end": "2026-03-31", "region": "CA"}, argument, ALL)

    assert wanted.of(CALLING) == NewReport(Family.PARTNER, "130", *OCTOBER, region="CA")


@pytest.mark.parametrize(
    ("text", "future"),
    [
        ("calling usage tomorrow", "tomorrow"),
        ("calling usage next month EU", "next month"),
        ("Next 7 Days calling usag", "Next 7 Days"),
        ("calling usage", ""),
        ("calling usage next", ""),
    ],
)
def test_days_to_come_are_no_part_of_a_title(text: str, future: str) -> None:
    wanted = read(text)

    assert (wanted.template, wanted.future) == (CALLING, tuple(future.split()))


DAYS = st.dates(date(2020, 1, 1), date(2026, 11, 29))


REGIONS = st.sampled_from(["", "EU", "CA", "APJ"])
ORGANIZATIONS = st.one_of(st.just(""), st.uuids().map(str).map(organization_id))


@given(st.sampled_from(ALL), st.tuples(DAYS, DAYS).map(sorted), REGIONS, ORGANIZATIONS)
def test_a_buttons_argument_is_read_as_exactly_that_report(
    template: Template, days: list[date], region: str, organization: str
) -> None:
    new = NewReport(template.family, template.id, days[0], days[1], region, on_behalf_of=organization)

    named, words = take_organization(argument_of(new).split())
    wanted = read_words(words, ALL, TODAY, named)

    assert wanted.template == template
    assert not wanted.guessed
    assert wanted.of(template) == new


@given(st.lists(st.text(min_size=1, max_size=30), max_size=12))
def test_no_words_make_it_fail(words: list[str]) -> None:
    read_words(words, ALL, TODAY)
