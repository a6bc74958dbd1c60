"""The cards by which a report is run: whatever Webex calls its templates, they are cards that Webex takes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.emulator.cards import MAX_CARD_BYTES, problems
from bot.messages import report_form, template_list
from bot.messages.new_report import problems as wrong_in
from bot.text import MAX_TEXT_BYTES
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport, Template
from tests.live_bot import actions_of, inputs_of

if TYPE_CHECKING:
    from bot.webex.types import Card

TODAY = date(2026, 11, 29)
ODD = ["*" * 2000, "会" * 2000, "[a](https://x)", "`x`", "\u202ex"]
HOSTILE = st.text(min_size=1, max_size=200) | st.sampled_from(ODD)
DAYS = st.none() | st.dates(date(2025, 1, 1), date(2026, 12, 31))
TEMPLATES = st.builds(
    Template,
    id=st.from_regex(r"[0-9]{1,4}", fullmatch=True),
    family=st.sampled_from(Family),
    title=HOSTILE,
    service=st.text(max_size=50),
    max_days=st.none() | st.integers(1, 400),
    data_start=DAYS,
    data_end=DAYS,
    required=st.sampled_from([frozenset(), frozenset({"siteList"})]),
    takes_dates=st.booleans(),
)
CALLING = Template("130", Family.PARTNER, "Calling Usage", "Teams", max_days=31, data_start=date(2025, 1, 1))


def fits(made: tuple[str, Card]) -> None:
    text, card = made
    assert problems(card) == []
    assert card["version"] == "1.2"
    assert len(json.dumps(card)) < MAX_CARD_BYTES
    assert len(text.encode()) <= MAX_TEXT_BYTES


@given(TEMPLATES, DAYS, DAYS, st.sampled_from(["", "EU"]))
def test_any_template_makes_cards_that_webex_takes(
    template: Template, start: date | None, end: date | None, region: str
) -> None:
    new = NewReport(template.family, template.id, start=start, end=end, region=region)
    wrong = wrong_in(template, new, TODAY)
    fits(report_form.form_card(template, new, wrong, ["EU"], today=TODAY))
    fits(report_form.confirm_card(template.title, new))
    fits(report_form.again_card(template, new, new))
    fits(report_form.which_card("Which?", [(template, template.key)] * 9))
    fits(report_form.ran_card(Report("abc", template.family, "done", title=template.title), new, 5))
    fits(template_list.templates_card([template] * 10, note="10 templates.", more="x 2", buttons=True))


@pytest.mark.parametrize("letter", ["x", "会", '"'])
def test_a_long_list_of_long_titles_fits(letter: str) -> None:
    many = [replace(CALLING, id=str(number), title=letter * 2000) for number in range(300)]
    fits(report_form.choose_card(many))


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (None, None, ["Which period? For example: last week, May, Q2, or Oct 1–15."]),
        (date(2026, 10, 2), date(2026, 10, 1), ["The last day is before the first."]),
        (date(2026, 10, 1), date(2026, 10, 31), []),
        (date(2026, 10, 1), date(2026, 11, 1), ["This report covers at most 31 days; that's 32."]),
        (date(2024, 12, 31), date(2025, 1, 1), ["There's no data before Jan 1, 2025."]),
        (date(2026, 11, 29), date(2026, 11, 30), ["There's no data after Nov 29, 2026 yet."]),
    ],
)
def test_what_webex_would_refuse_of_a_period_is_said(start: date | None, end: date | None, said: list[str]) -> None:
    assert wrong_in(CALLING, NewReport(Family.PARTNER, "130", start=start, end=end), TODAY) == said


def test_what_webex_would_refuse_of_places_is_said() -> None:
    site = Template("20", Family.ORGANIZATION, "Audio Usage", required=frozenset({"siteList"}), takes_dates=False)
    assert wrong_in(site, NewReport(Family.ORGANIZATION, "20", region="EU"), TODAY) == [
        "Which Webex site? For example: acme.webex.com.",
        "Organization reports have no region.",
    ]
    new = NewReport(Family.PARTNER, "130", start=TODAY, end=TODAY, sites=("acme.webex.com",))
    assert wrong_in(CALLING, new, TODAY) == ["Partner reports are for a region, not for a site."]


def test_a_form_holds_what_is_known() -> None:
    new = NewReport(Family.PARTNER, "130", start=date(2026, 10, 1), end=date(2026, 10, 31), region="EU")
    _, card = report_form.form_card(CALLING, new, [], ["APAC"], today=TODAY)
    assert {one["id"]: one["value"] for one in inputs_of(card)} == {
        "start": "2026-10-01",
        "end": "2026-10-31",
        "region": "EU",
    }
    assert [one["data"] for one in actions_of(card)] == [{"command": "new", "argument": "partner:130"}]
