"""Short sentences that several commands say."""

from __future__ import annotations

from bot.text import escape_markdown


def which_report(word: str) -> str:
    """Return what is said to a command that needs a report and names none."""
    return f"Which one? Write `{word}` and the report's id."


def named(title: str | None) -> str:
    """Return the report as a sentence begins with it."""
    return f"The report **{escape_markdown(title)}**" if title else "The report"
