"""Waiting for what another thread or process does: by a condition with a deadline, never by a sleep."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 25.0
"""Seconds that a condition may take to come true on a busy machine."""
LOOK_AGAIN = 0.005


def until(condition: Callable[[], T | None], what: str = "", seconds: float = PATIENCE) -> T:
    """Wait until a condition gives something true, and return that; fail, saying what, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(LOOK_AGAIN)
    return found
