"""What people are told of a recurrence: in words, and why one is refused. Pure."""

from __future__ import annotations

from typing import Final

from bot.text import escape_markdown

TOO_OFTEN: Final = "That's too often: an hour is the shortest interval."
NEVER: Final = "A schedule like that would never run."
NOT_A_RECURRENCE: Final = "I can't read when it should run."
LONGEST_ZONE: Final = 60


def unknown_zone(name: str) -> str:
    """Return that there is no such time zone."""
    return f"“{escape_markdown(name, LONGEST_ZONE)}” isn't a time zone that I know."
