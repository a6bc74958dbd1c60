"""``run again`` and ``last``: the same report for the same place, and never for another one unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

CALLING = Template(130, "partner", "Calling Usage", "Teams")
AUDIO = Template(20, "organization", "Audio Usage", "Meetings", needs_sites=True)
ACTIVATION = Template(400, "organization", "User Activation", "Teams", takes_dates=False)
AUGUST = {"start": "2026-08-01", "end": "2026-08-31"}
FORM = "with a period, for example"
"""What the text beside a form says."""


@pytest.fixture(autouse=True)
def templates(live: LiveBot) -> None:
    for template in (CALLING, AUDIO, ACTIVATION):
        live.emulator.world.add_template(template)


def places(live: LiveBot) -> list[tuple[str, str]]:
    """Return region and sites of what Webex has, oldest first."""
    return [(one.region, one.site_list) for one in live.emulator.world.reports.values()]


@pytest.mark.parametrize("words", ["last", "run again {}"])
def test_it_names_the_region_and_another_period_keeps_it(live: LiveBot, words: str) -> None:
    ada = live.at(live.ada)
    ada.says("new calling usage 2026-08-01 to 2026-08-31 UK").card()
    (report,) = live.emulator.world.reports.values()

    line = ada.says(words.format(report.id))
    card = line.hears("Run Calling Usage for region UK again?")
    assert "Run Calling Usage for region UK again?" in card.shown
    ada.presses(card, "Another period…")
    form = line.hears(FORM)
    assert form.fields["region"] == "UK"
    ada.presses(form, "Run", {"start": "2026-07-01", "end": "2026-07-31"})
    line.hears("I'll post the file here")

    assert places(live) == [("UK", ""), ("UK", "")]


def test_the_home_region_is_not_named(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", template_id=130, **AUGUST)
    ada = live.at(live.ada)
    line = ada.says(f"run again {report.id}")

    ada.presses(line.hears("Run Calling Usage again?"), "Another period…")

    assert line.hears(FORM).fields["region"] == "home"


def test_it_names_the_sites_and_another_period_keeps_them(live: LiveBot) -> None:
    ada = live.at(live.ada)
    ada.says("new audio usage 2026-08-01 to 2026-08-31 acme.webex.com").card()

    line = ada.says("last")
    ada.presses(line.hears("Run Audio Usage for acme.webex.com again?"), "Another period…")

    assert line.hears(FORM).fields["sites"] == "acme.webex.com"


def test_a_report_without_a_period_has_no_other_period(live: LiveBot) -> None:
    ada = live.at(live.ada)
    ada.says("new user activation").card()

    assert set(ada.says("last").card().buttons) == {"Run"}
