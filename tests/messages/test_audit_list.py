"""The audit log in words: what was done and how it ended, never the words of its columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.chat.commands import registry
from bot.db import audit
from bot.db.audit import DIRECT_SPACE, Channel, Row
from bot.emulator.cards import problems
from bot.messages.audit_list import BY_OUTCOME, COMMANDS, AuditView, audit_card, audit_text, note_of
from bot.messages.names import Names
from bot.webex.types import Person
from tests.live_bot import texts_of

NOW = datetime(2026, 11, 29, 10, 53, tzinfo=UTC)
ADA = Person("ada", "Ada Lovelace", "Ada", "acme", ("ada@acme.example",))
VIEW = AuditView(Names({"ada": ADA}, {"room": "Admin reports"}), {"R1": "Calling Usage"})
HERE = "in **Admin reports**"


def row(act: str, outcome: str, **values: Any) -> Row:
    given: dict[str, Any] = {"person_id": "ada", "room_id": "room"} | values
    return Row(Channel.CHAT, act, outcome, at=NOW, **given)


@pytest.mark.parametrize(
    ("act", "outcome", "deed", "ended"),
    [
        ("report", audit.ASKED, "requested **Calling Usage**", ""),
        ("again", audit.ASKED, "requested the file of **Calling Usage** again", ""),
        ("refresh", audit.ALLOWED, "checked the status of **Calling Usage**", ""),
        ("why", audit.DIRECT_ONLY, "asked what happened to **Calling Usage**", "Answered directly"),
        ("report", "refused:not_administrator", "requested **Calling Usage**", "Refused: not an administrator"),
        (
            "cancel",
            "refused:other_organization",
            "asked to stop waiting for **Calling Usage**",
            "Refused: another organization",
        ),
        ("reports", "error:webex_503", "listed the reports", "Error: Webex answered 503"),
        ("reports", "error:webex_silent", "listed the reports", "Error: Webex didn't respond"),
        ("request", "limited", "sent a message or pressed a button", "Skipped, over the limit"),
        (
            "request",
            "stopped:too_many_answers",
            "sent a message or pressed a button",
            "Not answered: too many answers in a row",
        ),
        ("unknown", audit.ANSWERED, "sent a message that is no command", ""),
        ("delivery", "delivered", "got **Calling Usage**", ""),
        ("delivery", "delivered:directly", "got **Calling Usage**", "Answered directly"),
        ("delivery", "failed:by_webex", "didn't get **Calling Usage**", "Failed: Webex couldn't generate it"),
        ("delivery", "expired:not_done_in_time", "waited too long for **Calling Usage**", "Stopped waiting: not ready"),
        ("delivery", "unsure", "may not have got **Calling Usage**", "Delivery not confirmed"),
        ("takeover", audit.ALLOWED, "asked to take over a subscription or schedule", ""),
        ("settings", audit.ALLOWED, "asked for the settings", ""),
        ("settings", audit.CHANGED, "changed the settings", ""),
        ("settings", "refused:read_only", "asked for the settings", "Refused: read-only administrator"),
        ("subscribe", "refused:outsiders", "asked for a subscription", "Refused: external people"),
        ("run", audit.ASKED, "asked to run a report again", ""),
        ("ping", audit.ANSWERED, "ping", ""),
    ],
)
def test_an_entry_says_what_was_done_and_how_it_ended(act: str, outcome: str, deed: str, ended: str) -> None:
    one = row(act, outcome, report_id="R1")

    assert VIEW.sentence(one) == f"**Ada Lovelace** {deed} {HERE}"
    assert VIEW.ended(one).startswith(ended)
    assert bool(VIEW.ended(one)) is bool(ended)


@pytest.mark.parametrize(
    ("act", "outcome", "deed", "ended"),
    [
        ("pause", "not_allowed", "owns what was paused by itself", "Its owner may not have it"),
        ("resume", "by_itself", "owns what was resumed by itself", "What paused it has passed"),
    ],
)
def test_what_was_paused_by_itself_is_told_of_its_owner(act: str, outcome: str, deed: str, ended: str) -> None:
    one = Row(Channel.SYSTEM, act, outcome, at=NOW, person_id="ada", room_id="room")
    assert VIEW.sentence(one) == f"**Ada Lovelace** {deed} {HERE}"
    assert VIEW.ended(one) == ended


@pytest.mark.parametrize(
    ("outcome", "cause", "written", "said"),
    [
        ("unsure", "unsure", "unsure", "Delivery not confirmed"),
        ("unsure", "forget", "unsure:forget", "Delivery not confirmed: forget"),
        ("unsure", "", "unsure", "Delivery not confirmed"),
    ],
)
def test_a_cause_that_says_the_same_as_the_outcome_is_not_said_again(
    outcome: str, cause: str, written: str, said: str
) -> None:
    assert audit.joined(outcome, cause) == written
    for stored in (written, f"{outcome}:{cause}"):  # the second: of an older version
        assert VIEW.ended(Row(Channel.SYSTEM, audit.DELIVERY, stored, at=NOW)) == said


def test_what_the_bot_did_by_itself_has_its_name() -> None:
    one = Row(Channel.SYSTEM, audit.SETTINGS, "changed:poll_interval", at=NOW)

    assert VIEW.sentence(one) == "**Report bot** noted its settings"
    assert VIEW.ended(one) == "Poll interval"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"report_id": "a-report-12345678"}, f"**Ada Lovelace** requested report …12345678 {HERE}"),
        ({"report_id": None}, f"**Ada Lovelace** requested a report {HERE}"),
        (
            {"room_id": DIRECT_SPACE, "report_id": "R1"},
            "**Ada Lovelace** requested **Calling Usage** in a direct message",
        ),
        ({"room_id": "x", "report_id": "R1"}, "**Ada Lovelace** requested **Calling Usage** in another space"),
        ({"room_id": None, "report_id": "R1"}, "**Ada Lovelace** requested **Calling Usage**"),
        ({"person_id": "gone", "report_id": "R1"}, f"**Former user** requested **Calling Usage** {HERE}"),
    ],
)
def test_what_has_no_name_is_said_in_words(values: dict[str, Any], words: str) -> None:
    assert VIEW.sentence(row("report", audit.ASKED, **values)) == words


def test_the_card_names_person_report_time_and_place() -> None:
    rows = [row("report", "asked", report_id="R1", reference="ujygvtra"), row("help", "answered", room_id=DIRECT_SPACE)]
    card = audit_card(rows, VIEW, note_of(2, 0, ""))

    assert problems(card) == []
    assert texts_of(card) == [
        "Audit log",
        "The latest 2 entries, newest first.",
        "**Ada Lovelace** requested **Calling Usage** in **Admin reports**",
        "Nov 29, 10:53 UTC · Reference ujygvtra",
        "**Ada Lovelace** asked for help in a direct message",
        "Nov 29, 10:53 UTC",
    ]
    assert "`R1`" in audit_text(rows, VIEW, "")


@pytest.mark.parametrize(
    ("number", "before", "asked", "words"),
    [
        (0, 0, "", "No entries."),
        (0, 10, "ada@acme.example", "No earlier entries about “ada@acme.example”."),
        (1, 0, "", "The latest entry."),
        (2, 10, "", "Entries 11–12, newest first."),
    ],
)
def test_the_note_says_which_entries_they_are(number: int, before: int, asked: str, words: str) -> None:
    assert note_of(number, before, asked).startswith(words)


def test_each_command_has_words() -> None:
    assert "subscribe" in registry.words
    assert registry.words <= COMMANDS.keys() | BY_OUTCOME.keys()
