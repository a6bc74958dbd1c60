"""What the bot can do: the answer to ``help``, to a message that is no command, and to being added to a space."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from bot.messages.elements import button, card, sentence_in_card, text
from bot.text import LOOK_ALIKES, escape_card, escape_markdown, one_line
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
    rare: bool = False
    """Mostly done by a button: help only names it."""

    @property
    def example(self) -> str:
        """Return what people may type: an example, or the word alone."""
        return self.examples[0] if self.examples else self.word


INTRODUCTION: Final = "Ask for a report: you get its status now, and the file as soon as it's ready."
NOT_AVAILABLE: Final = "Reports created in Control Hub or Partner Hub aren't available to bots."
"""What most people who miss a report need to know."""
IN_GROUP: Final = "In this space, mention me in each message. Everyone here sees the cards and the files."
IN_GROUP_ALONE: Final = (
    "In this space, mention me in each message. I'll reply to you directly, since external people may be here."
)
ALSO: Final = "**new** runs a report, **run again** repeats one, **delete** deletes one, and **help** shows the rest."
WHO_MAY_ASK: Final = "Only Webex administrators can ask. Read-only administrators can't run or delete reports."
RIGHTS_UNKNOWN: Final = "I can't check your role right now, so some commands are left out."
MORE: Final = "Type `help` and a command for its examples."
FURTHER: Final = "Further commands: "
FOR_FULL: Final = " (full administrators only)"
PARTNER_TITLE, ORGANIZATION_TITLE = "calling usage", "meeting details"
NOTES: Final = {
    "not_administrator": "Only Webex administrators can get reports. Ask one of yours.",
    "other_organization": "Only administrators of the organization that runs this bot can get reports.",
}
"""Why somebody may do nothing here, by policy's reason; others are as policy says them."""
HELLO: Final = "Hello! I get Webex reports and post their files."
WELCOME: Final = "You're welcome!"
OKAY: Final = "Okay."
NEXT: Final = "Type `reports` to see what there is, or `help`."
LONGEST_WORDS: Final = 60
LONGEST_TITLE: Final = 40
_ANGLES: Final = str.maketrans({mark: LOOK_ALIKES[mark] for mark in "<>"})
"""Letters of a button's title."""


def suited(words: str, families: Collection[str]) -> str:
    """Return an example about a report that somebody may have who may read these families."""
    return words if Family.PARTNER in families or not families else words.replace(PARTNER_TITLE, ORGANIZATION_TITLE)


def help_card(commands: Sequence[CommandHelp], *, place: str = "", note: str = "") -> tuple[str, Card]:
    """Return the text and the card of what somebody may do here.

    ``place``: how it is done in a group space; ``note``: why that is not all, or nothing.
    """
    said = list(filter(None, (place, note)))
    body = [
        text("Webex reports", size="Medium", weight="Bolder"),
        text(INTRODUCTION, spacing="Small"),
        *(text(sentence_in_card(one), isSubtle=True, size="Small", spacing="Small") for one in [NOT_AVAILABLE, *said]),
    ]
    lines = [" ".join([INTRODUCTION, NOT_AVAILABLE, *said]), ""]
    for group in Group:
        of_group = [one for one in commands if one.group is group and not one.rare]
        body += [_group(group, of_group)] if of_group else []
        lines += [f"- `{one.example}`: {_summary(one)}" for one in of_group]
    if commands:
        rare = [one.word for one in commands if one.rare]
        more = f"{FURTHER}{', '.join(rare)}. {MORE}" if rare else MORE
        body.append(text(sentence_in_card(more), isSubtle=True, size="Small"))
        lines += ["", more]
    shown = "\n".join(lines).rstrip()
    return shown, card(body, _first_buttons(commands), instead=shown)


def _group(group: Group, commands: Sequence[CommandHelp]) -> dict[str, Any]:
    lines = [
        text(f"**{escape_card(one.example)}**: {sentence_in_card(_summary(one))}", size="Small", spacing="None")
        for one in commands
    ]
    return {"type": "Container", "items": [text(group, color="Accent", weight="Bolder"), *lines]}


def _summary(command: CommandHelp) -> str:
    """Return a summary for somebody who may do it."""
    return command.summary.replace(FOR_FULL, "")


def _first_buttons(commands: Sequence[CommandHelp]) -> list[dict[str, Any]]:
    words = {one.word for one in commands}
    offered = [("Show reports", "reports"), ("Run a report", "new")]
    return [button(title, word) for title, word in offered if word in words]


def introduction_card(name: str) -> tuple[str, Card]:
    """Return the text and the card for a group space to which the bot was added; ``name``: the bot's."""
    shown = escape_markdown(name, LONGEST_TITLE)
    mention = f"Mention me in each message, such as **@{shown} report calling usage**."
    sees = "Everyone in this space sees the cards and the files. With external people here, I reply directly."
    said = [INTRODUCTION, mention, ALSO, WHO_MAY_ASK, sees, NOT_AVAILABLE]
    body = [
        text("Webex reports", size="Medium", weight="Bolder"),
        *(text(one, spacing="Small", **({} if one is INTRODUCTION else {"size": "Small"})) for one in said),
    ]
    markdown = " ".join(said)
    buttons = [button("Show reports", "reports"), button("Run a report", "new"), button("Help", "help")]
    return markdown, card(body, buttons, instead=markdown)


def command_card(command: CommandHelp, note: str = "") -> tuple[str, Card]:
    """Return the text and the card about one command; ``note``: why the person may not use it."""
    body = [
        # Some clients take what stands in angle brackets for HTML and show nothing of it.
        text(command.usage.translate(_ANGLES), fontType="Monospace", weight="Bolder"),
        text(sentence_in_card(command.summary), spacing="Small"),
        *([text(note, color="Attention", spacing="Small")] if note else []),
    ]
    if command.examples:
        examples = [
            text(escape_card(one), fontType="Monospace", size="Small", spacing="None") for one in command.examples
        ]
        body.append({"type": "Container", "items": [text("Examples", isSubtle=True, size="Small"), *examples]})
    lines = [f"`{command.usage}`: {command.summary} {note}".rstrip(), *(f"- `{one}`" for one in command.examples)]
    shown = "\n".join(lines)
    return shown, card(body, [button("All commands", "help")], instead=shown)


def unknown_card(words: str, guess: CommandHelp | None, rest: Sequence[str] = ()) -> tuple[str, Card]:
    """Return the text and the card for a message that is no command; ``rest``: the words for the command guessed."""
    shown = _unknown(escape_markdown(words, LONGEST_WORDS), guess)
    buttons = [button("Show reports", "reports"), button("Help", "help")]
    if guess is not None:
        argument = " ".join(rest)
        title = one_line(f"{guess.word} {argument}", LONGEST_TITLE).strip()
        buttons = [
            button(title, guess.word, argument),
            *(one for one in buttons if one["data"]["command"] != guess.word),
        ]
    return shown, card([text(_unknown(escape_card(words, LONGEST_WORDS), guess))], buttons, instead=shown)


def _unknown(words: str, guess: CommandHelp | None) -> str:
    if guess is not None:
        return f"I didn't understand “{words}”. Did you mean **{guess.word}**?"
    return f"I didn't understand “{words}”. Try **reports** or **help**."


def small_talk(answer: str) -> str:
    """Return the two lines that answer a message that wants nothing."""
    return f"{answer}  \n{NEXT}"
