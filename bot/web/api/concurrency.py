"""Limit the calls that need Webex: a few at a time, and the others wait for a moment. No key takes all of it."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE: Final = 2
MOST_CALLS: Final = 16
"""Calls that have a place or wait for one, each in a thread that sleeps."""
MOST_OF_KEY: Final = 12
"""Of these, the calls of one key."""


class Concurrency:
    """The places of one process."""

    def __init__(self) -> None:
        self._calls: Counter[int] = Counter()
        """By key, those that have a place or wait for one."""
        self._placed: Counter[int] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def place(self, key_id: int, patience: float) -> Iterator[bool]:
        """Wait for a place and give it back at the end; yields False where it does not come within so many seconds."""
        with self._changed:
            is_full = self._calls.total() == MOST_CALLS or self._calls[key_id] == MOST_OF_KEY
            self._calls[key_id] += not is_full
        if is_full:
            yield False
            return
        taken = False
        try:
            with self._changed:
                taken = self._changed.wait_for(lambda: self._is_free(key_id), patience)
                self._placed[key_id] += taken
            yield taken
        finally:
            with self._changed:
                self._placed[key_id] -= taken
                self._calls[key_id] -= 1
                self._changed.notify_all()

    def _is_free(self, key_id: int) -> bool:
        """Return True for a place that this key may have: a key without any comes before one that has one."""
        first = any(calls and not self._placed[one] for one, calls in self._calls.items() if one != key_id)
        return self._placed.total() < AT_ONCE and not (first and self._placed[key_id])
