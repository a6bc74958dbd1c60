"""Every card is one that Webex takes, whatever the report says, and never shows the download link."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.commands.reports import PAGE
from bot.chat.plain_language import argument
from bot.chat.registry import registry
from bot.chat.report_ids import MOST_IDS
from bot.db.reports import ReportRow, details_of
from bot.db.requests import State
from bot.emulator.cards import MAX_CARD_BYTES, problems
from bot.messages import deletion, sentences
from bot.messages.elements import button, sentence_in_card
from bot.messages.help import IN_GROUP, IN_GROUP_ALONE, command_card, help_card, introduction_card, unknown_card
from bot.messages.report_list import reports_card, reports_text
from bot.messages.request_card import period_of, report_only, request_card, title_of
from bot.messages.request_list import request_list
from bot.reports import quota
from bot.text import MAX_TEXT_BYTES, escape_card, escape_markdown
from bot.webex.report import Expiry, Report
from bot.webex.report_families import FAMILIES, Family
from tests.live_bot import actions_of, texts_of
from tests.reports.rows import report_row, request_row

if TYPE_CHECKING:
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


SENTENCES = st.none() | WORDS.map(lambda title: f"The report **{escape_markdown(title)}** isn't in Webex any more.")


def row_of(report: Report, **values: Any) -> ReportRow:
    """Return the row of a report."""
    given = {"status": report.status, "phase": report.phase, "title": report.title, "details": details_of(report)}
    return report_row(**given | {"report_id": report.id, "family": report.family.value} | values)


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


@given(REPORTS, st.sampled_from(State), st.tuples(st.booleans(), st.booleans()), st.integers(0, 2), SENTENCES)
def test_any_request_makes_a_card_that_webex_takes(
    report: Report, state: State, flags: tuple[bool, bool], revision: int, reason: str | None
) -> None:
    elsewhere, ready = flags
    row = row_of(report, ready_at=NOW if ready else None)
    request = request_row(report_id=report.id, state=state, revision=revision, reason=reason)
    text, card = request_card(request, row, elsewhere=elsewhere, now=NOW, poll_interval=15, asked=report.title)
    fits(card, text)
    assert len(actions_of(card)) <= MOST_BUTTONS
    arguments = {one["data"]["argument"] for one in actions_of(card) if one["type"] == "Action.Submit"}
    assert arguments <= {report.id, f"again {report.id}", request.reference}, "a button carries the ID to the letter"
    assert {one["data"]["command"] for one in actions_of(card) if "data" in one} <= registry.words


@given(REPORTS, st.booleans())
def test_any_report_alone_makes_a_card_that_webex_takes(report: Report, awaited: bool) -> None:
    text, card = report_only(report, awaited=awaited, now=NOW)
    fits(card, text)


@settings(max_examples=25)
@given(st.lists(REPORTS, min_size=1, max_size=quota.MOST_AT_ONCE), st.booleans(), st.integers(0, 2))
def test_any_reports_that_are_to_be_deleted_make_a_card_that_webex_takes(
    reports: list[Report], posted: bool, waiting: int
) -> None:
    uses = deletion.Uses(NOW if posted else None, waiting)
    text, card = deletion.confirmation(reports, uses, token="x" * 22, until=NOW, direct=posted)
    fits(card, text)
    (data,) = [one["data"] for one in actions_of(card)]
    assert data == {"command": "delete", "argument": f"confirm {'x' * 22}"}
    shown = texts_of(card)
    assert all(escape_card(title_of(one), deletion.LONGEST_TITLE) in shown for one in reports), "each is named"
    assert len(deletion.deleted(reports, [], canceled=waiting).encode()) <= MAX_TEXT_BYTES


@settings(max_examples=25)
@given(st.lists(st.tuples(REPORTS, st.sampled_from(State), st.booleans()), min_size=1, max_size=MOST_IDS))
def test_any_list_of_requests_makes_a_card_that_webex_takes(items: list[tuple[Report, State, bool]]) -> None:
    rows = [
        (request_row(id=n, report_id=one.id, state=state, reason="Because."), row_of(one) if found else None)
        for n, (one, state, found) in enumerate(items)
    ]
    text, card = request_list(rows, NOW)
    assert problems(card) == []
    assert len(text.encode()) <= MAX_TEXT_BYTES


@settings(max_examples=25)
@given(st.lists(REPORTS, max_size=PAGE), st.integers(0, 500), st.integers(1, 9999))
def test_any_page_of_reports_makes_a_card_that_webex_takes(reports: list[Report], more: int, page: int) -> None:
    note = "Not shown: " + "; ".join(one.needs for one in FAMILIES.values())
    card = reports_card(reports, note=note, buttons=[button("More", "reports", f"page {page}")] * (more > 0))
    fits(card, reports_text(reports, note=note))


@pytest.mark.parametrize("letter", ["x", "ü", "会", "😀", "*", '"', "\\"])
def test_the_most_reports_that_are_deleted_at_once_fit_with_the_longest_titles(letter: str) -> None:
    longest = replace(PARTNER, id="Y" * 512, title=letter * 2000, status=letter * 2000, region=letter * 2000)
    longest = replace(longest, start=None, start_raw=letter * 2000, end=None, end_raw=letter * 2000)
    said, card = deletion.confirmation(
        [longest] * quota.MOST_AT_ONCE, deletion.Uses(), token="x" * 22, until=NOW, direct=False
    )
    fits(card, said)


@pytest.mark.parametrize("letter", ["x", "ü", "会", "😀", "*", '"', "\\"])
def test_a_full_page_of_the_longest_titles_and_ids_fits(letter: str) -> None:
    longest = replace(
        PARTNER, id="Y" * 512, title=letter * 2000, status=letter * 2000, start=None, start_raw=letter * 2000
    )
    reports = [longest] * PAGE
    note = "1 to 10 of 99, newest first."
    fits(reports_card(reports, note=note), reports_text(reports, note=note))


@pytest.mark.parametrize("letter", ["x", "ü", "会"])
def test_a_full_page_of_long_titles_fits_as_it_goes_over_the_wire(letter: str) -> None:
    """Every letter beyond ASCII goes as six bytes. Titles of 100 letters, ids and statuses as long as any seen."""
    longest = replace(PARTNER, id="Y" * 120, title=letter * 100, status="manual_processing")
    page = reports_card([longest] * PAGE, note="1 to 10 of 99, newest first.")
    assert len(json.dumps(page)) < MAX_CARD_BYTES


def test_help_makes_a_card_that_webex_takes() -> None:
    for place in ("", IN_GROUP, IN_GROUP_ALONE):
        said, card = help_card(list(registry), place=place, note="Only Webex administrators can get reports.")
        fits(card, said)
    for command in registry:
        said, card = command_card(command, "Read-only administrators can't do this.")
        fits(card, said)


@given(WORDS)
def test_the_introduction_makes_a_card_that_webex_takes(name: str) -> None:
    said, card = introduction_card(name)
    fits(card, said)


@given(WORDS, st.sampled_from([None, *registry]))
def test_the_answer_to_an_unknown_word_makes_a_card_that_webex_takes(words: str, guess: Command | None) -> None:
    said, card = unknown_card(words, guess, argument(words.split()))
    fits(card, said)


READ_ON = "Because."
WAITS = "I'll post the file here as soon as it's ready. I'll stop waiting on Nov 24, 13:50 UTC."
OLDER = "Someone here already asked for this report. I'll post the file once, in their thread."
TABLE: list[tuple[dict[str, Any], dict[str, Any], bool, str, str, list[str]]] = [
    ({}, {}, False, "● In progress", WAITS, ["Refresh", "Details", "Cancel", "Why?"]),
    ({}, {}, True, "● In progress", OLDER, ["Refresh", "Details", "Cancel", "Why?"]),
    (
        {},
        {"status": "done"},
        False,
        "● Ready",
        "The file follows below.",
        ["Send again", "Details", "Refresh", "Run again", "Why?"],
    ),
    (
        {"state": State.DELIVERED},
        {"status": "done"},
        True,
        "● Ready",
        "The file is posted once, in the thread of the person who asked first.",
        ["Send again", "Details", "Refresh", "Run again", "Why?"],
    ),
    (
        {"state": State.FAILED},
        {"status": "failed"},
        False,
        "● Failed",
        "Webex couldn't generate this report. Run it again.",
        ["Run again", "Details", "Refresh", "Why?"],
    ),
    ({"state": State.FAILED}, {}, False, "● Failed", READ_ON, ["Ask again", "Details", "Why?"]),
    ({"state": State.FAILED}, {"ready_at": NOW}, False, "● Not sent", READ_ON, ["Send again", "Details", "Why?"]),
    *(
        (
            {"state": State.FAILED} | lost,
            {"ready_at": NOW},
            False,
            "● Not sent",
            lost.get("reason", READ_ON),
            ["Run again", "Details", "Why?"],
        )
        for lost in ({"cause": "webex_410"}, {"cause": "webex_428"}, {"reason": sentences.gone("Calling Usage")})
    ),
    ({"state": State.EXPIRED}, {}, False, "● Stopped waiting", READ_ON, ["Ask again", "Details", "Why?"]),
    ({"state": State.CANCELED}, {}, False, "● Canceled", READ_ON, ["Ask again", "Details", "Why?"]),
    (
        {"state": State.UNSURE},
        {"ready_at": NOW},
        False,
        "● Delivery not confirmed",
        READ_ON,
        ["Send again", "Details", "Why?"],
    ),
]


@pytest.mark.parametrize("case", TABLE)
def test_the_card_says_how_it_stands_what_comes_and_offers_what_helps(
    case: tuple[dict[str, Any], dict[str, Any], bool, str, str, list[str]],
) -> None:
    request_values, row_values, elsewhere, word, coming, buttons = case
    report = replace(PARTNER, status=row_values.get("status", "In progress"))
    request = request_row(**{"reason": READ_ON} | request_values)
    row = row_of(report, ready_at=row_values.get("ready_at"))

    text, card = request_card(request, row, elsewhere=elsewhere, now=NOW)

    assert texts_of(card)[:3] == ["Calling Usage", word, coming]
    assert [one["title"] for one in actions_of(card)] == buttons
    assert f"{word.removeprefix('● ')}. {coming}" in text
    assert f"Reference {request.reference}." in text


def test_a_refusal_has_no_card() -> None:
    """Those who read it may not know of the report. What a condition of its schedule holds back has none either."""
    assert {row[0].get("state", State.OPEN) for row in TABLE} == set(State) - {State.REFUSED, State.HALTED}


def test_a_refreshed_card_says_when_webex_was_asked() -> None:
    row = row_of(replace(PARTNER, status="In progress"), checked_at=NOW)
    _, waits = request_card(request_row(revision=1), row, elsewhere=False, now=NOW, poll_interval=15)
    _, closed = request_card(request_row(revision=1, state=State.FAILED), row, elsewhere=False, now=NOW)
    assert "Checked 18:00 UTC, next check within 15 s" in texts_of(waits)
    assert "Checked 18:00 UTC" in texts_of(closed)


def test_in_a_group_space_the_card_names_who_asked() -> None:
    _, card = request_card(request_row(), row_of(PARTNER), elsewhere=False, now=NOW, asked="requested by Ada Lovelace")
    assert "Feb 23 – Mar 24, 2024 · US · requested by Ada Lovelace" in texts_of(card)


def test_the_rest_stands_behind_details() -> None:
    _, card = request_card(request_row(), row_of(PARTNER), elsewhere=False, now=NOW)
    seen = "\n".join(texts_of(card))
    for words in (
        "Service: Calling",
        "Region: US",
        "Period: 2024-02-23 to 2024-03-24",
        "Created: Mar 24, 15:00 UTC",
        "Status in Webex: done",
        "File: Calling Usage 2024-02-23 2024-03-24, 1.2 MB",
        "Webex's download link expires at 19:00 UTC; the file doesn't.",
        "Template: 500",
        "Checksum: 0f343b0931126a20f133d67c2b018a3b",
        "Reference: abcd2345",
        PARTNER.id,
    ):
        assert words in seen
    _, card = request_card(request_row(), row_of(ORGANIZATION), elsewhere=False, now=NOW)
    seen = "\n".join(texts_of(card))
    assert "Sites: acme.webex.com, acme-eu.webex.com" in seen
    assert "Link: Webex gives no expiry" in seen


@given(FOREIGN)
def test_a_title_in_a_card_s_sentence_reads_as_in_any_card(title: str) -> None:
    assert sentence_in_card(escape_markdown(title)) == escape_card(title)


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (date(2026, 10, 1), date(2026, 10, 31), "Oct 1–31, 2026"),
        (date(2026, 10, 5), date(2026, 10, 5), "Oct 5, 2026"),
        (date(2026, 9, 30), date(2026, 10, 31), "Sep 30 – Oct 31, 2026"),
        (date(2025, 12, 1), date(2026, 1, 31), "Dec 1, 2025 – Jan 31, 2026"),
    ],
)
def test_a_period_is_written_as_people_do(start: date, end: date, shown: str) -> None:
    assert period_of(replace(PARTNER, start=start, end=end)) == shown
