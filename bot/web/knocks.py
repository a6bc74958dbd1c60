"""Webhook calls that do not verify: counted, slowed down by address, and summed up in the log.

Whoever knows the door's address can knock. That must fill neither the disk nor the memory, and must not hide that it
happens: Webex disables a webhook after a hundred failures in five minutes, and a wrong secret looks like a forger.
A verified event never comes here, so nothing here holds one up: behind a proxy, Webex and the forger are one address.

Nothing is written while a call is answered. A thread that lives only as long as there is something to tell says once a
second what has come since, and keeps the figure for the other processes every few seconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

WINDOW: Final = 300.0
"""Seconds over which calls are counted: Webex's own window."""
GRAIN: Final = 5.0
"""Seconds that are counted together; the window is exact to this."""
MINUTE: Final = 60.0
MOST_A_MINUTE: Final = 300
"""Calls of one address that are told why they are refused; high enough that an honest mistake never meets it."""
MOST_ADDRESSES: Final = 10_000
"""Addresses counted singly in one minute; all further ones are counted as if they were one."""
EVERYBODY_ELSE: Final = ""
LINE_EVERY: Final = 1.0
"""Seconds between two lines in the log."""
KEEP_EVERY: Final = 10.0
"""Seconds between two writes of the figure, while it changes."""
KEEP_AGAIN: Final = 60.0
"""Seconds between two writes of the same figure."""


class Knocks:
    """Counts for one process, until ``stop``; threads may share it. ``keep`` is given the figure when it changes."""

    def __init__(
        self,
        keep: Callable[[int], None] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        line_every: float = LINE_EVERY,
        keep_every: float = KEEP_EVERY,
        stop: threading.Event | None = None,
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._line_every = line_every
        self._keep_every = keep_every
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()
        self._grains: deque[tuple[float, int]] = deque()
        self._minute = float("-inf")
        self._addresses: Counter[str] = Counter()
        self._line_at = float("-inf")
        self._unsaid: Counter[str] = Counter()
        self._teller: threading.Thread | None = None
        self._kept = 0
        self._kept_at = float("-inf")

    def note(self, address: str, what: str, **more: Any) -> int | None:
        """Count a call that did not verify; ``what`` names it in the log, with ``more`` if it is the first in a while.

        Gives None, or how many seconds its address should stay away when it has come too often.
        """
        with self._lock:
            now = self._clock()
            self._count(now)
            wait = self._too_often(address, now)
            first = not self._unsaid and now - self._line_at >= self._line_every
            if first:
                self._line_at = now
            else:
                self._unsaid[what] += 1
            if self._teller is None:
                self._start_teller()
        if first:
            log.warning(what, **more)
        return wait

    def lately(self) -> int:
        """How many came in the last five minutes."""
        with self._lock:
            return self._lately(self._clock())

    def _start_teller(self) -> None:
        self._teller = threading.Thread(target=self._tell, name="knocks", daemon=True)
        try:
            self._teller.start()
        except RuntimeError:  # the system has no room for it: the next call tries again, and this one is answered
            self._teller = None

    def _count(self, now: float) -> None:
        grain = now - now % GRAIN
        if self._grains and self._grains[-1][0] == grain:
            self._grains[-1] = (grain, self._grains[-1][1] + 1)
        else:
            self._grains.append((grain, 1))
            self._lately(now)

    def _lately(self, now: float) -> int:
        while self._grains and self._grains[0][0] + GRAIN <= now - WINDOW:
            self._grains.popleft()
        return sum(number for _, number in self._grains)

    def _too_often(self, address: str, now: float) -> int | None:
        if now - self._minute >= MINUTE:
            self._minute = now
            self._addresses.clear()
        if address not in self._addresses and len(self._addresses) >= MOST_ADDRESSES:
            address = EVERYBODY_ELSE
        self._addresses[address] += 1
        if self._addresses[address] <= MOST_A_MINUTE:
            return None
        return max(1, math.ceil(self._minute + MINUTE - now))

    def _tell(self) -> None:
        """Until there is nothing left to tell: a line with what came since the last one, the figure for the others."""
        try:
            while not self._told():
                self._stop.wait(self._line_every)
                self._keep_figure(self._say())
        except Exception:  # nobody waits for this thread, and the next call needs a new one
            log.exception("knocks_crashed")
            with self._lock:
                self._teller = None

    def _told(self) -> bool:
        with self._lock:
            kept = self._keep is None or (self._kept == 0 and self._lately(self._clock()) == 0)
            if self._unsaid or not (kept or self._stop.is_set()):
                return False
            self._teller = None
            return True

    def _say(self) -> int:
        with self._lock:
            now = self._clock()
            unsaid, self._unsaid = self._unsaid, Counter()
            if unsaid:
                self._line_at = now
            addresses, number = len(self._addresses), self._lately(now)
        if unsaid:
            log.warning("webhooks_not_taken", **unsaid, addresses_this_minute=addresses, last_5_minutes=number)
        return number

    def _keep_figure(self, number: int) -> None:
        """Keep it when it has changed, not too often; now and then when it has not, so that it does not look old."""
        since = self._clock() - self._kept_at
        if self._keep is None or since < (self._keep_every if number != self._kept else KEEP_AGAIN):
            return
        self._kept_at = self._clock()
        try:
            self._keep(number)
        except BotError as error:
            log.info("unverified_events_not_kept", cause=str(error))
        else:
            self._kept = number
