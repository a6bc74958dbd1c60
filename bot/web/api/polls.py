"""Wait for the end of deliveries: each call sleeps, and one thread looks at the database for all of them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

log = structlog.get_logger(__name__)

MOST_POLLS: Final = 64
"""Calls that wait at a time, each in a thread that sleeps."""
STEP: Final = 0.2
"""Seconds between two looks at the database."""

is_ending: Callable[[], bool] | None = None
"""Returns True once the process was told to end: then nobody waits any longer. Set by gunicorn's settings."""


class Polls:
    """The calls that wait. ``ended`` returns which of the deliveries with these references have ended."""

    def __init__(self, ended: Callable[[Collection[str]], set[str]]) -> None:
        self._ended = ended
        self._lock = threading.Lock()
        self._waiting: dict[threading.Event, str] = {}
        self._looks = False

    def wait(self, reference: str, seconds: float) -> None:
        """Return at the end of a delivery or after so many seconds; at once where too many calls wait."""
        mine = threading.Event()
        with self._lock:
            if len(self._waiting) >= MOST_POLLS:
                return
            if not self._looks:
                threading.Thread(target=self._look, name="polls", daemon=True).start()
                self._looks = True
            self._waiting[mine] = reference
        mine.wait(seconds)
        with self._lock:
            del self._waiting[mine]

    def _look(self) -> None:
        """Look for all calls, as long as one waits."""
        while True:
            with self._lock:
                waiting = dict(self._waiting)
                self._looks = bool(waiting)
            if not waiting:
                return
            wanted = set(waiting.values())
            try:
                ended = wanted if is_ending and is_ending() else self._ended(wanted)
            except DatabaseUnavailable:
                ended = wanted  # each call looks itself, and says that the database is away
            except Exception:  # later calls rely on this thread
                log.exception("polls_crashed")
                ended = wanted
            for call, reference in waiting.items():
                if reference in ended:
                    call.set()
            time.sleep(STEP)
