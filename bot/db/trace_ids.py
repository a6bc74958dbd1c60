"""Make the trace ID of a request, by which its lines are found in the log, of the event with which it began."""

from __future__ import annotations

import hashlib
from typing import Final

from bot.webex.ids import id_key

LENGTH: Final = 32
"""Hexadecimal digits, as W3C's trace IDs have them."""
PARTS: Final = {"schedule": 4}
"""Parts of an event's key that name the event, by its kind: ``schedule:7:2026-11-29T10:00Z``; others have two."""
EVERY_REPORT: Final = "subscription"
"""Here each report begins a trace of its own, so all parts count."""


def trace_id(event_key: str) -> str:
    """Return the trace ID of an event, a run or a request: all that came of one event have the same."""
    kind, *parts = event_key.split(":")
    named = parts if kind == EVERY_REPORT else parts[: PARTS.get(kind, 2) - 1]
    text = ":".join((kind, *map(id_key, named)))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
