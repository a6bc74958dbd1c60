"""Webex makes an empty report for any region: one that does not exist is not offered and not looked in from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template
from tests.live_bot import inputs_of

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

HEADER = "\ufeffName,Minutes\r\n".encode()


@pytest.fixture(autouse=True)
def template(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))


def ran(live: LiveBot, region: str, content: bytes = HEADER) -> None:
    """Have a report of a region run and posted."""
    line = live.at(live.ada).says(f"new calling usage 2026-08-01 to 2026-08-31 {region}")
    line.card()
    report = list(live.emulator.world.reports.values())[-1]
    live.emulator.world.set_report(report.id, status="done", content=content)
    line.file()


def regions_in(live: LiveBot, words: str) -> list[str]:
    """Return the regions that a form offers."""
    card = live.at(live.ada).says(words).card()
    (field,) = [one for one in inputs_of(card.card) if one["id"] == "region"]
    return [one["value"] for one in field["choices"]]


@pytest.mark.parametrize("words", ["new calling usage", "schedule calling usage"])
def test_a_form_does_not_offer_it(live: LiveBot, words: str) -> None:
    ran(live, "XX")
    ran(live, "UK", b"Name,Minutes\r\nAda,1\r\n")

    assert regions_in(live, words) == ["home", "US", "CA", "EU", "UK"]


def test_it_is_not_looked_in_but_eu_is(live: LiveBot) -> None:
    ran(live, "XX")
    ran(live, "EU")
    live.partner_report("License Consumption")

    said = live.at(live.ada).says("report zebra crossing").card()

    assert "I looked in your home region and in EU." in said.shown


def test_who_types_it_finds_it_in_the_form(live: LiveBot) -> None:
    ran(live, "XX")

    assert "XX" in regions_in(live, "new calling usage XX")
