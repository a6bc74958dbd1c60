"""What the bot can do: the answer to ``help``, to an unknown word, and to being added to a space."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.messages.elements import button, card, text
from bot.text import escape_card, escape_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.webex.types import Card


class Group(StrEnum):
    """What a command is for; help lists the groups in this order."""

    GET = "Get"
    RUN = "Run"
    FOLLOW = "Follow"
    MANAGE = "Manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHelp:
    """What people are told of a command."""

    word: str
    usage: str
    summary: str
    group: Group
    examples: tuple[str, ...] = ()
    """What people may type, the best one first."""


INTRODUCTION: Final = "Ask for a report: you get its status now, and the file as soon as it's ready."
NOT_AVAILABLE: Final = "Reports created in Control Hub or Partner Hub aren't available to bots."
"""What most people who miss a report need to know."""
LONGEST_WORDS: Final = 60


def help_card(commands: Sequence[CommandHelp]) -> Card:
    """Return what the bot can do, and a button to begin with."""
    body = [
        text("Webex reports", size="Medium", weight="Bolder"),
        text(INTRODUCTION, spacing="Small"),
        text(NOT_AVAILABLE, isSubtle=True, size="Small", spacing="Small"),
        *(_command(one) for one in commands),
    ]
    return card(body, [button("Show reports", "reports")], instead=help_text(commands))


def _command(command: CommandHelp) -> dict[str, object]:
    return {
        "type": "Container",
        "spacing": "Small",
        "items": [
            text(escape_card(command.usage), fontType="Monospace", weight="Bolder", size="Small"),
            text(command.summary, spacing="None", size="Small"),
        ],
    }


def help_text(commands: Sequence[CommandHelp]) -> str:
    """Return the same for a client that shows no cards."""
    lines = [f"- `{command.usage}`: {command.summary}" for command in commands]
    return "\n".join([f"{INTRODUCTION} {NOT_AVAILABLE}", "", *lines])


def unknown_card(words: str, guess: CommandHelp | None) -> Card:
    """Return the answer to a message that is no command, with buttons for what people mostly want."""
    said = text(_unknown(escape_card(words, LONGEST_WORDS), guess))
    buttons = [button("Show reports", "reports"), button("Help", "help")]
    return card([said], buttons, instead=unknown_text(words, guess))


def unknown_text(words: str, guess: CommandHelp | None) -> str:
    """Return the same for a client that shows no cards."""
    return _unknown(escape_markdown(words, LONGEST_WORDS), guess)


def _unknown(words: str, guess: CommandHelp | None) -> str:
    if guess is not None:
        return f"I didn't understand “{words}”. Did you mean **{guess.word}**?"
    return f"I didn't understand “{words}”. Try **reports** or **help**."
