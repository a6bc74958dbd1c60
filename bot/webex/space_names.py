"""Names of spaces for people to read; nothing is decided by them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from bot.errors import WebexError
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bot.webex.chat import Chat

REMEMBERED_SECONDS: Final = 300.0
MOST_REMEMBERED: Final = 2000
MOST_ASKED: Final = 10
"""Spaces that Webex is asked about for one answer."""


class SpaceNames:
    """Ask Webex with the bot's token, and remember for a while. Threads may share it."""

    def __init__(self, chat: Chat, clock: Callable[[], float] = time.monotonic) -> None:
        self._chat = chat
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, str]] = {}
        """By the space's key: until when it is believed, and the name; empty for one that Webex does not show."""

    def of(self, room_ids: Iterable[str]) -> dict[str, str]:
        """Return the names of group spaces by their IDs; one whose name cannot be had now is left out."""
        wanted = list(dict.fromkeys(room_ids))
        now = self._clock()
        with self._lock:
            known = {one: name for one in wanted if (name := self._remembered(one, now)) is not None}
        for one in [one for one in wanted if one not in known][:MOST_ASKED]:
            try:
                known[one] = self._chat.space(one).title
            except WebexError as error:
                if error.passing:
                    break  # the answer is due: it waits for no name
                known[one] = ""  # the bot is not in the space any more
            with self._lock:
                if len(self._known) >= MOST_REMEMBERED:
                    self._known.clear()
                self._known[id_key(one)] = (self._clock() + REMEMBERED_SECONDS, known[one])
        return {one: name for one, name in known.items() if name}

    def _remembered(self, room_id: str, now: float) -> str | None:
        until, name = self._known.get(id_key(room_id), (0.0, ""))
        return name if now < until else None
