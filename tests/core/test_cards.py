"""Every card is one that Webex takes, whatever the report says, and never shows the download link."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from bot.chat.shown import shown_for
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.commands import registry
from bot.chat.commands.reports import PAGE
from bot.emulator.cards import MAX_CARD_BYTES, problems
from bot.messages.help import help_card, help_text
from bot.messages.report_list import reports_card, reports_text
from bot.messages.request_card import report_card, report_text
from bot.text import MAX_TEXT_BYTES
from bot.webex.catalog import NEEDS
from bot.webex.report import Expiry, Family, Report
from tests.stage import actions_of, texts_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from bot.chat.registry import Command
    from bot.webex.types import Card

NOW = datetime(2024, 3, 24, 18, 0, tzinfo=UTC)
LINK = "https://reportdownload-a.webex.com/api?reportId=1&secret=hush"
MOST_BUTTONS = 5

PARTNER = Report(
    id="Y2lzY29zcGFyazovL3VzL1JFUE9SVC85Yzg4ZjM",
    family=Family.PARTNER,
    status="done",
    title="Calling Usage",
    service="Calling",
    template_id="500",
    region="US",
    start=date(2024, 2, 23),
    end=date(2024, 3, 24),
    created=NOW - timedelta(hours=3),
    file_name="calling_usage.csv",
    file_size=1_234_567,
    checksum="0f343b0931126a20f133d67c2b018a3b",
    download_url=LINK,
    expiry=Expiry(3600, NOW + timedelta(hours=1)),
    expiry_raw="3600",
)
ORGANIZATION = Report(
    id="Y2lzY29zcGFyazovL3VzL1JFUE9SVC84YWE",
    family=Family.ORGANIZATION,
    status="done",
    title="Meeting Details",
    service="Webex Meetings",
    sites=("acme.webex.com", "acme-eu.webex.com"),
    start=date(2024, 2, 23),
    end=date(2024, 3, 24),
    created=NOW - timedelta(days=3),
    created_by="Y2lzPEOPLE",
    origin="api",
    download_url=LINK,
)

FOREIGN = st.text(
    st.one_of(st.sampled_from("\\`*_[]()<>~#&\"'{}\n\u202e\u0000ü会😀"), st.characters(exclude_categories=["Cs"])),
    max_size=300,
)
LONG = st.builds(lambda text, times: (text * times)[:2000], FOREIGN, st.integers(1, 60))
WORDS = FOREIGN | LONG
DAYS = st.none() | st.dates()
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))
IDS = st.text("abcdefXYZ019_=-", min_size=1, max_size=512)
REPORTS = st.builds(
    Report,
    id=IDS,
    family=st.sampled_from(Family),
    status=st.sampled_from(["done", "failed", "In progress", ""]) | WORDS,
    title=WORDS,
    service=WORDS,
    template_id=WORDS,
    region=WORDS,
    sites=st.lists(WORDS, max_size=4).map(tuple),
    start=DAYS,
    start_raw=WORDS,
    end=DAYS,
    end_raw=WORDS,
    created=MOMENTS,
    created_raw=WORDS,
    created_by=WORDS,
    origin=WORDS,
    file_name=WORDS,
    file_size=st.none() | st.integers(1, 10**15),
    checksum=WORDS,
    download_url=st.just(LINK),
    expiry=st.none() | st.builds(Expiry, st.floats(-1e8, 1e8), st.datetimes(timezones=st.just(UTC))),
    expiry_raw=WORDS,
    fetched_at=MOMENTS,
)


def fits(card: Card, text: str) -> None:
    """What holds for every card and its text."""
    assert problems(card) == [], "the schema of its version, and the size in UTF-8"
    assert card["version"] == "1.2", "some clients render nothing newer"
    assert card["fallbackText"].strip(), "what they show instead of a newer one"
    assert not any("`" in words or "\\" in words for words in [*texts_of(card), card["fallbackText"]])
    assert len([one for one in actions_of(card) if one["type"] != "Action.ToggleVisibility"]) <= max(MOST_BUTTONS, 11)
    assert len(text.encode()) <= MAX_TEXT_BYTES
    for shown in (json.dumps(card), text):
        assert "hush" not in shown
        assert "reportdownload" not in shown


@given(REPORTS, st.booleans(), st.booleans(), st.none() | st.just(NOW))
def test_any_report_makes_a_card_that_webex_takes(
    report: Report, awaited: bool, for_file: bool, deadline: datetime | None
) -> None:
    shown = shown_for(report, NOW, "k4m7x2p9", awaited=awaited, deadline=deadline, asked_for_file=for_file)
    card = report_card(report, shown)
    fits(card, report_text(report, shown))
    assert len(actions_of(card)) <= MOST_BUTTONS
    arguments = {one["data"]["argument"] for one in actions_of(card) if one["type"] == "Action.Submit"}
    assert arguments <= {report.id, "k4m7x2p9"}, "a button carries the id to the letter"


@settings(max_examples=25)
@given(st.lists(REPORTS, max_size=PAGE), st.integers(0, 500), st.integers(1, 9999))
def test_any_page_of_reports_makes_a_card_that_webex_takes(reports: list[Report], more: int, page: int) -> None:
    note = "Not shown: " + "; ".join(NEEDS.values())
    card = reports_card(reports, NOW, total=len(reports) + more, page=page, note=note)
    fits(card, reports_text(reports, NOW, note=note))


@pytest.mark.parametrize("letter", ["x", "ü", "会", "😀", "*", '"', "\\"])
def test_a_full_page_of_the_longest_titles_and_ids_fits(letter: str) -> None:
    longest = replace(
        PARTNER, id="Y" * 512, title=letter * 2000, status=letter * 2000, start=None, start_raw=letter * 2000
    )
    reports = [longest] * PAGE
    note = "1 to 10 of 99, newest first."
    fits(reports_card(reports, NOW, total=99, page=1, note=note), reports_text(reports, NOW, note=note))


@pytest.mark.parametrize("letter", ["x", "ü", "会"])
def test_a_full_page_of_long_titles_fits_as_it_goes_over_the_wire(letter: str) -> None:
    """Every letter beyond ASCII goes as six bytes. Titles of 100 letters, ids and statuses as long as any seen."""
    longest = replace(PARTNER, id="Y" * 120, title=letter * 100, status="manual_processing")
    page = reports_card([longest] * PAGE, NOW, total=99, page=1, note="1 to 10 of 99, newest first.")
    assert len(json.dumps(page)) < MAX_CARD_BYTES


@given(WORDS, st.sampled_from([None, *registry]))
def test_help_makes_a_card_that_webex_takes_whatever_was_written(unknown: str, guess: Command | None) -> None:
    fits(
        help_card(list(registry), unknown=unknown, guess=guess),
        help_text(list(registry), unknown=unknown, guess=guess),
    )


@pytest.mark.parametrize("report", [PARTNER, ORGANIZATION], ids=["partner", "organisation"])
@pytest.mark.parametrize("status", ["done", "In progress", "failed"])
def test_the_card_of_a_report(report: Report, status: str, snapshot: SnapshotAssertion) -> None:
    one = replace(report, status=status)
    shown = shown_for(one, NOW, "k4m7x2p9", awaited=True, deadline=NOW + timedelta(hours=26))
    assert {"card": report_card(one, shown), "text": report_text(one, shown)} == snapshot


def test_the_card_of_a_report_that_is_awaited_here_already(snapshot: SnapshotAssertion) -> None:
    one = replace(PARTNER, status="waiting")
    leader: object = object()
    shown = shown_for(one, NOW, "k4m7x2p9", awaited=True, leader=leader)  # type: ignore[arg-type]
    assert report_card(one, shown) == snapshot


def test_the_card_of_the_list(snapshot: SnapshotAssertion) -> None:
    reports = [PARTNER, ORGANIZATION, replace(PARTNER, title="", status="manual_processing", created=None)]
    note = "1 to 3 of 12, newest first."
    assert {
        "card": reports_card(reports, NOW, total=12, page=1, note=note),
        "text": reports_text(reports, NOW, note=note),
    } == snapshot


def test_the_card_of_help_after_a_mistyped_word(snapshot: SnapshotAssertion) -> None:
    some = [command for command in registry if command.word in {"report", "reports", "help"}]
    guess = registry.nearest("reprot")
    assert {
        "card": help_card(some, unknown="reprot", guess=guess),
        "text": help_text(some, unknown="reprot", guess=guess),
    } == snapshot


def test_the_issue_s_fields_are_on_the_card() -> None:
    shown = shown_for(PARTNER, NOW, "k4m7x2p9", awaited=True)
    seen = "\n".join(texts_of(report_card(PARTNER, shown)))
    for words in (
        "Calling Usage",
        "● Done",
        "Service: Calling",
        "Region: US",
        "Period: 2024-02-23 to 2024-03-24",
        "Created: 3 hours ago (2024-03-24 15:00 UTC)",
        "File: calling_usage.csv, 1.2 MB",
        "Link: lasts 60 min, until 19:00 UTC",
        "Template: 500",
        "Checksum: 0f343b0931126a20f133d67c2b018a3b",
        PARTNER.id,
    ):
        assert words in seen
    seen = "\n".join(texts_of(report_card(ORGANIZATION, shown)))
    assert "Sites: acme.webex.com, acme-eu.webex.com" in seen
    assert "Link: Webex gives no expiry" in seen
