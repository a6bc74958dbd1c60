"""Call a function after a while, unless it is canceled before, as nearly all are.

``threading.Timer`` starts a thread for each: two for a report, for which the thread that answers people waits each
time. Here one thread waits for all of them, and only a call that is due gets a thread of its own.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)


class Timer:
    """A call that is due later."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = partial(copy_context().run, call)  # it belongs to who started it
        self.thread: threading.Thread | None = None


class Timers:
    """The timers of a process; threads may share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = itertools.count()
        self._waiting: list[tuple[float, int, Timer]] = []
        self._thread: threading.Thread | None = None

    def start(self, seconds: float, call: Callable[[], object]) -> Timer:
        """Have a function called in so many seconds. Raises ``RuntimeError`` when the machine has no more threads."""
        timer = Timer(call)
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="timers", daemon=True)
                thread.start()
                self._thread = thread
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._number), timer))
            if self._waiting[0][2] is timer:
                self._changed.notify()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Have it not called; where that is too late, wait until the call has ended."""
        with self._changed:
            timer.call = None
            thread = timer.thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            while True:
                while self._waiting and self._waiting[0][2].call is None:
                    heapq.heappop(self._waiting)
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is None or left > 0:
                    self._changed.wait(left)
                else:
                    _call(heapq.heappop(self._waiting)[2])


def _call(timer: Timer) -> None:
    """Make the call in a thread of its own: it may send a message, and others are due meanwhile."""
    thread = threading.Thread(target=timer.call, name="timer", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # no more threads on this machine
        log.warning("timer_not_run", cause=str(error))
    else:
        timer.thread = thread


timers = Timers()
