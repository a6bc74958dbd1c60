"""Turns signals into a call in an ordinary thread.

A Python signal handler runs in between any two steps of the main thread; if it set an event or wrote a log line just
while the main thread holds that event's or that log's lock, the process would hang for ever. So the handler does
nothing, and a thread reads the signal's number from the pipe that the interpreter writes it to.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def on_stop(call: Callable[[], None]) -> None:
    """Have ``call`` made, in a thread, at each SIGTERM, SIGINT or SIGHUP. Once a process, from its main thread."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for number in STOPPING:
        signal.signal(number, _nothing)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_read, args=(reading, call), name="signals", daemon=True).start()


def _nothing(_number: int, _frame: object) -> None:
    """Be there, so that the signal neither ends the process nor is ignored."""


def _read(descriptor: int, call: Callable[[], None]) -> None:
    while number := os.read(descriptor, 1):
        if number[0] in STOPPING:
            call()
