"""A sentence about a schedule or subscription offers the command for it, never one about reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


@pytest.fixture(autouse=True)
def _daily_usage(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report("Calling Usage")
    live.at(live.ada, live.group).says("schedule calling usage every day 7:00 named Daily usage").card()


@pytest.mark.parametrize(
    "text",
    [
        "delete the schedule daily usage",
        "delete daily usage",
        "cancel daily usage",
        "stop the daily usage schedule",
        "cancel the schedule daily usage",
        "end schedule daily usage",
    ],
)
def test_who_wants_to_end_a_schedule_is_offered_that(live: LiveBot, text: str) -> None:
    ada = live.at(live.ada, live.group)
    card = ada.says(text).card()

    assert card.shown == f"I didn't understand “{text}”. Did you mean **unschedule**?"
    assert set(card.buttons) == {"unschedule daily usage", "Show reports", "Help"}
    ada.presses(card, "unschedule daily usage").hears("Daily usage won't run anymore.")


def test_the_button_of_a_mistaken_cancel_comes_to_the_schedule(live: LiveBot) -> None:
    ada = live.at(live.ada, live.group)
    line = ada.says("stop the daily usage")
    ada.presses(line.card(), "cancel daily usage")

    assert "unschedule daily usage" in line.answers(2)[1].buttons


def test_a_pending_report_goes_before_a_schedule_of_its_title(live: LiveBot) -> None:
    live.partner_report("Calling Usage Detailed", status="waiting")
    ada = live.at(live.ada, live.group)
    ada.says("report calling usage detailed").card()

    assert "unschedule" not in ada.says("cancel usage detailed").hears("Canceled").words


def test_who_wants_to_end_a_subscription_is_offered_that(live: LiveBot) -> None:
    live.organization_report("Meeting Details")
    ada = live.at(live.ada, live.group)
    ada.says("subscribe meeting details").hears("Subscribed")

    for text in ("delete my subscription to meeting details", "cancel meeting details"):
        assert "unsubscribe meeting details" in ada.says(text).card().buttons


def test_who_wants_to_change_a_schedule_gets_its_form(live: LiveBot) -> None:
    ada = live.at(live.ada, live.group)
    line = ada.says("change the daily usage schedule to 9am")
    card = line.card()
    ada.presses(card, "schedule change daily usage 9am")

    assert line.answers(2)[1].fields["time"] == "09:00"


def test_somebody_without_a_role_learns_of_no_schedule(live: LiveBot) -> None:
    nora = live.at(live.nora, live.group)

    assert "Daily usage" not in nora.says("delete daily usage").answer().words
    assert nora.says("stop the daily usage").card().buttons.keys() == {"cancel daily usage", "Show reports", "Help"}
