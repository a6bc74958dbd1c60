"""Let calls that need Webex have their turns: a few at a time, and the others wait in line for a moment."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE: Final = 2
MOST_CALLS: Final = 16
"""Calls that have a turn or wait for one, each in a thread that sleeps."""


class Turns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._calls = threading.Semaphore(MOST_CALLS)
        self._turns = threading.Semaphore(AT_ONCE)

    @contextmanager
    def turn(self, patience: float) -> Iterator[bool]:
        """Wait for a turn and give it back at the end; yields False where it does not come within so many seconds."""
        if not self._calls.acquire(blocking=False):
            yield False
            return
        try:
            taken = self._turns.acquire(timeout=patience)
            try:
                yield taken
            finally:
                if taken:
                    self._turns.release()
        finally:
            self._calls.release()
