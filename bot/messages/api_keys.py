"""Keys of the HTTP API in chat: the list, a new one, and the card that asks before one is revoked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db.confirmations import Unusable
from bot.messages.elements import button, card, destructive, sentence_in_card, text
from bot.messages.elements import row as entry
from bot.messages.names import ANOTHER_SPACE, LONGEST_NAME, LONGEST_SPACE
from bot.text import count, escape_card, escape_markdown, when

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.api_keys import ApiKey
    from bot.messages.names import Names
    from bot.webex.types import Card

REVOKE, CONFIRM = "revoke", "confirm"
"""Stand before the key's first letters, or the token, in a button's data."""
MOST_SHOWN: Final = 15
MOST_NAMED: Final = 3
"""Spaces of one key that are named."""
COMMAND_LINE: Final = "command line"
NEUTRAL: Final = "I've sent you the answer about API keys in a direct message."
USAGE: Final = (
    "Type `keys` for the list. To make one: `keys create`, a name, `here` or `all` (the spaces that it reaches), and "
    "what it may do: `deliver`, `create` or `manage`, each with those before it. To end one: `keys revoke`, its name."
)
NO_SPACE_HERE: Final = "`here` means a group space. Type it in that space, or use `all`."
NONE: Final = "There are no API keys. Type `keys create`, a name, and `here` or `all`."
UNUSABLE: Final = {
    Unusable.ANOTHER_PERSONS: "Only the person who asked can confirm this. To revoke the key, ask me yourself.",
    Unusable.USED: "You've already confirmed this.",
    Unusable.LAPSED: "This confirmation has expired. Ask me to revoke the key again.",
}
"""What is said to a press that revokes nothing."""


def _name(name: str) -> str:
    return escape_markdown(name, LONGEST_NAME)


def new_key(key: str, name: str, rights: Sequence[str], reaches: str) -> str:
    """Return the message that shows a new key, the only one that ever does."""
    return (
        f"Your API key **{_name(name)}** ({', '.join(rights)}; {reaches}). Copy it now and keep it like a password: "
        f"I'll delete this message in a minute, and it can't be shown again.\n\n`{key}`"
    )


def unknown_rights(words: Sequence[str], rights: Sequence[str]) -> str:
    """Return the answer where a list of rights has words that are none."""
    named = ", ".join(f"“{_name(one)}”" for one in words)
    known = f"{', '.join(f'`{one}`' for one in rights[:-1])} and `{rights[-1]}`"
    noun = "a right" if len(words) == 1 else "rights"
    verb = "isn't" if len(words) == 1 else "aren't"
    return f"{named} {verb} {noun} of an API key. The rights are {known}, each with those before it. I made no key."


def taken(name: str) -> str:
    """Return the answer where a key has this name already."""
    return f"There's already an API key **{_name(name)}**. Choose another name, or revoke that key first."


def unknown(name: str) -> str:
    """Return the answer where no key has this name."""
    return f"There's no API key “{_name(name)}”. Type `keys` for the list."


def revoked(key: ApiKey) -> str:
    """Return the answer to a confirmed revocation."""
    return f"Revoked: **{_name(key.name)}**. It's refused from now on, and what it has open isn't delivered."


def confirmation(key: ApiKey, token: str, until: datetime) -> tuple[str, Card]:
    """Return the text and the card that ask before a key is revoked."""
    head = "Revoke this API key?"
    last = f"last used {when(key.used_at)}" if key.used_at else "never used"
    about = f"{escape_card(key.name, LONGEST_NAME)} ({key.prefix}…), {last}"
    final = "Calls with it are refused at once; its hooks, subscriptions and schedules stop. This can't be undone."
    body = [
        text(head, size="Medium", weight="Bolder"),
        text(about, spacing="Small"),
        text(final, size="Small", spacing="Small"),
        text(f"You can confirm this until {until:%H:%M} UTC.", size="Small", isSubtle=True, spacing="Small"),
    ]
    said = f"**{head}** {about}. {final} To confirm, press **Revoke** in an app that shows cards."
    return said, card(body, [destructive(button("Revoke", "keys", f"{CONFIRM} {token}"))], instead=said)


def key_list(keys: Sequence[ApiKey], names: Names) -> tuple[str, Card | None]:
    """Return the text and the card of the keys that are not revoked, the newest first."""
    if not keys:
        return NONE, None
    shown = keys[:MOST_SHOWN]
    note = f"{count(len(keys), 'key')} for other systems. To make one, type `keys create` and a name."
    if len(shown) < len(keys):
        note += f" These are the newest {len(shown)}; `reportbot keys list` shows all."
    lines = [f"- **{_name(one.name)}** ({one.prefix}…): {_about(one, names)}" for one in shown]
    said = "\n".join([f"**API keys** {note}", "", *lines])
    head = [text("API keys", size="Medium", weight="Bolder"), text(sentence_in_card(note), isSubtle=True, size="Small")]
    return said, card([*head, *(_row(one, names) for one in shown)], instead=said)


def _row(one: ApiKey, names: Names) -> dict[str, Any]:
    parts = [
        text(f"{escape_card(one.name, LONGEST_NAME)} ({one.prefix}…)", weight="Bolder"),
        text(_about(one, names), size="Small", isSubtle=True, spacing="None"),
    ]
    return entry(parts, button("Revoke…", "keys", f"{REVOKE} {one.prefix}"))


def _reaches(one: ApiKey, names: Names) -> str:
    """Return ``all spaces``, or those that it reaches by name, as far as they are known."""
    if one.spaces is None:
        return "all spaces"
    known = sorted(names.spaces[space] for space in one.spaces if space in names.spaces)[:MOST_NAMED]
    named = [f"**{escape_card(space, LONGEST_SPACE)}**" for space in known]
    others = len(one.spaces) - len(known)
    if others or not known:
        named.append(
            ANOTHER_SPACE if others == 1 else count(others, "other space") if known else count(others, "space")
        )
    return ", ".join(named)


def _about(one: ApiKey, names: Names) -> str:
    by = "on the command line" if one.created_by == COMMAND_LINE else f"by {_name(names.person(one.created_by))}"
    used = f"last used {when(one.used_at)}" if one.used_at else "never used"
    return f"{', '.join(sorted(one.rights))} · {_reaches(one, names)} · made {when(one.created_at)} {by} · {used}"
