"""A period with digits in it names the days of a report, for every command; it is never taken for an ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State

if TYPE_CHECKING:
    from typing import Any

    from tests.live_bot import LiveBot

PERIODS = [
    ("calling usage jan 1-20 2025", "2025-01-01", "2025-01-20"),
    ("calling usage jan 1 - 20 2025", "2025-01-01", "2025-01-20"),
    ("calling usage 2025-09", "2025-09-01", "2025-09-30"),
    ("calling usage Q3-2025", "2025-07-01", "2025-09-30"),
    ("calling usage 1.–15.5.2025", "2025-05-01", "2025-05-15"),
]


def two_runs(live: LiveBot, start: str, end: str, **more: Any) -> Any:
    """Have a report of these days, and a newer one of others; return the first."""
    wanted = live.partner_report(created=1_760_000_000.0, start=start, end=end, content=b"wanted\r\n1\r\n", **more)
    live.partner_report(created=1_760_000_001.0, start="2024-02-01", end="2024-02-29", content=b"other", **more)
    return wanted


@pytest.mark.parametrize(("words", "start", "end"), PERIODS)
@pytest.mark.parametrize("place", ["1:1", "group"])
def test_again_and_refresh_find_the_report_of_the_days(
    live: LiveBot, words: str, start: str, end: str, place: str
) -> None:
    report = two_runs(live, start, end)
    ada = live.at(live.ada, live.group if place == "group" else None)

    assert ada.says(f"again {words}").file().content == b"wanted\r\n1\r\n"
    live.on_record(report.id, State.DELIVERED)
    assert report.id in ada.says(f"refresh {words}").card().shown


@pytest.mark.parametrize(("words", "start", "end"), PERIODS)
def test_why_and_cancel_find_the_request_of_the_days(live: LiveBot, words: str, start: str, end: str) -> None:
    wanted = two_runs(live, start, end, status="waiting")
    ada = live.at(live.ada)
    references = {}
    for one in live.emulator.world.reports.values():
        references[one.id] = ada.says(f"report {one.id}").card().words.split("Reference ")[1]
        live.on_record(one.id, State.OPEN)

    assert references[wanted.id] in ada.says(f"why did {words} fail?").card().words
    assert ada.says(f"cancel {words}").hears("Canceled")
    live.on_record(wanted.id, State.CANCELED)


@pytest.mark.parametrize("word", ["again", "refresh", "why", "cancel"])
@pytest.mark.parametrize("words", ["calling usage jan 1 - 20", "usage 2025-09", "2025-09", "2.0 usage", "usage v2"])
def test_what_is_no_report_is_answered_once_and_as_words(live: LiveBot, word: str, words: str) -> None:
    live.partner_report("Meeting Details")
    ada = live.at(live.ada)

    line = ada.says(f"{word} {words}")
    line.answer()
    ada.says("ping").answer()

    said = [one.words for one in line.answers()]
    assert len(said) == 1
    assert "ID. If it's right" not in said[0]
    assert "couldn't find" not in said[0]


@pytest.mark.parametrize("word", ["why", "cancel"])
@pytest.mark.parametrize("place", ["1:1", "group"])
def test_without_a_request_of_the_days_that_is_said(live: LiveBot, word: str, place: str) -> None:
    ada = live.at(live.ada, live.group if place == "group" else None)
    for month in ("10", "11"):
        one = live.partner_report(status="waiting", start=f"2025-{month}-01", end=f"2025-{month}-30")
        ada.says(f"report {one.id}").card()
        live.on_record(one.id, State.OPEN)

    card = ada.says(f"{word} calling usage january 2025").card()

    title, note = card.shown.splitlines()[:2]
    assert title == "Which report?"
    assert note == (
        "I found no request for “calling usage january 2025” (Jan 1–31, 2025). "
        f"Pick one below, or type **{word}** and its title or ID."
    )
