"""Who the bot is: asked of Webex once, and stored so that the web process knows it while Webex is away."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from bot.db import key_values
from bot.webex.types import Person

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Database
    from bot.webex.chat import Chat

SHOWN = 16
"""Hex digits of the token's fingerprint: the stored ID is that of this token's bot, not of one before."""


class BotIdentity:
    """The bot's person, asked for once a process. Threads may share it."""

    def __init__(self, database: Database, chat: Chat, bot_token: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._chat = chat
        self._name = name_for(bot_token)
        self._now = now
        self._lock = threading.Lock()
        self._person: Person | None = None

    def person(self) -> Person:
        """Return the bot. Raises ``WebexError`` while Webex does not tell."""
        if self._person is None:
            with self._lock:
                if self._person is None:
                    person = self._chat.me()
                    with self._database.begin() as tx:
                        key_values.set(tx, self._name, " ".join((person.id, *person.emails)), self._now())
                    self._person = person
        return self._person

    def id(self) -> str:
        """Return the bot's person ID."""
        return self.person().id


class CachedBotIdentity:
    """Who the bot is, as the worker has stored it: for the web process, which never waits for Webex."""

    def __init__(self, database: Database, bot_token: str) -> None:
        self._database = database
        self._name = name_for(bot_token)
        self._person: Person | None = None

    def person(self) -> Person | None:
        """Return the bot's ID and addresses; None while the worker has not stored them and drops the bot's messages."""
        if self._person is None:
            with self._database.read() as tx:
                kept = key_values.get(tx, self._name)
            if kept:
                person_id, *emails = kept.split()
                self._person = Person(person_id, display_name="", first_name="", org_id="", emails=tuple(emails))
        return self._person


def name_for(bot_token: str) -> str:
    """Return the name under which the ID and the addresses are stored."""
    return f"{key_values.BOT_PERSON_ID}:{hashlib.sha256(bot_token.encode()).hexdigest()[:SHOWN]}"
