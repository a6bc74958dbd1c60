"""Days whose last is before their first are never replaced by others: the bot says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

REVERSED = "The last day is before the first."


@pytest.fixture(autouse=True)
def template(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))


@pytest.mark.parametrize("words", ["from 2026-11-20 to 2026-11-10", "Nov 20–10 2026", "20.11.2026 - 10.11.2026"])
@pytest.mark.parametrize("title", ["calling usage", "calling useage"])
def test_new_shows_them_in_the_form(live: LiveBot, title: str, words: str) -> None:
    ada = live.at(live.ada)

    line = ada.says(f"new {title} {words}")
    form = line.hears(REVERSED)
    assert (form.fields["start"], form.fields["end"]) == ("2026-11-20", "2026-11-10")
    assert not live.emulator.world.reports
    ada.presses(form, "Run", {"start": "2026-11-10", "end": "2026-11-20"})
    line.hears("I'll post the file here")


@pytest.mark.parametrize("command", ["report", "again", "reports"])
def test_among_the_reports_there_is_none_of_such_days(live: LiveBot, command: str) -> None:
    live.partner_report(status="done", title="Calling Usage", start="2026-11-10", end="2026-11-20")

    live.at(live.ada).says(f"{command} calling usage from 2026-11-20 to 2026-11-10").hears(REVERSED)


def test_what_is_said_of_a_day_by_its_name_too(live: LiveBot) -> None:
    form = live.at(live.ada).says("new calling usage from today to yesterday").card()

    assert REVERSED in form.shown
    assert not live.emulator.world.reports


def test_a_schedule_is_not_made_with_other_days(live: LiveBot) -> None:
    said = live.at(live.ada).says("schedule calling usage every Monday 8:00 from 2026-11-20 to 2026-11-10")

    assert REVERSED in said.card().shown
    live.at(live.ada).says("schedules").hears("You have no schedules.")
