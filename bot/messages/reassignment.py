"""What ``reassign`` asks and answers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.db.confirmations import Unusable
from bot.messages.elements import button, card, primary, text
from bot.messages.origins import LONGEST_NAME, kind_of, name_of
from bot.messages.outcomes import subject
from bot.text import escape_card, escape_markdown, when

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.webex.types import Card

CONFIRM: Final = "confirm"
"""Stands before the token in the button's data."""
UNUSABLE: Final = {
    Unusable.ANOTHER_PERSONS: "Only the person who asked can confirm this.",
    Unusable.USED: "You've already confirmed this.",
    Unusable.LAPSED: "This confirmation has expired. Type `reassign` again.",
}
FULL_ONLY: Final = "Only full administrators can give subscriptions and schedules to another owner. Ask one of them."
NEUTRAL: Final = "I've sent you the answer in a direct message."
OF_1_1: Final = "That's in somebody's 1:1 space, so nobody else can own it."
USAGE: Final = (
    "Type `reassign`, a reference, and mention the new owner or give their email address. "
    "`reassign all @person` gives them everything whose owner may no longer have it; "
    "`reassign all of @person to @person` everything of one owner."
)
NOBODY: Final = "No Webex user has that address."
NONE: Final = "There is nothing to reassign: every owner may have what they own. 1:1 spaces are left out."
NONE_OF_OWNER: Final = "They own no subscription or schedule in a group space."
MOST_SHOWN: Final = 10


def confirmation(
    found: Sequence[Subscription | Schedule], name: str, left: int, *, token: str, until: datetime
) -> tuple[str, Card]:
    """Return the text and card that ask whether these are to be given to a person; ``left``: more than at once."""
    what = _counted(found)
    head = f"Give {what} to {escape_markdown(name)}?"
    rest = f"{left} more are left for the next time." if left else ""
    how = f"They must be allowed to have each in its space. The button works until {when(until)}."
    listed = [f"{escape_markdown(name_of(one), LONGEST_NAME)} ({kind_of(one)})" for one in found[:MOST_SHOWN]]
    if len(found) > MOST_SHOWN:
        listed.append(f"and {len(found) - MOST_SHOWN} more")
    body = [
        text(f"Give {what} to {escape_card(name)}?", weight="Bolder"),
        *(text(f"• {one}", spacing="Small") for one in listed),
        text(" ".join(filter(None, (rest, how))), isSubtle=True, size="Small"),
    ]
    said = "\n".join([f"**{head}** {rest} {how}", "", *(f"- {one}" for one in listed)])
    return said, card(body, [primary(button("Reassign", "reassign", f"{CONFIRM} {token}"))], instead=said)


def given(
    done: Sequence[Subscription | Schedule], name: str, refused: Sequence[tuple[Subscription | Schedule, str]]
) -> str:
    """Return what was given to a person, and what not, with the reason."""
    parts = []
    if done:
        called = ", ".join(subject(one) for one in done[:MOST_SHOWN])
        more = f" and {len(done) - MOST_SHOWN} more" if len(done) > MOST_SHOWN else ""
        parts.append(f"**{escape_markdown(name)}** owns {called}{more} now.")
    parts += [f"I couldn't give them {subject(one)}: {sentence}" for one, sentence in refused]
    return "\n\n".join(parts)


def received(done: Sequence[Subscription | Schedule], by: str) -> str:
    """Return what the new owner is told."""
    called = ", ".join(subject(one) for one in done[:MOST_SHOWN])
    more = f" and {len(done) - MOST_SHOWN} more" if len(done) > MOST_SHOWN else ""
    return f"**{escape_markdown(by)}** has made you the owner of {called}{more}. They work in your name from now on."


def taken(number: int, by: str, to: str) -> str:
    """Return what a former owner is told."""
    what = "subscription or schedule" if number == 1 else "subscriptions and schedules"
    return f"**{escape_markdown(by)}** has given {number} of your {what} to **{escape_markdown(to)}**."


def _counted(found: Sequence[Subscription | Schedule]) -> str:
    return "this" if len(found) == 1 else f"these {len(found)}"
