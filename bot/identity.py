"""Who the bot is: learned from Webex once, kept in the ledger so that the door knows it while Webex is away."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from bot.ledger import facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.ports import Chat, Person
    from bot.store import Store

SHOWN = 16
"""Hex digits of the token's fingerprint: the kept id is that of this token's bot, not of one before."""


class Identity:
    """The bot's person, asked for once a process."""

    def __init__(self, store: Store, chat: Chat, bot_token: str, now: Callable[[], datetime]) -> None:
        self._store = store
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
                    with self._store.begin() as tx:
                        facts.note(tx, self._fact, person.id, self._now())
                    self._person = person
        return self._person

    def id(self) -> str:
        """The bot's person id."""
        return self.person().id


class KeptIdentity:
    """The bot's person id as another process has kept it: for the door, which never waits for Webex."""

    def __init__(self, store: Store, bot_token: str) -> None:
        self._store = store
        self._fact = fact_name(bot_token)
        self._id: str | None = None

    def id(self) -> str | None:
        """The id, or None as long as nobody has learned it; the worker then drops the bot's own messages."""
        if self._id is None:
            with self._store.read() as tx:
                self._id = facts.read(tx, self._fact)
        return self._id


def fact_name(bot_token: str) -> str:
    """Under which name the id is kept."""
    return f"{facts.BOT_PERSON_ID}:{hashlib.sha256(bot_token.encode()).hexdigest()[:SHOWN]}"
