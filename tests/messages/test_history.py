"""What happened to a request, in sentences, for every state that it can be in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.db.requests import PERSON, State
from bot.messages.history import HistoryFacts, history, history_card
from bot.webex.report import Phase
from tests.reports.rows import NOW, report_row, request_row

READY_AT, CLOSED_AT = NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)
DOWNLOADED = report_row(
    phase=Phase.READY, status="done", checks=12, ready_at=READY_AT, file_size=1234, file_sha256="ab" * 32
)


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("state", State)
def test_every_state_has_its_sentence(state: State, found: bool) -> None:
    row = report_row() if found else None
    told = history(request_row(state=state, reason="Because."), NOW, HistoryFacts(row=row))

    assert told[0] == "Requested at Nov 23, 11:50 UTC, in a space."
    assert len(told) >= 2, "and where it stands"


def test_a_delivered_request_is_told_from_its_beginning() -> None:
    told = history(request_row(state=State.DELIVERED, closed_at=CLOSED_AT), NOW, HistoryFacts(row=DOWNLOADED, there=1))

    assert told == [
        "Requested at Nov 23, 11:50 UTC, in a space.",
        "Access check passed.",
        "Partner report; last status from Webex: done.",
        "Checked 12 times.",
        "Ready at Nov 23, 11:58 UTC.",
        "Downloaded: 1.2 KB (SHA-256 abababababababab…).",
        "File posted at Nov 23, 11:59 UTC.",
    ]


@pytest.mark.parametrize(
    ("values", "facts", "told"),
    [
        ({"found_at": None}, HistoryFacts(), "No answer from Webex yet; still trying."),
        ({}, HistoryFacts(row=report_row(), next_check_within=15), "In progress. Next check within 15 s."),
        (
            {},
            HistoryFacts(row=report_row(next_check_at=NOW + timedelta(minutes=1))),
            "In progress. Next check at Nov 23, 12:01 UTC.",
        ),
        ({}, HistoryFacts(row=DOWNLOADED), "The report is ready; downloading or posting its file."),
        (
            {"failing_since": NOW - timedelta(minutes=5), "last_error": "Gone wrong."},
            HistoryFacts(row=report_row()),
            "Webex has been returning errors since Nov 23, 11:55 UTC. Gone wrong. I'm retrying automatically.",
        ),
        ({"destination": PERSON}, HistoryFacts(row=report_row()), "Access check passed, for a direct answer only."),
        (
            {},
            HistoryFacts(row=report_row(), elsewhere=True),
            "Someone here had asked for it before, so one file serves both requests.",
        ),
        (
            {"state": State.DELIVERED, "closed_at": CLOSED_AT},
            HistoryFacts(row=DOWNLOADED, there=3, parts=3),
            "File posted in 3 parts at Nov 23, 11:59 UTC.",
        ),
        (
            {"state": State.FAILED, "reason": "No.", "closed_at": CLOSED_AT},
            HistoryFacts(row=DOWNLOADED, there=1, parts=3),
            "1 of its 3 parts were posted.",
        ),
        ({"state": State.EXPIRED, "closed_at": CLOSED_AT}, HistoryFacts(), "Closed at Nov 23, 11:59 UTC."),
    ],
)
def test_what_stands_in_the_rows_is_told(values: dict[str, object], facts: HistoryFacts, told: str) -> None:
    assert told in history(request_row(**values), NOW, facts)


@pytest.mark.parametrize("state", State)
def test_a_closed_request_can_be_made_once_more_from_its_history(state: State) -> None:
    text, card = history_card([(request_row(state=state), HistoryFacts(row=DOWNLOADED, link="webexteams://x"))], NOW)

    assert ("actions" in card) is (state is not State.OPEN)
    assert "webexteams://x" in text
