"""Who the bot is: learned from Webex once, kept in the ledger so that the door knows it while Webex is away."""

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
"""Hex digits of the token's fingerprint: the kept id is that of this token's bot, not of one before."""


class BotIdentity:
    """The bot's person, asked for once a process."""

    def __init__(self, database: Database, chat: Chat, bot_token: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._chat = chat
        self._fact = fact_name(bot_token)
        self._now = now
        self._lock = threading.Lock()
        self._person: Person | None = None

    def person(self) -> Person:
        """The bot; raises ``WebexError`` while Webex does not tell."""
        if self._person is None:
            with self._lock:
                if self._person is None:
                    person = self._chat.me()
                    with self._database.begin() as tx:
                        key_values.set(tx, self._fact, " ".join((person.id, *person.emails)), self._now())
                    self._person = person
        return self._person

    def id(self) -> str:
        """The bot's person id."""
        return self.person().id


class CachedBotIdentity:
    """Who the bot is, as another process has kept it: for the door, which never waits for Webex."""

    def __init__(self, database: Database, bot_token: str) -> None:
        self._database = database
        self._fact = fact_name(bot_token)
        self._person: Person | None = None

    def person(self) -> Person | None:
        """The bot's id and addresses, or None while nobody has learned them; the worker then drops its own messages."""
        if self._person is None:
            with self._database.read() as tx:
                kept = key_values.get(tx, self._fact)
            if kept:
                person_id, *emails = kept.split()
                self._person = Person(person_id, display_name="", first_name="", org_id="", emails=tuple(emails))
        return self._person


def fact_name(bot_token: str) -> str:
    """Under which name the id and the addresses are kept."""
    return f"{key_values.BOT_PERSON_ID}:{hashlib.sha256(bot_token.encode()).hexdigest()[:SHOWN]}"
