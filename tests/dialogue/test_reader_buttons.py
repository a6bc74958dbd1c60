"""Who may only read gets no button 1:1 that would refuse them; in a group the card is for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.access.policy import Action
from bot.chat.registry import registry
from bot.emulator.cards import problems
from bot.emulator.things import PARTNER_READONLY_ADMIN, READONLY_ADMIN
from bot.messages.elements import WRITING, button, card, for_reader

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

FAMILIES = pytest.mark.parametrize("family", ["partner", "organization"])


def reader_and_report(live: LiveBot, family: str, **more: Any) -> tuple[Any, Any]:
    role = PARTNER_READONLY_ADMIN if family == "partner" else READONLY_ADMIN
    person = live.emulator.world.add_person("Hedy Only", live.acme, roles=[role])
    live.emulator.world.join(live.group, person)
    made = live.partner_report if family == "partner" else live.organization_report
    return person, made("Old Usage", **more)


def test_the_buttons_are_those_of_the_commands_that_write() -> None:
    assert {one.word for one in registry if one.action is Action.CHANGE} == WRITING


@FAMILIES
def test_the_card_of_a_failed_report_has_run_again_only_for_who_may_run(live: LiveBot, family: str) -> None:
    person, report = reader_and_report(live, family, status="failed")

    alone = live.at(person).says(f"report {report.id}").card()
    assert "Run again" not in alone.buttons
    assert "Refresh" in alone.buttons
    assert problems(alone.card) == []
    assert "Run again" in live.at(person, live.group).says(f"report {report.id}").card().buttons
    assert "Run again" in live.at(live.ada).says(f"report {report.id}").card().buttons


@FAMILIES
def test_only_who_may_run_a_report_is_told_to_run_it_again(live: LiveBot, family: str) -> None:
    person, report = reader_and_report(live, family, status="failed")

    for reader, space, told in ((person, None, False), (person, live.group, True), (live.ada, None, True)):
        failed = live.at(reader, space).says(f"report {report.id}").card()
        assert "couldn't generate this report." in failed.shown
        assert ("Run it again." in failed.shown) is told
        assert ("Run it again." in failed.words) is told


def test_a_mistyped_command_is_offered_only_to_who_may_use_it(live: LiveBot) -> None:
    for reader, space in ((live.grace, None), (live.grace, live.group)):
        said = live.at(reader, space).says("delte calling usage").card()
        assert "I didn't understand" in said.words
        assert not [one for one in said.buttons.values() if one["command"] in WRITING]
    assert "delete calling usage" in live.at(live.ada).says("delte calling usage").card().buttons


@FAMILIES
def test_what_why_answers_has_no_such_button_either(live: LiveBot, family: str) -> None:
    person, report = reader_and_report(live, family, content=b"Name,Calls\n")
    reader = live.at(person)
    reader.says(f"report {report.id}").file()

    shown = reader.says(f"why {report.id}").card()

    assert not [one for one in shown.buttons.values() if one["command"] in WRITING]


def test_a_row_that_loses_its_only_button_goes_with_it() -> None:
    row = {"type": "ActionSet", "actions": [button("Delete…", "delete", "x")]}

    _, made = for_reader("x", card([row], [button("Run", "new")], instead="x"))

    assert made is not None

    assert made["body"] == []
    assert "actions" not in made
