"""Numbers, times and foreign text, made readable and harmless: pure functions for everything that people read."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, tzinfo
from typing import Final

KILO = 1000
TENTHS = 10
"""Kilobytes from which tenths are not told."""
MAX_TEXT_BYTES = 7439
"""Webex refuses a longer text or markdown (measured in bytes)."""
MINUTE, HOUR, DAY = 60, 3600, 86400

CODE = re.compile(r"`([^`]*)`")
"""Something to type, in the bot's own sentences."""
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
CONTROL_CHARACTERS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, lone surrogates, tags, and characters that change the reading direction, break a line or have no width."""
INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u206a-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e0fff]+"
)
"""The rest of Unicode's "default ignorable" characters, and its blank letters."""

_IN_A_FONT: Final = re.compile(r"[\U0001d400-\U0001d7ff]+")
"""Latin and Greek letters and digits that Unicode repeats in bold, italic and script.

The letters of every script stay, also those that look like Latin ones: people write with them.
"""

# Characters that mean something to some markdown parser, and look-alikes that mean nothing to any. A backslash before a
# character does not help: clients differ in where they remove it, and some show it. Each one is in the usual fonts.
LOOK_ALIKES: Final = {
    "*": "\N{ASTERISK OPERATOR}",
    "_": "\N{MODIFIER LETTER LOW MACRON}",
    "~": "\N{TILDE OPERATOR}",
    "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
    "[": "\N{LEFT SQUARE BRACKET WITH QUILL}",
    "]": "\N{RIGHT SQUARE BRACKET WITH QUILL}",
    "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    "\\": "\N{SET MINUS}",
    "-": "\N{HYPHEN}",
    "#": "\N{MUSIC SHARP SIGN}",
    "/": "\N{DIVISION SLASH}",
    "{": "\N{MEDIUM LEFT CURLY BRACKET ORNAMENT}",
    ";": "\N{REVERSED SEMICOLON}",
    "+": "\N{MODIFIER LETTER PLUS SIGN}",
    ".": "\N{ONE DOT LEADER}",
    ")": "\N{SUPERSCRIPT RIGHT PARENTHESIS}",
}
_MARK = re.compile(
    r"[*~`\[\]<>\\]"  # emphasis, code, a link, HTML, a mention, an escape
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word it is no mark, and file names stay as they are
    r"|(?<=/)/"  # an address that leads somewhere
    r"|(?<=\{)\{"  # a card's date function
    r"|(?<=&)#|(?<=&)\w+;"  # a character's name
    # At the start, and to the parser of some clients after a bracket too: a list, a heading, a line.
    r"|(?:^|(?<=\)))(?:[-#]|(?:\+|\d+[.)])(?=\s|$))"
)
_FOLDED = str.maketrans({look_alike: mark for mark, look_alike in LOOK_ALIKES.items()})


def one_line(text: str, longest: int = 200) -> str:
    """Return foreign text on one line, of bounded length, without invisible characters and letters of a fancy font."""
    clean = " ".join(CONTROL_CHARACTERS.sub(" ", INVISIBLE.sub("", text)).split())
    clean = _IN_A_FONT.sub(lambda found: unicodedata.normalize("NFKC", found[0]), clean)
    return clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…"


def escape_card(text: str, longest: int = 200) -> str:
    """Return foreign text for a card: it is read as it is, and makes no link, list, emphasis, code or date there."""
    return _MARK.sub(lambda found: found[0][:-1] + LOOK_ALIKES[found[0][-1]], one_line(text, longest))


def escape_markdown(text: str, longest: int = 200) -> str:
    """Return foreign text for a message's markdown: it makes no mention and no HTML there either."""
    return escape_card(text, longest)


def folded(text: str) -> str:
    """Return text with the look-alikes of marks folded back: what was copied from a card finds its report again.

    Both sides of a comparison are folded: a title may hold a look-alike of its own.
    """
    return text.translate(_FOLDED)


def strip_markdown(text: str) -> str:
    """Return what people see of the bot's own markdown."""
    return CODE.sub(r"“\1”", _LINK.sub(r"\1", text.replace("**", "")))


def size(number: int) -> str:
    """Return a size in bytes as people write it: ``35 bytes``, ``138 KB``, ``1.2 MB``."""
    if number < KILO:
        return f"{number} bytes"
    value, unit = number / KILO, "KB"
    for larger in ("MB", "GB"):
        if round(value) < KILO:
            break
        value, unit = value / KILO, larger
    return f"{value:.0f} {unit}" if unit == "KB" and value >= TENTHS else f"{value:.1f} {unit}"


def count(number: int, noun: str) -> str:
    """Return ``1 row``, ``1,234 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a length of time: ``45 s``, ``60 min``, ``26 hours``, ``3 days``."""
    whole = max(0, round(seconds))
    if whole < 2 * MINUTE:
        return f"{whole} s"
    if whole < 2 * HOUR:
        return f"{round(whole / MINUTE)} min"
    if whole < 2 * DAY:
        return f"{round(whole / HOUR)} hours"
    return f"{round(whole / DAY)} days"


def when(moment: datetime) -> str:
    """Return a time as people write it: ``Nov 30, 01:40 UTC``."""
    utc_moment = moment.astimezone(UTC)
    return f"{utc_moment:%b} {utc_moment.day}, {utc_moment:%H:%M} UTC"


def when_in(moment: datetime, zone: tzinfo, after: datetime | None = None) -> str:
    """Return a time of a zone that is named elsewhere: ``Nov 30, 01:40``; without the day on the day of ``after``."""
    local = moment.astimezone(zone)
    if after is not None and after.astimezone(zone).date() == local.date():
        return f"{local:%H:%M}"
    return f"{local:%b} {local.day}, {local:%H:%M}"


def shortened(text: str, limit: int = MAX_TEXT_BYTES) -> str:
    """Return the text, cut between characters to what Webex accepts."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    ending = " …"
    return raw[: limit - len(ending.encode())].decode(errors="ignore").rstrip() + ending
