"""Find report IDs in what people paste: inside a link, beside other characters, split by invisible ones.

Pure. IDs are case-sensitive and are kept unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bot.reports.periods import find_period
from bot.reports.search import asked_for
from bot.webex.report import is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

MAY_BREAK = "\u200b"
"""Where a line may be broken: programs put it into long words, and between words."""
_START = "Y2lzY29zcGFyazovL"
"""How base64 of ``ciscospark://`` begins, whatever follows."""
_CANDIDATE = re.compile(rf"{MAY_BREAK}*".join(_START) + rf"[A-Za-z0-9_{MAY_BREAK}-]{{1,2048}}={{0,2}}")
_CUTS = re.compile(rf"[_{MAY_BREAK}-]")
MOST_CUTS = 64
"""Places at which a candidate is tried to end, from its end on."""
MOST_IDS = 20
"""Report IDs taken from one message."""
LONGEST_FILLER = 12
"""Letters of the longest word that is taken for mere politeness; IDs are longer, or have digits."""
POINTING = frozenset({"again", "here", "it", "now", "one", "ones", "pending", "request", "requests", "them"})
"""Words that name no report besides those that no search looks for: "cancel this request, please"."""
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://|\bwww\.")
_LINK_WITHOUT_HOST = re.compile(r"/reports?/|[?&#]report_?id=", re.IGNORECASE)
_NAMED_IN_LINK = (
    re.compile(r"[?&#]report_?id=([A-Za-z0-9_=-]{1,512})(?=[&#\s]|$)", re.IGNORECASE),
    re.compile(r"/reports?/([A-Za-z0-9_=-]{1,512})(?=[/?&#\s]|$)", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A report ID and where it stands."""

    id: str
    start: int
    end: int


def find_ids(text: str) -> Iterator[Found]:
    """Find what decodes as a report ID in a text without blanks."""
    for candidate in _CANDIDATE.finditer(text):
        whole = candidate[0]
        cuts = [cut.start() for cut in _CUTS.finditer(whole)][-MOST_CUTS:]
        for length in (len(whole), *reversed(cuts)):
            plain = whole[:length].replace(MAY_BREAK, "")
            if looks_like_report_id(plain):
                yield Found(plain, candidate.start(), candidate.start() + length)
                break


def ids_in_link(link: str) -> list[str]:
    """Find the report IDs in a link: what decodes as one anywhere in it, or else what stands where an ID stands."""
    plain = unquote(unquote(link))  # a link within a link is encoded twice
    found = [one.id for one in find_ids(plain)]
    if not found:
        found = [match[1] for pattern in _NAMED_IN_LINK if (match := pattern.search(plain))][:1]
    return list(dict.fromkeys(found))


def pieces(token: str) -> list[str]:
    """Divide a text without blanks at the report IDs in it; of a link with one only the ID is left."""
    link = _LINK.search(token)
    if link:
        ids = ids_in_link(token[link.start() :])
        return [*pieces(token[: link.start()]), *ids] if ids else [token]
    if _LINK_WITHOUT_HOST.search(token) and (ids := ids_in_link(token)):
        return ids
    text = unquote(token) if "%" in token and _START in token else token
    found: list[str] = []
    position = 0
    for one in find_ids(text):
        found += [text[position : one.start], one.id]
        position = one.end
    return [*found, text[position:]]


def chosen(words: Iterable[str]) -> list[str]:
    """Choose which words are meant as IDs: those that decode as a report ID, or all where none does."""
    said = list(dict.fromkeys(words))
    return [one for one in said if looks_like_report_id(one)] or said


def is_filler(word: str) -> bool:
    """Return True for a word that is plain and short, as "please" is, and no ID."""
    letters = word.replace("'", "").replace("’", "")
    return letters.isalpha() and len(word) <= LONGEST_FILLER


def meant(words: Sequence[str]) -> list[str]:
    """Return the words that may be IDs: of several that decode to nothing, plain ones are none ("cancel it please")."""
    some = chosen(words)
    if len(some) == 1 or any(map(looks_like_report_id, some)):
        return some
    return [one for one in some if not is_filler(one)]


def names_ids(words: Iterable[str]) -> bool:
    """Return True for report IDs, and for what was one before it was cut or mistyped: no title looks like that."""
    return any(_START[:8] in one or looks_like_report_id(one) for one in words)


def may_be_id(word: str) -> bool:
    """Return True for a word that is neither letters alone nor a number: an ID of another form, or a part of a link."""
    return not word.replace("'", "").replace("’", "").isalpha() and not word.isdecimal()


def perhaps_ids(words: Sequence[str], today: date) -> list[str]:
    """Return the words that may be IDs: none of a period, and none beside words of a title, but what surely is one."""
    if names_ids(words):
        return list(words)
    left = [word for word in find_period(words, today)[1] if find_period([word], today)[0] is None]
    titled = any(not may_be_id(word) and word.casefold() not in POINTING and asked_for([word]) for word in left)
    return [] if titled else left


def named(words: Sequence[str], today: date) -> list[str]:
    """Return the report IDs among the words, as many as are taken from one message; "cancel it" names none."""
    return [one for one in meant(perhaps_ids(words, today)) if is_report_id(one) and not is_filler(one)][:MOST_IDS]
