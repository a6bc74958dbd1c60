"""Names of spaces for people to read; nothing is decided by them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from bot.errors import WebexError
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from bot.webex.chat import Chat

REMEMBERED_SECONDS: Final = 300.0
MOST_REMEMBERED: Final = 2000
MOST_ASKED: Final = 10
"""Spaces that Webex is asked about for one answer, for their names and whether the reader is in them."""
MEMBER: Final = "member"


class SpaceNames:
    """Ask Webex with the bot's token, and remember for a while. Threads may share it."""

    def __init__(self, chat: Chat, clock: Callable[[], float] = time.monotonic) -> None:
        self._chat = chat
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[float, str]] = {}
        """By the space's key: until when its name is believed, and the name; empty for one that Webex does not show.

        By the keys of a space and a person, whether they are in it.
        """

    def of(self, room_ids: Iterable[str], *, reader: str | None = None) -> dict[str, str]:
        """Return the names of group spaces by their IDs; one whose name cannot be had now is left out.

        ``reader``: who is told them, and may be told only of spaces that they are in: Webex shows them no others.
        """
        wanted = list(dict.fromkeys(room_ids))
        if reader is not None:

            def is_member(room_id: str) -> str:
                return MEMBER if self._chat.is_member(room_id, reader) else ""

            wanted = list(self._known_of(wanted, is_member, reader))
        return self._known_of(wanted, lambda one: self._chat.space(one).title)

    def of_keys(self, keys: Collection[str]) -> dict[str, str]:
        """Return the names of spaces by what all spellings of their IDs have in common, as far as the bot is in them.

        It lists every space of the bot, since Webex is asked for a space by its whole ID: for what is rare.
        """
        try:
            found = self._chat.spaces() if keys else []
        except WebexError:
            return {}
        return {key: one.title for one in found if (key := id_key(one.id)) in keys}

    def saw(self, room_id: str, person_id: str) -> None:
        """Remember that a person is in a space."""
        self._remember((id_key(room_id), id_key(person_id)), MEMBER)

    def _known_of(self, wanted: list[str], ask: Callable[[str], str], *about: str) -> dict[str, str]:
        """Return what is remembered of spaces, and of a person in them, or asked now; what is empty is left out."""
        keys = {one: (id_key(one), *map(id_key, about)) for one in wanted}
        now = self._clock()
        with self._lock:
            known = {one: found for one in wanted if (found := self._remembered(keys[one], now)) is not None}
        for one in [one for one in wanted if one not in known][:MOST_ASKED]:
            try:
                known[one] = ask(one)
            except WebexError as error:
                if error.passing:
                    break  # the answer is due: it waits for no name
                known[one] = ""  # the bot is not in the space any more
            self._remember(keys[one], known[one])
        return {one: found for one in wanted if (found := known.get(one))}

    def _remember(self, key: tuple[str, ...], found: str) -> None:
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (self._clock() + REMEMBERED_SECONDS, found)

    def _remembered(self, key: tuple[str, ...], now: float) -> str | None:
        until, found = self._known.get(key, (0.0, ""))
        return found if now < until else None
