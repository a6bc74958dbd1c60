"""Plain words for numbers, times and foreign text: pure, and used wherever the bot speaks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

KILO = 1000
MINUTE, HOUR, DAY = 60, 3600, 86400
SOON = timedelta(seconds=45)

_SPECIAL = re.compile(r"([\\`*\[\]~])|((?<![^\W_])_|_(?![^\W_]))")
CODE = re.compile(r"(?<!\\)`([^`]*)`")
"""A word to write, in a sentence of ours."""
_MARKS = re.compile(r"\*\*|\\(\W|_)")
_LEADING = re.compile(r"^(\s*)([#>+-]|\d+[.)])(?=\s)")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]+"
)
# What makes a link or a card's date function, also where a client does not honour the backslash before it.
_JOINT = re.compile(r"(?<=\])(?=\()|(?<=\{)(?=\{)")


def one_line(text: str, longest: int = 200) -> str:
    """Foreign text without control and direction characters, on one line, of bounded length."""
    clean = " ".join(_UNSEEN.sub(" ", text).split())
    return clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…"


def in_card(text: str, longest: int = 200) -> str:
    """Foreign text for a card: it can make no link, list, emphasis or date there."""
    return _LEADING.sub(r"\1\\\2", _JOINT.sub(" ", _SPECIAL.sub(r"\\\g<0>", one_line(text, longest))))


def in_message(text: str, longest: int = 200) -> str:
    """Foreign text for a message's markdown: nor a mention or HTML."""
    return in_card(text, longest).replace("&", "&amp;").replace("<", "&lt;")


def unmarked(text: str) -> str:
    """What people see of a sentence of ours: without the marks of markdown, and what it escaped as it is."""
    return unescape(_MARKS.sub(lambda found: found[1] or "", CODE.sub(r"“\1”", text)))


def size(number: int) -> str:
    """A size in bytes, in the units of file managers: ``1.2 MB``."""
    value = float(number)
    for unit in ("bytes", "kB", "MB"):
        if value < KILO:
            return f"{number} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= KILO
    return f"{value:.1f} GB"


def count(number: int, noun: str) -> str:
    """``1 row``, ``1,234 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """A length of time: ``45 s``, ``60 min``, ``26 hours``, ``3 days``."""
    whole = max(0, round(seconds))
    if whole < 2 * MINUTE:
        return f"{whole} s"
    if whole < 2 * HOUR:
        return f"{round(whole / MINUTE)} min"
    if whole < 2 * DAY:
        return f"{round(whole / HOUR)} hours"
    return f"{round(whole / DAY)} days"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago: ``just now``, ``12 min ago``."""
    passed = now - moment
    if abs(passed) < SOON:
        return "just now"
    said = duration(abs(passed).total_seconds())
    return f"{said} ago" if passed > timedelta(0) else f"in {said}"


def utc(moment: datetime) -> str:
    """``2024-03-24 17:13 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
