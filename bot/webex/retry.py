"""Try a call that failed once more at once, a few times, where that can do no harm.

A job that fails does its calls again, from the first. That is right for an outage and wrong for a Webex that fails now
and then: of eight calls in a row, each of which fails every second time, all go well once in 256 tries, and the waits
between two jobs grow. So a call that only reads, or that Webex refused to hear (429), is repeated within two seconds.
Whatever lasts longer is the queue's: it keeps no thread waiting.
"""

from __future__ import annotations

import random
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from bot.errors import PASSING_STATUSES, WebexError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Got = TypeVar("Got")

WAITS: Final = (0.2, 0.5, 1.2)
"""Seconds before the second, third and fourth try, at most; half of it is chance."""
LONGEST_WAIT: Final = 2.5
"""Seconds; a call that must wait longer is not repeated: a ``Retry-After`` of 2 s, and what the gate adds to it."""
LONGEST_TRY: Final = 5.0
"""Seconds; a call that has failed so late has kept its thread for long enough."""
AN_OUTAGE: Final = 12
"""Calls that failed one after another, no matter who made them: then nothing is repeated until one succeeds."""
MAY_SUCCEED: Final = PASSING_STATUSES - {HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS} | {None}
"""Statuses of a call that may succeed a moment later; None: no answer came."""


class RetryPolicy:
    """Shared by all threads that call one host with one token. ``waits`` empty: nothing is repeated.

    One for each token: the reports may be away while chats go well.
    """

    def __init__(
        self,
        waits: Sequence[float] = WAITS,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._waits = tuple(waits)
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._failed = 0
        self._lock = threading.Lock()

    def call(self, once: Callable[[], Got], *, reads: bool) -> Got:
        """Return what ``once`` gives. ``reads``: it may be repeated though it may have taken effect.

        Raises what its last try raised.
        """
        waits = iter(self._waits)
        while True:
            started = self._clock()
            try:
                got = once()
            except WebexError as error:
                if (
                    error.status != HTTPStatus.TOO_MANY_REQUESTS or error.reached is not False
                ):  # else our own gate held it back
                    self._note(failed=error.passing)
                pause = self._pause(error, next(waits, None), reads=reads)
                if pause is None or self._clock() - started > LONGEST_TRY:
                    raise
            else:
                self._note(failed=False)
                return got
            self._sleep(pause)

    def _note(self, *, failed: bool) -> None:
        with self._lock:
            self._failed = self._failed + 1 if failed else 0

    def _pause(self, error: WebexError, wait: float | None, *, reads: bool) -> float | None:
        """Return the seconds until the next try, or None when there is none."""
        refused = error.status == HTTPStatus.TOO_MANY_REQUESTS
        may_go_well = error.passing and reads and error.status in MAY_SUCCEED
        if wait is None or not (refused or may_go_well) or self._failed >= AN_OUTAGE:
            return None
        own = wait * (0.5 + self._chance() / 2)
        asked = error.retry_after or 0.0
        return None if asked > LONGEST_WAIT else max(own, asked)


NO_RETRY: Final = RetryPolicy(())
"""Repeats nothing."""
