"""``reportbot keys``: make, list and revoke keys of the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot import app
from bot.cli.database import migrated
from bot.db import api_keys, audit
from bot.db.api_keys import ALL_SPACES, Right
from bot.db.audit import Channel, Entry
from bot.errors import BotError, SettingsError
from bot.messages.names import LONGEST_NAME
from bot.setting_types import SPACE, webex_id
from bot.text import count, when

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from bot.db.database import Transaction
    from bot.settings import StorageSettings

    Say = Callable[[str], None]

COMMAND_LINE: Final = "command line"


class NoSuchKeyError(BotError):
    """No key that is not revoked has this name. `reportbot keys list` shows them."""


class NotANameError(BotError):
    """Choose a name of 1 to 60 letters that can be shown in a line."""


class NameTakenError(BotError):
    """A key with this name exists. Choose another name, or revoke that key first."""


def create(settings: StorageSettings, name: str, spaces: Sequence[str], rights: Sequence[str], say: Say) -> int:
    """Make a key and print it, alone on the last line.

    Raises ``NotANameError`` and ``NameTakenError``, and ``SettingsError`` for spaces that are none.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise NotANameError
    reaches = _reached(spaces)
    with migrated(settings) as database, database.begin() as tx:
        if api_keys.named(tx, name):
            raise NameTakenError
        chosen = [Right(one) for one in rights]
        key = api_keys.create(tx, name, reaches, chosen, created_by=COMMAND_LINE, now=app.now())
        _record(tx, "created")
    if reaches is not None and not reaches:
        say("Without --space this key reaches no space: it can only read.")
    say("This key is shown only now; keep it like a password:")
    say(key)
    return 0


def show(settings: StorageSettings, say: Say) -> int:
    """Print the keys, a line each, also those that are revoked."""
    with migrated(settings) as database, database.read() as tx:
        found = api_keys.listed(tx)
    for one in found:
        reaches = "all spaces" if one.spaces is None else _shown(one.spaces)
        used = f"last used {when(one.used_at)}" if one.used_at else "never used"
        gone = f"revoked {when(one.revoked_at)}" if one.revoked_at else used
        made = f"made {when(one.created_at)} by {one.created_by}"
        say(f"{one.prefix}…  {one.owner}  {one.name}  {','.join(sorted(one.rights))}  {reaches}  {made}  {gone}")
    if not found:
        say("There are no keys. Make one with: reportbot keys create --name NAME --space ID")
    return 0


def revoke(settings: StorageSettings, name: str, say: Say) -> int:
    """Revoke the key of a name, or with these first letters. Raises ``NoSuchKeyError``."""
    with migrated(settings) as database, database.begin() as tx:
        found = api_keys.meant(tx, name)
        if not found:
            raise NoSuchKeyError
        for one in found:
            api_keys.revoke(tx, one.id, app.now())
            _record(tx, "revoked")
    say(f"Revoked: {found[0].name}. It is refused from now on, and what it has open is not delivered.")
    return 0


def _reached(given: Sequence[str]) -> list[str] | None:
    """Return the IDs of the spaces that a key reaches; None for all. Raises ``SettingsError`` with every mistake."""
    items = [item.strip() for one in given for item in one.split(",")]
    if {one.casefold() for one in items} == {ALL_SPACES}:
        return None
    read = webex_id(SPACE)
    found: list[str] = []
    problems: list[str] = []
    for one in items:
        try:
            found.append(read(one))
        except ValueError as error:
            alone = "--space all means every space. Give it alone."
            problems.append(alone if one.casefold() == ALL_SPACES else f"--space {error}")
    if problems:
        raise SettingsError(problems)
    return found


def _shown(spaces: Collection[str]) -> str:
    number = count(len(spaces), "space")
    return f"{number} ({', '.join(sorted(spaces))})" if spaces else number


def _record(tx: Transaction, outcome: str) -> None:
    audit.record(tx, Entry(channel=Channel.CLI, act=audit.KEYS, outcome=outcome), app.now())
