"""The clock of the demo, which its page moves: the emulated Webex and the bot go by the same one.

It is only ever moved forward, and fast instead of in one step: an hour takes a second, and what is due meanwhile
happens in its time, as if one had waited. The two processes need not agree on more than when a move began, since a
machine has one monotonic clock for all of them.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.services import Clock

RATE: Final = 3600.0
"""Seconds of the clock in a second while it is moved: a day takes 24 of them."""


@dataclass(frozen=True, slots=True)
class Move:
    """One press of a button."""

    began: float
    """By the machine's monotonic clock."""
    seconds: float

    def as_json(self) -> dict[str, float]:
        """Return it for the other process."""
        return asdict(self)


class MovingClock(Clock):
    """The machine's time, and what it was moved by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = self._before = self._goal = 0.0

    def move(self, move: Move) -> None:
        """Move it forward; a move that is under way goes on from where it is."""
        with self._lock:
            self._before = self._ahead_at(move.began)
            self._began = move.began
            self._goal += move.seconds

    @property
    def moves(self) -> bool:
        """Return True while it is being moved."""
        return self._ahead() < self._goal

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead())

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time() + self._ahead()

    def monotonic(self) -> float:
        """Return seconds that only grow; what was kept for a while has lapsed after a move."""
        return time.monotonic() + self._ahead()

    def _ahead(self) -> float:
        with self._lock:
            return self._ahead_at(time.monotonic())

    def _ahead_at(self, moment: float) -> float:
        return min(self._goal, self._before + RATE * max(0.0, moment - self._began))
