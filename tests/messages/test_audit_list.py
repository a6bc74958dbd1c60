"""The audit log in words: what was done and how it ended, never the words of its columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.db import audit
from bot.db.audit import DIRECT_SPACE, Channel, Row
from bot.emulator.cards import problems
from bot.messages.audit_list import AuditView, audit_card, audit_text, note_of
from tests.live_bot import texts_of

NOW = datetime(2026, 11, 29, 10, 53, tzinfo=UTC)
VIEW = AuditView({"ada": "Ada Lovelace (ada@acme.example)"}, {"R1": "Calling Usage"})


def row(act: str, outcome: str, **values: Any) -> Row:
    given: dict[str, Any] = {"person_id": "ada", "room_id": "room"} | values
    return Row(Channel.CHAT, act, outcome, at=NOW, **given)


@pytest.mark.parametrize(
    ("act", "outcome", "words"),
    [
        ("report", audit.ASKED, "Requested the report"),
        ("again", audit.ASKED, "Requested the file again"),
        ("refresh", audit.ALLOWED, "Checked the status"),
        ("why", audit.DIRECT_ONLY, "Asked what happened (answered directly)"),
        ("report", "refused:not_administrator", "Requested the report · Refused: not an administrator"),
        ("cancel", "refused:other_organization", "Canceled a request · Refused: another organization"),
        ("reports", "error:webex_503", "Listed the reports · Error: Webex answered 503"),
        ("reports", "error:webex_silent", "Listed the reports · Error: Webex didn't respond"),
        ("request", "limited", "Sent a message or pressed a button · Skipped, over the limit"),
        ("request", "stopped:too_many_answers", "Sent a message or pressed a button · Not answered: too many answers"),
        ("unknown", audit.ANSWERED, "Sent a message that is no command"),
        ("delivery", "delivered", "Delivered"),
        ("delivery", "failed:by_webex", "Failed: Webex couldn't generate it"),
        ("delivery", "expired:not_done_in_time", "Stopped waiting: not ready in time"),
        ("delivery", "unsure", "Delivery not confirmed"),
        ("settings", "poll_interval", "Settings · poll interval"),
        ("ping", audit.ANSWERED, "ping"),
    ],
)
def test_an_entry_says_what_was_done_and_how_it_ended(act: str, outcome: str, words: str) -> None:
    assert VIEW.what(row(act, outcome)).startswith(words)


def test_the_card_names_person_report_time_and_place() -> None:
    rows = [row("report", "asked", report_id="R1", reference="ujygvtra"), row("help", "answered", room_id=DIRECT_SPACE)]
    card = audit_card(rows, VIEW, note_of(2, 0, ""))

    assert problems(card) == []
    assert texts_of(card) == [
        "Audit log",
        "The latest 2 entries, newest first. For all of them, run reportbot audit --json where the bot runs.",
        "Ada Lovelace (ada@acme.example)",
        "Requested the report",
        "Calling Usage",
        "Nov 29, 10:53 UTC · in a space · Reference ujygvtra",
        "Ada Lovelace (ada@acme.example)",
        "Asked for help",
        "Nov 29, 10:53 UTC · directly",
    ]
    assert "`R1`" in audit_text(rows, VIEW, "")


def test_what_the_bot_did_by_itself_has_its_name() -> None:
    assert VIEW.who(row("delivery", "delivered", person_id=None)) == "Report bot"


@pytest.mark.parametrize(
    ("number", "before", "asked", "words"),
    [
        (0, 0, "", "No entries."),
        (0, 10, "ada@acme.example", "No earlier entries about “ada@acme.example”."),
        (1, 0, "", "The latest entry. For all of them"),
        (2, 10, "", "Entries 11–12, newest first."),
    ],
)
def test_the_note_says_which_entries_they_are(number: int, before: int, asked: str, words: str) -> None:
    assert note_of(number, before, asked).startswith(words)
