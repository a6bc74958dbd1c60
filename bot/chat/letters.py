"""Replace the characters that come along with copied text: invisible ones, full-width forms, emoji, foreign quotes.

Pure. ASCII stays as it is, and so do the letters and numbers of every script: report IDs are of ASCII.
"""

from __future__ import annotations

import unicodedata

from bot.chat.report_ids import MAY_BREAK
from bot.text import LOOK_ALIKES

_MAY_BREAK = frozenset("\u200b\u2060\ufeff")
_COPIED = dict.fromkeys("\u2010\u2011\u2212", "-") | {shown: mark for mark, shown in LOOK_ALIKES.items()}
"""What stands for a character of IDs and links where it was copied from, on our cards too."""
_APOSTROPHES = frozenset("‘’")
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")
_LINE_ENDS = frozenset("\r\n\u2028\u2029")
_VARIATION = (range(0x034F, 0x0350), range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_FORMS = ("<wide>", "<narrow>", "<font>", "<small>")
"""Forms of another character. The others, such as superscripts, are no part of what they follow."""


class _Replacements(dict[int, str]):
    """The replacement of each character, found out when it is met first."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _replacement(chr(code))
        return found


def plain(text: str) -> str:
    """Replace what is neither ASCII nor a letter or number: most by a blank, invisible ones by nothing."""
    return text.translate(_Replacements())


def _replacement(letter: str) -> str:
    if unicodedata.decomposition(letter).startswith(_FORMS):
        letter = unicodedata.normalize("NFKC", letter)[0]  # a wide overline becomes a blank and an accent
    if letter.isascii() and letter.isprintable():
        return letter
    if letter in _MAY_BREAK:
        return MAY_BREAK
    if letter in _COPIED:
        return _COPIED[letter]
    if letter in _LINE_ENDS:
        return "\n"
    if _is_invisible(letter):
        return ""
    return letter if _is_letter(letter) else " "


def _is_invisible(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cf", "Me"} or any(ord(letter) in one for one in _VARIATION)


def _is_letter(letter: str) -> bool:
    return letter in _APOSTROPHES or (unicodedata.category(letter)[0] in "LMN" and letter not in _BLANK_LETTERS)
