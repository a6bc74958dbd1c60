"""What subscriptions and schedules are called, and the card that asks which of them is meant. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.db.origin import OriginState
from bot.db.schedules import Schedule
from bot.messages.elements import THAT_YOU_MAY_SEE, button, card, row, text
from bot.messages.schedules import times_of
from bot.messages.subscriptions import label
from bot.text import escape_card, escape_markdown, one_line, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.subscriptions import Subscription
    from bot.webex.types import Card

LONGEST_NAME: Final = 100
MOST_SHOWN: Final = 10
OF_ANOTHER_SPACE: Final = "That's from another space, so I've replied to you directly."
NOTHING: Final = {
    "resume": "is paused",
    "takeover": "needs another owner",
}
"""By the command, where it was to offer what it can be used for."""


def name_of(owned: Subscription | Schedule) -> str:
    """Return what people call it, as it was typed: escape it."""
    return owned.label if isinstance(owned, Schedule) else label(owned)


def kind_of(owned: Subscription | Schedule) -> str:
    """Return ``schedule`` or ``subscription``."""
    return owned.origin.kind.value


def named(owned: Subscription | Schedule) -> str:
    """Return ``the schedule **Weekly usage**`` or ``the subscription to **calling usage**``; its name is escaped."""
    to = "" if isinstance(owned, Schedule) else " to"
    return f"the {kind_of(owned)}{to} **{escape_card(name_of(owned), LONGEST_NAME)}**"


def plainly(owned: Subscription | Schedule) -> str:
    """Return the same without marks: escape it."""
    to = "" if isinstance(owned, Schedule) else " to"
    return f"the {kind_of(owned)}{to} {one_line(name_of(owned), LONGEST_NAME)}"


def which_one(
    found: Sequence[Subscription | Schedule], words: Sequence[str], action: str, word: str, *, almost: bool = False
) -> tuple[str, Card]:
    """Return the text and card that ask which is meant, with buttons of this title, if any, for this command.

    ``almost``: none is called so, and these are called nearly so.
    """
    asked = " ".join(words)
    head = "Which one?"
    if almost:
        head = f"Nothing here is called “{one_line(asked, LONGEST_NAME)}”. Did you mean this?"
    elif words:
        head = f"{len(found)} are called “{one_line(asked, LONGEST_NAME)}”. Which one?"
    shown = found[:MOST_SHOWN]
    body = [text(escape_card(head), weight="Bolder")]
    for one in shown:
        times = times_of(one) if isinstance(one, Schedule) else ""
        about = " · ".join(filter(None, [f"{kind_of(one).capitalize()}{_state(one)}", times, one.reference]))
        parts = [
            text(escape_card(name_of(one), LONGEST_NAME), weight="Bolder"),
            text(escape_card(about), size="Small", isSubtle=True, spacing="None"),
        ]
        body.append(row(parts, button(action, word, one.reference) if action else None))
    lines = [
        f"- **{escape_markdown(name_of(one), LONGEST_NAME)}** ({kind_of(one)}{_state(one)}): `{word} {one.reference}`"
        for one in shown
    ]
    if len(found) > len(shown):
        more = f"{len(found) - len(shown)} more: name one by its reference."
        body.append(text(more, size="Small", isSubtle=True))
        lines.append(more)
    said = "\n".join([escape_markdown(head), "", *lines])
    return said, card(body, instead=said)


def _state(owned: Subscription | Schedule) -> str:
    return ", paused" if owned.state is OriginState.PAUSED else ""


def ended(owned: Subscription | Schedule, place: str = "", *, by: str = "") -> str:
    """Return that one has ended, and when; ``place``: `` in **Admin reports**``, where the answer stands elsewhere.

    ``by``: the name of who ended it, where that is known.
    """
    what = named(owned)
    who = f" by {escape_card(by)}" if by else ""
    at = f" on {when(owned.ended_at)}" if owned.ended_at else ""
    return f"{what[0].upper()}{what[1:]}{place} was ended{who}{at}."


def none_called(words: Sequence[str], *, direct: bool, word: str = "", hidden: bool = False, space: str = "") -> str:
    """Return that nothing here is called so; ``word``: or that there is nothing for this command.

    ``hidden``: there are others, which the person may not see. ``space``: its name, where the answer stands elsewhere.
    """
    if word in NOTHING:
        here = f"in **{escape_markdown(space)}**" if space else "here"
        return f"Nothing {here}{THAT_YOU_MAY_SEE if hidden else ''} {NOTHING[word]}."
    here = f"**{escape_markdown(space)}**" if space else "This space"
    where = f"{'You have' if direct else f'{here} has'} no subscription or schedule"
    called = f" called “{escape_markdown(' '.join(words), 60)}”" if words else ""
    if hidden:
        return f"{where}{called}{THAT_YOU_MAY_SEE}."
    return f"{where}{called}. Type `subscriptions` or `schedules` {'there ' if space else ''}to see them."
