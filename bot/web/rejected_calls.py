"""Webhook calls that do not verify: counted over five minutes, limited by address, summed up in the log.

Anyone who knows the webhook's address can call it. That must fill neither the disk nor the memory, and must show:
Webex disables a webhook after a hundred failures in five minutes, and a wrong secret looks like forged calls. A
verified event is never limited here: behind a proxy, Webex and a forger have one address.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

WINDOW: Final = 300.0
"""Seconds over which calls are counted: Webex's own window."""
SLOT: Final = 5.0
"""Seconds that are counted together; the window is exact to this."""
MINUTE: Final = 60.0
MOST_A_MINUTE: Final = 300
"""Calls of one address that are told why they are rejected; high enough that an honest mistake never meets it."""
MOST_ADDRESSES: Final = 10_000
"""Addresses counted singly in one minute; all further ones are counted as if they were one."""
OTHER_ADDRESSES: Final = ""
LINE_EVERY: Final = 1.0
"""Seconds between two lines in the log."""


class RejectedCalls:
    """Count the rejected calls of one process; threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, name: str = "webhook_calls_rejected") -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: deque[tuple[float, int]] = deque()
        self._minute = float("-inf")
        self._addresses: Counter[str] = Counter()
        self._line_at = float("-inf")
        self._unlogged: Counter[str] = Counter()

    def record(self, address: str, reason: str, **details: Any) -> int | None:
        """Count a call, and log it with what came since the last line, at most one line a second.

        Return None, or the seconds that its address should wait when it has called too often.
        """
        with self._lock:
            now = self._clock()
            self._add(now)
            wait = self._seconds_to_wait(address, now)
            self._unlogged[reason] += 1
            if now - self._line_at < LINE_EVERY:
                return wait
            self._line_at = now
            reasons, self._unlogged = self._unlogged, Counter()
            last_5_minutes = self._count(now)
        log.warning(self._name, **reasons, last_5_minutes=last_5_minutes, last=reason, **details)
        return wait

    def count(self) -> int:
        """Return how many came in the last five minutes."""
        with self._lock:
            return self._count(self._clock())

    def _add(self, now: float) -> None:
        slot = now - now % SLOT
        number = self._slots.pop()[1] if self._slots and self._slots[-1][0] == slot else 0
        self._slots.append((slot, number + 1))
        self._count(now)

    def _count(self, now: float) -> int:
        while self._slots and self._slots[0][0] + SLOT <= now - WINDOW:
            self._slots.popleft()
        return sum(number for _, number in self._slots)

    def _seconds_to_wait(self, address: str, now: float) -> int | None:
        if now - self._minute >= MINUTE:
            self._minute = now
            self._addresses.clear()
        if address not in self._addresses and len(self._addresses) >= MOST_ADDRESSES:
            address = OTHER_ADDRESSES
        self._addresses[address] += 1
        if self._addresses[address] <= MOST_A_MINUTE:
            return None
        return max(1, math.ceil(self._minute + MINUTE - now))
