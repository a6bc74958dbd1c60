"""What is changed from another space is named with the space where it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

SUBSCRIPTION = [
    ("mute calling usage", "calling usage in Admin reports is muted until"),
    ("unmute calling usage", "calling usage in Admin reports is no longer muted."),
    ("unmute calling usage", "calling usage in Admin reports isn't muted."),
    ("pause calling usage", "The subscription to calling usage in Admin reports is paused."),
    ("resume calling usage", "The subscription to calling usage in Admin reports is active."),
    ("unsubscribe calling usage", "Unsubscribed from calling usage in Admin reports."),
]
SCHEDULE = [
    ("run mondays", "I'm running Mondays in Admin reports now"),
    ("pause mondays", "The schedule Mondays in Admin reports is paused."),
    ("resume mondays", "The schedule Mondays in Admin reports is active."),
    ("unschedule mondays", "Mondays in Admin reports won't run anymore."),
]


@pytest.mark.parametrize(
    ("made", "changes"),
    [
        ("subscribe calling usage", SUBSCRIPTION),
        ("schedule calling usage every Monday 8:00 UTC last week named Mondays", SCHEDULE),
    ],
    ids=["subscription", "schedule"],
)
@pytest.mark.parametrize("alone", [True, False])
def test_the_space_is_named_only_where_it_is_not_that_of_the_answer(
    live: LiveBot, made: str, changes: list[tuple[str, str]], *, alone: bool
) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report()
    group = live.at(live.ada, live.group)
    group.says(made).card()

    for typed, answer in changes:
        said = live.at(live.ada).says(typed) if alone else group.says(typed)
        said.hears(answer if alone else answer.replace(" in Admin reports", ""))


def test_what_comes_to_the_person_alone_needs_no_place(live: LiveBot) -> None:
    live.partner_report()
    live.at(live.ada).says("subscribe calling usage").card()

    live.at(live.ada).says("mute calling usage").hears("calling usage is muted until")
