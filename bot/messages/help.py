"""What the bot can do: the answer to ``help``, to an unknown word, and to being added to a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.messages.elements import button, card, text
from bot.text import escape_card, escape_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.webex.types import Card


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """What people are told of a command."""

    word: str
    usage: str
    summary: str


NEVER_HERE = "Reports created in Control Hub or Partner Hub never show here: Webex doesn't give them to bots."
"""What most people who miss a report need to know, so it stands first."""


def help_card(commands: Sequence[CommandHelp], *, unknown: str = "", guess: CommandHelp | None = None) -> Card:
    """What the bot can do, with buttons; after an unknown word with the nearest command guessed."""
    body = [text("Webex reports", size="Medium", weight="Bolder")]
    if unknown:
        body.append(text(unknown_words(escape_card(unknown, 60), guess), color="Warning"))
    body.append(text(NEVER_HERE, spacing="Small"))
    body.append(
        text("I fetch Webex reports: you get a card at once, and the file here when it is done.", spacing="Small")
    )
    body += [
        {
            "type": "Container",
            "spacing": "Small",
            "items": [
                text(escape_card(command.usage), fontType="Monospace", weight="Bolder"),
                text(command.summary, spacing="None", isSubtle=True),
            ],
        }
        for command in commands
    ]
    return card(
        body,
        [button("Show reports", "reports"), button("Help", "help")],
        instead=help_text(commands, unknown=unknown, guess=guess),
    )


def unknown_words(word: str, guess: CommandHelp | None) -> str:
    """What to say to a word that is no command."""
    meant = f" Did you mean **{guess.word}**?" if guess else ""
    return f"I do not know “{word}”.{meant}"


def help_text(commands: Sequence[CommandHelp], *, unknown: str = "", guess: CommandHelp | None = None) -> str:
    """The same for a client that shows no cards."""
    lines = [f"- `{command.usage}`: {command.summary}" for command in commands]
    start = [unknown_words(escape_markdown(unknown, 60), guess)] if unknown else []
    return "\n".join([*start, f"{NEVER_HERE} I fetch the others. You can write:", "", *lines])
