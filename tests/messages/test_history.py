"""What happened to a request, in sentences, for every state that it can be in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.db.requests import PERSON, Content, State
from bot.emulator.cards import problems
from bot.messages.history import HistoryFacts, Step, history_card, in_one_sentence, notes, steps
from bot.messages.names import Names
from bot.webex.report import Phase
from bot.webex.types import Person
from tests.reports.rows import NOW, report_row, request_row

ADA = Person("ada", "Ada Lovelace", "Ada", "acme", ("ada@acme.example",))
READY_AT, CLOSED_AT = NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)
DOWNLOADED = report_row(
    phase=Phase.READY, status="done", checks=12, ready_at=READY_AT, file_size=1234, file_sha256="ab" * 32
)


NAMES = Names({"ada": ADA}, {"room": "Admin reports"})


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("state", State)
def test_every_state_has_its_sentence(state: State, found: bool) -> None:
    row = report_row() if found else None
    told = steps(request_row(state=state, reason="Because."), HistoryFacts(row=row, names=NAMES))

    assert told[0] == Step("**Ada Lovelace** asked in **Admin reports**", NOW - timedelta(minutes=10))
    assert len(told) >= 2, "and where it stands"


def test_a_delivered_request_is_told_in_one_sentence() -> None:
    facts = HistoryFacts(row=DOWNLOADED, there=1, link="webexteams://x", names=NAMES)
    request = request_row(state=State.DELIVERED, closed_at=CLOSED_AT)

    assert in_one_sentence(request, facts) == (
        "**Ada Lovelace** asked in **Admin reports** on Nov 23, 11:50 UTC → access check passed → checked 12 times"
        " → ready 11:58 → 1.2 KB posted 11:59 ([open message](webexteams://x))"
    )
    assert notes(request, NOW, facts) == ["Partner report; last status from Webex: done. SHA-256 abababababababab…"]


def test_what_was_ready_for_an_earlier_request_is_told_in_its_order() -> None:
    request = request_row(state=State.DELIVERED, asked_at=CLOSED_AT, closed_at=CLOSED_AT)

    told = in_one_sentence(request, HistoryFacts(row=DOWNLOADED))

    assert told.endswith("→ access check passed → already ready (since Nov 23, 11:58 UTC) → 1.2 KB posted 11:59")


def test_the_day_is_told_again_when_it_is_another_one() -> None:
    later = CLOSED_AT + timedelta(days=1)
    told = in_one_sentence(request_row(state=State.DELIVERED, closed_at=later), HistoryFacts(row=DOWNLOADED))

    assert told.endswith("→ ready 11:58 → 1.2 KB posted Nov 24, 11:59 UTC")


@pytest.mark.parametrize(
    ("values", "facts", "told"),
    [
        ({"found_at": None}, HistoryFacts(), "no answer from Webex yet, still trying"),
        ({}, HistoryFacts(row=report_row()), "in progress"),
        ({}, HistoryFacts(row=DOWNLOADED), "downloading or posting the file"),
        ({"destination": PERSON}, HistoryFacts(row=report_row()), "access check passed, for a direct answer only"),
        ({"state": State.DELIVERED}, HistoryFacts(row=DOWNLOADED, there=3, parts=3), "1.2 KB posted in 3 parts"),
        ({"state": State.DELIVERED}, HistoryFacts(), "file posted"),
        ({"state": State.DELIVERED}, HistoryFacts(row=DOWNLOADED, converted=True), "file posted"),
        ({"state": State.DELIVERED, "content": Content.CARD}, HistoryFacts(row=DOWNLOADED), "card posted"),
        ({"content": Content.CARD}, HistoryFacts(row=DOWNLOADED), "posting the card"),
        ({"state": State.FAILED}, HistoryFacts(), "failed"),
        ({"room_type": "direct"}, HistoryFacts(names=NAMES), "**Ada Lovelace** asked directly"),
        ({"room_id": "elsewhere"}, HistoryFacts(names=NAMES), "**Ada Lovelace** asked in another space"),
        ({"person_id": "gone"}, HistoryFacts(names=NAMES), "**Former user** asked in **Admin reports**"),
        ({"person_id": "forgotten-1"}, HistoryFacts(names=NAMES), "**Forgotten user** asked in **Admin reports**"),
    ],
)
def test_what_stands_in_the_rows_is_a_step(values: dict[str, object], facts: HistoryFacts, told: str) -> None:
    assert told in [step.what for step in steps(request_row(**values), facts)]


@pytest.mark.parametrize(
    ("values", "facts", "told"),
    [
        (
            {},
            HistoryFacts(row=report_row(), next_check_within=15),
            "Next check within 15 s. I'll stop waiting on Nov 24, 13:50 UTC.",
        ),
        (
            {},
            HistoryFacts(row=report_row(next_check_at=NOW + timedelta(minutes=1))),
            "Next check at Nov 23, 12:01 UTC. I'll stop waiting on Nov 24, 13:50 UTC.",
        ),
        (
            {"failing_since": NOW - timedelta(minutes=5), "last_error": "Gone wrong."},
            HistoryFacts(row=report_row()),
            "Webex has been returning errors since Nov 23, 11:55 UTC. Gone wrong. I'm retrying automatically.",
        ),
        (
            {},
            HistoryFacts(row=report_row(), elsewhere=True),
            "It had been asked for here before, so one file serves both requests.",
        ),
        (
            {"state": State.FAILED, "reason": "No.", "closed_at": CLOSED_AT},
            HistoryFacts(row=DOWNLOADED, there=1, parts=3),
            "1 of its 3 parts were posted.",
        ),
        ({"state": State.FAILED, "reason": "It **broke**."}, HistoryFacts(), "It broke."),
        (
            {"state": State.UNSURE},
            HistoryFacts(),
            "Webex didn't say whether the file was posted, and I couldn't check.",
        ),
        (
            {"state": State.UNSURE, "content": Content.CARD},
            HistoryFacts(),
            "Webex didn't say whether the card was posted, and I couldn't check.",
        ),
        (
            {"state": State.DELIVERED, "content": Content.CARD},
            HistoryFacts(row=DOWNLOADED),
            "Partner report; last status from Webex: done.",
        ),
    ],
)
def test_what_there_is_to_know_besides_is_a_sentence(values: dict[str, object], facts: HistoryFacts, told: str) -> None:
    assert told in notes(request_row(**values), NOW, facts)


@pytest.mark.parametrize("state", State)
def test_a_closed_request_can_be_made_once_more_from_its_history(state: State) -> None:
    text, card = history_card([(request_row(state=state), HistoryFacts(row=DOWNLOADED, link="webexteams://x"))], NOW)

    assert ("actions" in card) is (state is not State.OPEN)
    assert "webexteams://x" in text
    assert problems(card) == []


def test_hostile_names_do_not_break_out() -> None:
    names = Names(
        {"ada": replace(ADA, display_name="[Ada](https://evil.example) **x**")},
        {"room": "**Space** [x](https://evil.example) <@all>"},
    )
    text, _ = history_card([(request_row(), HistoryFacts(row=DOWNLOADED, names=names))], NOW)

    assert "](https" not in text
    assert "<@" not in text
