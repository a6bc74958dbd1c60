"""Count the calls of each key within the last minute, so that those of the same moment count each other."""

from __future__ import annotations

import threading
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

CALLS_PER_MINUTE: Final = 120
WINDOW: Final = timedelta(minutes=1)


class CallLimit:
    """The calls that this process has taken. The audit has those of all processes, but only once they are answered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[int, deque[datetime]] = {}

    def take(self, key_id: int, now: datetime, answered: int) -> int:
        """Return how many calls a key has left after this one; -1: it had none left, and this one is not taken.

        ``answered``: its calls within the last minute, by the audit.
        """
        with self._lock:
            taken = self._taken.setdefault(key_id, deque())
            while taken and taken[0] <= now - WINDOW:
                taken.popleft()
            left = CALLS_PER_MINUTE - max(answered, len(taken)) - 1
            if left >= 0:
                taken.append(now)
            return max(left, -1)
