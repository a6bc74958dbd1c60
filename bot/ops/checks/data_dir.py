"""Check for ``doctor`` what is stored: the database, the key of the encrypted admin token, and who may read files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.db import heartbeats, migrations
from bot.files.data_dir import open_to_others, remedy
from bot.ops.checks.doctor_line import Found, State, line
from bot.settings import KEY_FILE, secret_keys
from bot.text import when

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.db.database import Database, Transaction
    from bot.ops.checks.doctor_line import Setup

NOT_ANSWERED: Final = "Messages from before {start} aren't answered."
INSIDE: Final = (
    "in DATA_DIR, so a copy of that folder opens the encrypted admin token. Set SECRET_KEY to the content of {file}, "
    "delete that file, and restart the bot."
)
NARROW: Final = (
    "the database's encoding is {encoding}, which can't store every letter. Make a new one (CREATE DATABASE … ENCODING "
    "'UTF8' TEMPLATE template0)."
)
CARRY_OVER: Final = "Carry what the old one holds over with pg_dump and pg_restore while the bot is stopped."
NEWER: Final = (
    "reachable; its schema is of a newer version of the bot. The version just before that one can work with it; for an "
    "older one, restore a backup of its time."
)
OTHER_KEY: Final = (
    "what is encrypted in the database was encrypted with another key. {remedy} If it is lost, the token of the "
    "settings is used, and receivers of outbound events need new secrets."
)
SET_BACK: Final = "Set SECRET_KEY to the one before, or to what the secret.key of that time contains."
SET_AS_OTHERS: Final = "Set SECRET_KEY to the one before, which other machines of this bot have."
PUT_BACK: Final = "Put the {file} of that time back, or set SECRET_KEY to what it contained."
ROTATING: Final = "The admin token is still encrypted with the second one: restart the worker."
ROTATED: Final = (
    "Nothing is encrypted with the second one. If that is the new key, put it first when all machines have both. If "
    "it's the old key, remove it when all receivers of outbound events have their new secrets."
)


@line("database")
def database(setup: Setup) -> Found:
    """Return whether the database can be used. Raises ``SettingsError`` when the key can't be read."""
    secret_keys(setup.settings, make=False)
    revision = migrations.current(setup.database)
    if (encoding := setup.database.narrow_encoding()) is not None:
        remedy = NARROW.format(encoding=encoding)
        return State.FAILED, remedy if revision is None else f"{remedy} {CARRY_OVER}"
    if revision == migrations.newest():
        return State.OK, f"reachable, and its schema is up to date.{_beginning(setup.database, setup.now())}"
    if revision is None and setup.settings.refreshable:
        migrations.upgrade(setup.database)  # each refresh brings a new refresh token, which is lost if it isn't stored
        made = "it was empty, and was set up just now, because the admin token's refresh token is stored in it."
        return State.OK, f"{made}{_beginning(setup.database, setup.now())}"
    if revision is not None and revision > migrations.newest():
        return State.NOTE, NEWER
    how = "empty" if revision is None else "of an older version"
    text = f"reachable, but {how}. `reportbot manifest apply` migrates it, and so do web and worker."
    return State.NOTE, f"{text} {NOT_ANSWERED.format(start='its first start')}" if revision is None else text


def _beginning(database: Database, now: datetime) -> str:
    """Return from when on messages are answered, as long as catching up could reach back to before that."""
    with database.read() as tx:
        unused, first = heartbeats.is_unused(tx), heartbeats.first_started(tx, now)
    if unused and first is None:
        return f" {NOT_ANSWERED.format(start='its first start')}"
    if first is None or now - first > heartbeats.LONGEST:
        return ""
    return f" {NOT_ANSWERED.format(start=f'{when(first)}, when the bot first ran on it,')}"


@line("secret key")
def secret_key(setup: Setup) -> Found:
    """Return where the key is, and how far its rotation is."""
    settings = setup.settings
    if has_other_key(setup):
        return State.FAILED, OTHER_KEY.format(remedy=_remedy(setup))
    if settings.secret_key is not None:
        from bot.access.token_store import needs_first_key  # noqa: PLC0415 - with SECRET_KEY only

        if len(settings.secret_key) > 1:
            return (
                State.NOTE,
                f"two are in SECRET_KEY. {ROTATING if _stored_token(setup, needs_first_key) else ROTATED}",
            )
        return State.OK, "in SECRET_KEY. Keep it outside DATA_DIR and its backups."
    if settings.refreshable:
        secret_keys(settings)  # there must be one to copy
        return State.NOTE, INSIDE.format(file=settings.data_dir / KEY_FILE)
    return State.OK, "in DATA_DIR. Nothing is encrypted with it, since WEBEX_ADMIN_TOKEN isn't renewed."


def has_other_key(setup: Setup) -> bool:
    """Return True when the stored admin token, which is to be used, was encrypted with a key that isn't there."""
    if not setup.settings.refreshable:
        return False
    from bot.access.token_store import is_unreadable  # noqa: PLC0415 - a plain token needs no cryptography

    return _stored_token(setup, is_unreadable)


def _remedy(setup: Setup) -> str:
    if setup.settings.secret_key is None:
        return PUT_BACK.format(file=setup.settings.data_dir / KEY_FILE)
    return SET_AS_OTHERS if setup.database.dialect == "postgresql" else SET_BACK


def _stored_token(setup: Setup, holds: Callable[[Transaction, Sequence[bytes]], bool]) -> bool:
    """Return what holds of the stored admin token and the keys; False where there are no tables yet."""
    if migrations.current(setup.database) is None:
        return False
    with setup.database.read() as tx:
        return holds(tx, secret_keys(setup.settings, make=False))


@line("files")
def files(setup: Setup) -> Found:
    """Return what others on this machine may read."""
    found = open_to_others(setup.settings)
    if not found:
        return State.OK, "only the bot's own user may read DATA_DIR and the database"
    names = ", ".join(str(path) for path in found)
    return State.NOTE, f"others on this machine may read {names}: {remedy(setup.settings, found)}"
