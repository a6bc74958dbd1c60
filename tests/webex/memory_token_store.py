"""A store of the admin token's state that lives in memory."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.webex.tokens import TokenState


class MemoryTokenStore:
    """Keep the state for one process only."""

    def __init__(self) -> None:
        self._state: TokenState | None = None
        self._lock = threading.Lock()

    def load(self) -> TokenState | None:
        """Return the newest state, if any."""
        return self._state

    def save(self, state: TokenState) -> None:
        """Keep a state."""
        self._state = state

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock."""
        with self._lock:
            yield
