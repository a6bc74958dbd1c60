"""Who wants a report regularly, or to be told of it, is offered a schedule or a subscription in whatever words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


@pytest.fixture(autouse=True)
def _reports(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report("Calling Usage")
    live.partner_report("License Consumption")


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("run calling usage every Monday at 8", "calling usage every Monday at 8"),
        ("pls run calling usage evry Monday at 8", "calling usage evry Monday at 8"),
        ("new calling usage every Monday at 8", "calling usage every Monday at 8"),
        ("please give us calling usage each Monday at 8am", "calling usage each Monday at 8am"),
        ("remind me every Monday 8:00 to get the calling usage report", "calling usage every Monday 8:00"),
    ],
)
def test_a_report_that_is_wanted_regularly_is_offered_as_a_schedule(live: LiveBot, text: str, argument: str) -> None:
    ada = live.at(live.ada, live.group)
    card = ada.says(text).card()

    assert "Did you mean **schedule**?" in card.shown
    (button,) = (title for title, data in card.buttons.items() if data == {"command": "schedule", "argument": argument})
    ada.presses(card, button).hears("Calling Usage: Every Monday 08:00, UTC.")


def test_the_offer_keeps_the_period(live: LiveBot) -> None:
    ada = live.at(live.ada, live.group)
    card = ada.says("run calling usage last month every Monday at 8").card()

    ada.presses(card, "schedule calling usage last month every…").hears("for Nov 1–30, 2026")


def test_who_may_not_run_reports_is_offered_no_schedule(live: LiveBot) -> None:
    said = live.at(live.grace).says("send me calling usage every Monday at 8").card()

    assert set(said.buttons) == {"Show reports", "Help"}


def test_every_with_a_typing_error_keeps_its_days(live: LiveBot) -> None:
    card = live.at(live.ada).says("schedule calling usge evry monday 8am").card()

    assert (card.fields["days"], card.fields["time"]) == ("MO", "08:00")


@pytest.mark.parametrize(
    "text",
    [
        "tell me when a new license consumption report is ready",
        "notify us when license consumption is done",
        "let me know as soon as license consumption is available",
        "can you alert us once the license consumption report is out?",
    ],
)
def test_who_wants_to_be_told_is_offered_a_subscription(live: LiveBot, text: str) -> None:
    ada = live.at(live.ada, live.group)
    card = ada.says(text).card()

    ada.presses(card, "subscribe license consumption").hears("Subscribed")


def test_in_the_thread_of_a_report_who_wants_to_be_told_sees_where_it_stands(live: LiveBot) -> None:
    live.partner_report("Calling Usage Detailed", status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says("report calling usage detailed")
    line.card()

    assert "refresh" in ada.says("let me know when it's ready", parent_id=line.message.id).answers(2)[1].buttons
