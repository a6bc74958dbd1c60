"""The base of the world: one lock, one counter of changes, one clock, and waiting for something to be true."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

# Reports get ready by time alone, which notifies nobody: a waiter looks again at least this often.
LOOK_AGAIN_SECONDS = 0.2


class State:
    """What every part of the world shares. Hold `lock` while reading or writing more than one thing."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self.version = 0
        self.last_space_id: str | None = None
        self.closing = threading.Event()
        self.clock: Callable[[], float] = time.time
        self.move_clock: Callable[[float], None] | None = None
        """Moves the clock forward by so many seconds, for all that use its clock; None: nobody can."""

    @contextmanager
    def change(self, space_id: str | None = None) -> Iterator[None]:
        """Hold the lock, and afterwards wake everyone who waits; `space_id` says where it happened."""
        with self.lock:
            yield
            self.version += 1
            self.last_space_id = space_id
            self._changed.notify_all()

    def touch(self) -> None:
        """Have the pages look again: something that they show beside the world has changed."""
        with self.change():
            pass

    def nudge(self) -> None:
        """Wake everyone who waits although nothing on the page has changed (a call came in)."""
        with self.lock:
            self._changed.notify_all()

    def advance(self) -> None:
        """Let time have its effect; overridden by the parts that know what time changes."""

    def account(self) -> str:
        """Return what there is, in words, for the message of a wait that failed."""
        return f"version {self.version}"

    def wait_for(self, predicate: Callable[[Self], object], timeout: float = 10) -> None:
        """Wait until `predicate(world)` is true, at most `timeout` seconds; TimeoutError tells what there is instead.

        The predicate is called with the lock held, at once and after every change.
        """
        deadline = time.monotonic() + timeout
        with self.lock:
            while True:
                self.advance()
                if predicate(self):
                    return
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not so within {timeout} s; there is:\n{self.account()}")
                self._changed.wait(min(left, LOOK_AGAIN_SECONDS))

    def wait_for_version(self, seen: int, timeout: float) -> int:
        """Wait until the version differs from `seen` or the time is over; returns the version."""
        with self.lock:
            self.advance()
            if self.version == seen and not self.closing.is_set():
                self._changed.wait(timeout)
            return self.version

    def close(self) -> None:
        """Tell everyone who waits that the emulator stops."""
        self.closing.set()
        self.nudge()
