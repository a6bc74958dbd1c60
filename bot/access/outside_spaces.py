"""Remember for some minutes which group spaces have nobody of ours: what is written there costs no call."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import BotError
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

log = structlog.get_logger(__name__)

REMEMBERED: Final = timedelta(minutes=10)
MOST_REMEMBERED: Final = 2000
"""Spaces; more are forgotten together."""


class OutsideSpaces:
    """Ask for a space's members once after a refusal, and again when the members change. Threads may share it."""

    def __init__(self, outsiders_only: Callable[[str], frozenset[str]], now: Callable[[], datetime]) -> None:
        self._outsiders_only = outsiders_only
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, frozenset[str]]] = {}

    def refused_in(self, room_id: str) -> None:
        """Ask who is in the space, unless that is known."""
        if self._get(room_id) is not None:
            return
        try:
            people = self._outsiders_only(room_id)
        except BotError as error:
            log.info("members_not_listed", cause=str(error))
            return
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[id_key(room_id)] = self._now() + REMEMBERED, people
        if people:
            log.info("outside_space", seconds=REMEMBERED.total_seconds())

    def holds(self, room_id: str | None, person_id: str | None) -> bool:
        """Return True for a person who was in a space with nobody of ours when it was looked into last."""
        return room_id is not None and id_key(person_id or "") in (self._get(room_id) or ())

    def forget(self, room_id: str | None) -> None:
        """Forget a space, since someone was added to it."""
        with self._lock:
            self._known.pop(id_key(room_id or ""), None)

    def _get(self, room_id: str) -> frozenset[str] | None:
        with self._lock:
            until, people = self._known.get(id_key(room_id), (None, None))
        return people if until is not None and self._now() < until else None
