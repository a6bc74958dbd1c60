"""``help`` by role and place, the introduction to a space, and the bot's own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.access.policy import Action
from bot.chat.registry import registry
from bot.emulator.cards import problems
from bot.emulator.things import PARTNER_READONLY_ADMIN, READONLY_ADMIN
from bot.text import LOOK_ALIKES

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

EVERYTHING = [command.example for command in registry if command.action and not command.rare]
READING = [command.example for command in registry if command.action is Action.READ and not command.rare]
PLACES = pytest.mark.parametrize("place", ["1:1", "group"])
IN_GROUP = "In this space, mention me in each message. Everyone here sees the cards and the files."


def escape_angles(usage: str) -> str:
    """Return a usage as a card shows it: some clients take angle brackets for HTML."""
    return usage.replace("<", LOOK_ALIKES["<"]).replace(">", LOOK_ALIKES[">"])


def examples_of(shown: str) -> list[str]:
    return [line.split("**")[1] for line in shown.splitlines() if line.startswith("**")]


def for_families(examples: list[str], *, partner: bool) -> list[str]:
    return examples if partner else [one.replace("calling usage", "meeting details") for one in examples]


@PLACES
@pytest.mark.parametrize(
    ("who", "listed", "buttons"),
    [
        ("ada", EVERYTHING, {"Show reports", "Run a report"}),
        ("grace", READING, {"Show reports"}),
        ("nora", [], set()),
    ],
)
def test_help_lists_what_the_person_may_do(
    live: LiveBot, who: str, listed: list[str], buttons: set[str], place: str
) -> None:
    card = live.at(getattr(live, who), live.group if place == "group" else None).says("help").card()

    assert examples_of(card.shown) == listed
    assert set(card.buttons) == buttons
    assert (IN_GROUP in card.shown) is (place == "group")
    assert ("Only Webex administrators can get reports. Ask one of yours." in card.shown) is (who == "nora")
    assert problems(card.card) == []


@pytest.mark.parametrize("role", [READONLY_ADMIN, PARTNER_READONLY_ADMIN])
def test_read_only_administrators_of_either_family_see_no_command_that_writes(live: LiveBot, role: str) -> None:
    olga = live.emulator.world.add_person("Olga Only", live.acme, roles=[role])

    listed = for_families(READING, partner=role == PARTNER_READONLY_ADMIN)
    assert examples_of(live.at(olga).says("help").card().shown) == listed


def test_help_has_its_groups_in_order(live: LiveBot) -> None:
    shown = live.at(live.ada).says("help").card().shown.splitlines()

    assert [line for line in shown if line in {"Get", "Run", "Follow", "Manage"}] == ["Get", "Run", "Follow", "Manage"]
    assert len([line for line in shown[:-3] if len(line) > 110]) == 0, "short lines"


def test_what_is_mostly_done_by_a_button_is_only_named(live: LiveBot) -> None:
    last = next(line for line in live.at(live.ada).says("help").card().shown.splitlines() if line.startswith("Further"))
    rare = [command.word for command in registry if command.rare]
    assert last == f"Further commands: {', '.join(rare)}. Type **help** and a command for its examples."
    reader = live.at(live.grace).says("help").card().shown
    assert "unschedule" not in reader


def test_help_says_before_the_commands_which_reports_are_not_available(live: LiveBot) -> None:
    card = live.at(live.ada).says("help").card()

    sentence = "Reports created in Control Hub or Partner Hub aren't available to bots."
    assert card.shown.splitlines()[2] == sentence
    assert sentence in (card.message.markdown or "").splitlines()[0]


def test_somebody_of_another_organization_is_told_whom_the_bot_serves(live: LiveBot) -> None:
    card = live.at(live.ethan, live.outside).says("help").card()

    assert "Only administrators of the organization that runs this bot can get reports." in card.shown
    assert examples_of(card.shown) == []


@pytest.mark.parametrize("settings", [{"ALLOWED_SPACES": "Y2lzY29zcGFyazovL3VzL1JPT00vMQ"}])
def test_in_a_space_that_is_not_allowed_help_says_so(live: LiveBot) -> None:
    shown = live.at(live.ada, live.group).says("help").card().shown

    assert "I'm not allowed to show reports in this space. Message me directly." in shown
    assert examples_of(shown) == []
    assert examples_of(live.at(live.ada).says("help").card().shown) == EVERYTHING


def test_what_cannot_be_found_out_is_left_out(live: LiveBot) -> None:
    live.emulator.faults.add(method="GET", path=f"/v1/people/{live.ada.id}", status=503, times=None)

    card = live.at(live.ada).says("help").card()

    assert "I can't check your role right now, so some commands are left out." in card.shown
    assert examples_of(card.shown) == READING


@pytest.mark.parametrize("command", list(registry), ids=lambda one: one.word)
def test_help_about_a_command_has_its_usage_and_examples(live: LiveBot, command) -> None:
    card = live.at(live.ada, live.group).says(f"help {command.word}").card()

    assert card.shown.splitlines()[0] == escape_angles(command.usage)
    for example in command.examples:
        assert example in card.shown.splitlines()
    assert card.buttons == {"All commands": {"command": "help"}}
    assert problems(card.card) == []


@pytest.mark.parametrize(
    ("who", "words", "shown"),
    [
        ("grace", "help new", "Read-only administrators can't do this. Ask a full administrator."),
        ("grace", "help audit", "Only full administrators can see the audit log. Ask one of them."),
        ("nora", "help report", "Only Webex administrators can get reports. Ask one of yours."),
        ("ada", "help reprot", escape_angles("report <title or ID>")),
        ("ada", "help with the cancel command", "cancel"),
        ("ada", "help me please", "Webex reports"),
    ],
)
def test_help_about_a_command_says_who_may_use_it(live: LiveBot, who: str, words: str, shown: str) -> None:
    assert shown in live.at(getattr(live, who)).says(words).card().shown


def test_with_external_people_help_says_where_the_answers_go(live: LiveBot) -> None:
    card = live.at(live.ada, live.outside).says("help").card()

    assert "I'll reply to you directly" in card.shown
    assert "Everyone here sees" not in card.shown
    assert "posted here" not in card.shown


def test_help_is_short(live: LiveBot) -> None:
    shown = live.at(live.ada).says("help").card().shown

    assert "full administrators only" not in shown
    assert "help" not in examples_of(shown)


def test_help_about_settings_shows_each_setting(live: LiveBot) -> None:
    shown = live.at(live.ada).says("help settings").card().shown

    for words in ("time zone", "csv", "zip", "xlsx", "placement"):
        assert words in shown


def test_a_usage_is_shown_with_the_marks_that_people_type(live: LiveBot) -> None:
    assert live.at(live.ada).says("help delete").card().shown.startswith("delete [title or ID]")


def test_the_bot_introduces_itself_when_it_is_added_and_does_not_answer_itself(live: LiveBot) -> None:
    world = live.emulator.world
    space = world.add_space("New", [live.ada])

    world.join(space, live.bot)

    world.wait_for(lambda _: any(one.person_id == live.bot.id for one in world.messages(space)))
    assert [one.card is not None for one in world.messages(space)] == [True]
    (said,) = world.messages(space)
    for sentence in (
        "Mention me in each message, such as **@Report Bot report calling usage**.",
        "**new** runs a report, **run again** repeats one, **delete** deletes one",
        "Only Webex administrators can ask.",
        "Everyone in this space sees the cards and the files.",
    ):
        assert sentence in str(said.card)
        assert sentence in (said.markdown or "")
    assert problems(said.card) == []
