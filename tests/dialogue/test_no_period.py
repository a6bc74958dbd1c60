"""Words for a period beside a report that has none: the bot says so, and never leaves them out unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


@pytest.fixture(autouse=True)
def template(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(400, "organization", "User Activation", "Teams", takes_dates=False))


@pytest.mark.parametrize("words", ["last week", "Oct 1-15", "2026-08-01 to 2026-08-31"])
def test_new_says_that_the_report_has_no_period_and_runs_it_by_a_press(live: LiveBot, words: str) -> None:
    ada = live.at(live.ada)
    line = ada.says(f"new user activation {words}")

    form = line.hears("This report has no period; run it without one.")
    assert "This report has no period; run it without one." in form.shown
    assert "last month" not in form.words
    assert not live.emulator.world.reports
    ada.presses(form, "Run")
    line.hears("I'll post the file here")

    assert [one.title for one in live.emulator.world.reports.values()] == ["User Activation"]


def test_a_template_that_is_chosen_after_the_period_says_so_too(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new zebra last week")

    ada.presses(line.card(), "Continue", {"template": "organization:400"})

    line.hears("This report has no period; run it without one.")


def test_schedule_says_it_beside_what_is_scheduled(live: LiveBot) -> None:
    ada = live.at(live.ada)

    assert "This report has no period, so it runs without one." in (
        ada.says("schedule user activation every Monday 08:00 last week").card().shown
    )
    assert "no period, so" not in ada.says("schedule user activation every Monday 09:00").card().shown
