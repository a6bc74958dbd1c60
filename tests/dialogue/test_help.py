"""``help``, messages that are no command, and the bot's own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.registry import registry
from bot.emulator.cards import problems

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


def test_help_lists_every_command_and_has_one_button(live: LiveBot) -> None:
    card = live.at(live.nora).says("help").card()

    for command in registry:
        assert command.usage.replace("<", "").split()[0] in card.shown
    assert set(card.buttons) == {"Show reports"}
    assert problems(card.card) == []


def test_help_says_before_the_commands_which_reports_are_not_available(live: LiveBot) -> None:
    card = live.at(live.ada).says("help").card()

    sentence = "Reports created in Control Hub or Partner Hub aren't available to bots."
    assert card.shown.splitlines()[2] == sentence
    assert sentence in (card.message.markdown or "").splitlines()[0]


def test_a_mistyped_command_is_guessed(live: LiveBot) -> None:
    card = live.at(live.ada, live.group).says("reprot abc").card()

    assert card.shown == "I didn't understand “reprot abc”. Did you mean **report**?"
    assert set(card.buttons) == {"Show reports", "Help"}


def test_a_message_that_is_no_command_is_answered_in_one_line_with_two_buttons(live: LiveBot) -> None:
    card = live.at(live.ada).says("good morning").card()

    assert card.shown == "I didn't understand “good morning”. Try **reports** or **help**."
    assert "Show reports" in live.at(live.ada).presses(card, "Help").card().buttons


def test_hostile_text_cannot_break_out_of_the_card(live: LiveBot) -> None:
    card = live.at(live.ada).says("[click](http://evil.example) <@personEmail:x@y.z>").card()

    assert "](" not in card.shown, "a link needs both brackets side by side"
    assert "<@personEmail" not in (card.message.markdown or "")


def test_the_bot_introduces_itself_when_it_is_added_and_does_not_answer_itself(live: LiveBot) -> None:
    world = live.emulator.world
    space = world.add_space("New", [live.ada])

    world.join(space, live.bot)

    world.wait_for(lambda _: any(one.person_id == live.bot.id for one in world.messages(space)))
    assert [one.card is not None for one in world.messages(space)] == [True]
