"""Names of people and spaces for a terminal: asked of Webex when it answers, since the database holds IDs alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from bot import app
from bot.cli.terminal import print_errors
from bot.db import api_keys, audit
from bot.db.audit import DIRECT_SPACE
from bot.errors import BotError, SettingsError
from bot.logs import register_secrets
from bot.messages.names import Names
from bot.settings import load
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.ids import id_key
from bot.webex.people import Directory
from bot.webex.session import Timeouts
from bot.webex.tokens import StaticToken

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from bot.db.database import Database
    from bot.settings import Settings
    from bot.webex.types import Person

SHORT: Final = Timeouts(connect=3.0, read=5.0, body=10.0)
"""A name is not worth a long wait."""


class NameLookup:
    """Look up names while rows are printed, each once; say once why some are missing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._people: dict[str, Person] = {}
        self._asked: set[str] = set()
        self._spaces: dict[str, str] | None = None
        """By the keys of their IDs; None until they are listed."""
        self._told = False
        self._settings = _settings()

    def of(self, person_ids: Iterable[str | None], room_ids: Iterable[str | None]) -> Names:
        """Return the names of these, as far as Webex tells them; the others are shown by the ends of their IDs."""
        asked = {one for one in person_ids if one and not audit.is_pseudonym(one)}
        callers = {one for one in asked if api_keys.is_caller(one)}
        people = asked - callers
        rooms = {one for one in room_ids if one and one != DIRECT_SPACE}
        try:
            self._look_up(people - self._asked, rooms)
        except BotError as error:
            self._tell(error.sentence)
        self._asked |= people
        spaces = self._spaces = self._spaces or {}
        with self._database.read() as tx:
            keys = api_keys.names(tx, callers)
        named = {one: spaces[id_key(one)] for one in rooms if id_key(one) in spaces}
        return Names(self._people, named, keys=keys, by_id=True)

    def _look_up(self, people: Collection[str], rooms: Collection[str]) -> None:
        if self._settings is None:
            if people or rooms:
                self._tell("Webex's settings aren't set.")
            return
        if people:
            self._people |= _people(self._settings, self._database, people)
        if rooms and self._spaces is None:
            self._spaces = _spaces(self._settings)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            print_errors(f"reportbot: Names are missing, so the ends of IDs are shown. {why}")


def _settings() -> Settings | None:
    try:
        settings = load(os.environ)
    except SettingsError:
        return None
    register_secrets(*settings.secret_values())
    return settings


def _people(settings: Settings, database: Database, person_ids: Collection[str]) -> dict[str, Person]:
    client = Client(settings.webex_api_url, app.admin_token(settings, database), timeouts=SHORT)
    try:
        return Directory(client).people(person_ids)
    finally:
        client.close()


def _spaces(settings: Settings) -> dict[str, str]:
    chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()), timeouts=SHORT)
    try:
        return {id_key(one.id): one.title for one in chat.spaces()}
    finally:
        chat.close()
