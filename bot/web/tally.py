"""What anybody can make happen as often as they like: counted, and told in one line now and then.

A line for each would let whoever knows the door's address fill the disk. Kinds are few and ours: nothing that somebody
sent gets into the log from here.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

LINE_EVERY: Final = 10.0
"""Seconds between two lines in the log."""


class Tally:
    """Counts by kind; threads may share it. ``event`` names the line, which holds the numbers since the last one."""

    def __init__(self, event: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._said_at = float("-inf")

    def add(self, kind: str) -> None:
        """Count one."""
        with self._lock:
            self._counts[kind] += 1

    def say(self) -> None:
        """Tell, if there is something to tell and the last line is old enough. Call it often."""
        with self._lock:
            now = self._clock()
            if not self._counts or now - self._said_at < LINE_EVERY:
                return
            self._said_at = now
            counts, self._counts = self._counts, Counter()
        log.warning(self._event, **counts)
