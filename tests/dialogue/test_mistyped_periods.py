"""Typing errors are forgiven in a period as in a title; what is guessed shows its days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template
from bot.messages.request_card import days
from bot.reports.periods import find_period

if TYPE_CHECKING:
    from bot.emulator.things import Family
    from bot.reports.periods import Period
    from tests.live_bot import LiveBot

BOTH = pytest.mark.parametrize("family", ["partner", "organization"])
PLACES = pytest.mark.parametrize("place", ["1:1", "group"])


def last_month() -> Period:
    period, _ = find_period(["last", "month"], datetime.now(UTC).date())
    assert period is not None
    return period


def runs(live: LiveBot, family: str) -> None:
    """Have a report of last month, and a newer one of other days."""
    make = live.partner_report if family == "partner" else live.organization_report
    period = last_month()
    one = {"start": str(period.start), "end": str(period.end), "content": b"wanted\r\n1\r\n"}
    make("Calling Usage", created=1_760_000_000.0, **one)
    earlier = period.start - timedelta(days=400)
    make("Calling Usage", created=1_760_000_001.0, start=str(earlier), end=str(earlier), content=b"other")


@BOTH
@PLACES
@pytest.mark.parametrize("words", ["report calling useage last mnth", "again calling usage lats month"])
def test_the_report_of_the_days_is_found(live: LiveBot, family: str, place: str, words: str) -> None:
    runs(live, family)

    line = live.at(live.ada, live.group if place == "group" else None).says(words)

    assert line.file().content == b"wanted\r\n1\r\n"


@BOTH
def test_a_message_without_a_command_offers_it(live: LiveBot, family: str) -> None:
    runs(live, family)

    card = live.at(live.ada).says("calling useage last mnth").card()

    assert card.shown.startswith("Is it this one?\nNo report has exactly these words: “calling useage last mnth” (")
    assert days(last_month().start, last_month().end) in card.shown
    assert "Get" in card.buttons


@PLACES
def test_a_list_is_filtered_by_it(live: LiveBot, place: str) -> None:
    runs(live, "partner")

    card = live.at(live.ada, live.group if place == "group" else None).says("reports last mnth").card()

    assert days(last_month().start, last_month().end) in card.shown
    assert card.shown.count("Calling Usage") == 1


@BOTH
@PLACES
@pytest.mark.parametrize("title", ["caling usage", "calling usage"])
def test_a_new_report_is_confirmed_with_its_days(live: LiveBot, family: Family, place: str, title: str) -> None:
    live.emulator.world.add_template(Template(130, family, "Calling Usage", "Calling"))

    card = live.at(live.ada, live.group if place == "group" else None).says(f"new {title} last mounth").card()

    period = last_month()
    assert days(period.start, period.end) in card.shown
    assert f"{family}:130 {period.start} to {period.end}" in str(card.buttons)
    assert live.emulator.world.reports == {}, "nothing runs by a guess"
