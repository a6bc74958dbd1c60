"""Who asks for a subscription or schedule that has ended is told what it was, where, when, and by whom it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

ADA_MAKES = {
    "schedule": "schedule calling usage every Monday 8:00 UTC last week",
    "subscription": "subscribe calling usage partner",
}


@pytest.fixture(autouse=True)
def partner_reports(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report()


@pytest.mark.parametrize(
    ("kind", "what", "button"),
    [
        ("schedule", "The schedule Calling Usage", "Send a test now"),
        ("schedule", "The schedule Calling Usage", "Change"),
        ("schedule", "The schedule Calling Usage", "Unschedule"),
        ("subscription", "The subscription to calling usage", "Mute for a week"),
    ],
)
def test_a_press_on_the_card_of_what_has_ended_says_what_it_was_and_where(
    live: LiveBot, kind: str, what: str, button: str
) -> None:
    ada = live.at(live.ada, live.group)
    card = ada.says(ADA_MAKES[kind]).card()
    ada.says(f"{'unschedule' if kind == 'schedule' else 'unsubscribe'} calling usage").card()

    ada.presses(card, button)

    live.at(live.ada).hears_privately(f"{what} in Admin reports was ended on ")


def test_a_press_for_what_is_none_names_the_space(live: LiveBot) -> None:
    ada = live.at(live.ada, live.group)
    card = ada.says(ADA_MAKES["schedule"]).card()
    card.buttons["Pause"]["argument"] = "unknown2"

    ada.presses(card, "Pause")

    live.at(live.ada).hears_privately(
        "Admin reports has no subscription or schedule called “unknown2”. Type subscriptions or schedules there"
    )


def test_who_asks_after_another_is_told_who_ended_it(live: LiveBot) -> None:
    live.partner_report()
    ada = live.at(live.ada, live.group)
    card = ada.says("subscribe calling usage").card()
    ada.says("unsubscribe calling usage").hears("Unsubscribed from calling usage.")

    told = "The subscription to calling usage was ended by Ada Lovelace on "
    live.at(live.grace, live.group).says("unsubscribe calling usage").hears(told)
    live.at(live.grace, live.group).presses(card, "Unsubscribe")
    live.at(live.grace).hears_privately(told.replace("usage was", "usage in Admin reports was"))
    ada.says("unsubscribe calling usage").hears("Unsubscribed from calling usage.")
