"""Limit the calls that need Webex: a few at a time, and the others wait for a moment."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE: Final = 2
MOST_CALLS: Final = 16
"""Calls that have a place or wait for one, each in a thread that sleeps."""


class Concurrency:
    """The places of one process."""

    def __init__(self) -> None:
        self._calls = threading.Semaphore(MOST_CALLS)
        self._places = threading.Semaphore(AT_ONCE)

    @contextmanager
    def place(self, patience: float) -> Iterator[bool]:
        """Wait for a place and give it back at the end; yields False where it does not come within so many seconds."""
        if not self._calls.acquire(blocking=False):
            yield False
            return
        try:
            taken = self._places.acquire(timeout=patience)
            try:
                yield taken
            finally:
                if taken:
                    self._places.release()
        finally:
            self._calls.release()
