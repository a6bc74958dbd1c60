"""Reads what a person wrote: the mention of the bot taken off, the first word, and the rest to the letter.

Pure. Report ids are case-sensitive, so nothing but the first word is ever changed in case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bot.ports import Person

MENTION = "spark-mention"
BREAKS = frozenset({"br", "p", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3"})
_SEPARATORS = re.compile(r"[\s,;\u200b\ufeff]+")
_BESIDE_NAME = r"[\s,:\u200b\ufeff]"
_WRAPPING = "<>\"'“”„‘’«»`*()[]{}.:!?"


@dataclass(frozen=True, slots=True)
class Words:
    """The first word and what follows it, all kept to the letter."""

    word: str
    rest: tuple[str, ...] = ()


def read_words(text: str, html: str, bot: Person, known: Collection[str], *, direct: bool) -> Words:
    """Read a message. ``known`` are the commands' words: they decide where a mention may stand for two things.

    With an ``html`` mention of the bot there is no doubt. Without, the label stands in the text, at the start or the
    end, and may be the bot's full or first name; a bot named "Report Bot" makes "Report report X" of it.
    """
    if MENTION in html.lower():
        without = _without_mention(html, bot)
        if without is not None:
            return _split(without)
    readings = list(_readings(text, bot))
    if direct:
        readings.insert(0, text)
    else:
        readings.append(text)
    return next((words for words in map(_split, readings) if words.word.casefold() in known), _split(readings[0]))


def _split(text: str) -> Words:
    tokens = [token.strip(_WRAPPING) for token in _SEPARATORS.split(text)]
    tokens = [token for token in tokens if token]
    if not tokens:
        return Words("")
    return Words(tokens[0].lstrip("/"), tuple(tokens[1:]))


def _readings(text: str, bot: Person) -> Iterator[str]:
    """The text without the bot's name: full before first name, at the start before at the end."""
    stripped = text.strip()
    trimmed = stripped.rstrip(" \t\r\n\u00a0\u200b\ufeff.!?")
    for label in dict.fromkeys(name for name in (bot.display_name, bot.nick_name, bot.first_name) if name):
        name = r"\s+".join(re.escape(part) for part in label.split())
        start = re.match(rf"@?{name}(?={_BESIDE_NAME}|$){_BESIDE_NAME}*", stripped, re.IGNORECASE)
        if start:
            yield stripped[start.end() :]
        # No repetition in front of the name: a message of spaces would take seconds.
        end = re.search(rf"(?:^|(?<={_BESIDE_NAME}))@?{name}$", trimmed, re.IGNORECASE)
        if end:
            yield trimmed[: end.start()]


class _Reader(HTMLParser):
    """Collects the text of a message's html without the mentions of the bot."""

    def __init__(self, bot: Person) -> None:
        super().__init__(convert_charrefs=True)
        self._bot = bot
        self._names = {name.casefold() for name in (bot.display_name, bot.nick_name, bot.first_name) if name}
        self._id = ""
        self._label: list[str] | None = None
        self.parts: list[str] = []
        self.mentioned = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == MENTION:
            self._id = dict(attrs).get("data-object-id") or ""
            self._label = []
        elif tag in BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == MENTION and self._label is not None:
            label = "".join(self._label)
            self._label = None
            if self._id == self._bot.id or (not self._id and label.strip().lstrip("@").casefold() in self._names):
                self.mentioned = True
                label = " "
            self.parts.append(label)
        elif tag in BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        (self.parts if self._label is None else self._label).append(data)


def _without_mention(html: str, bot: Person) -> str | None:
    reader = _Reader(bot)
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:  # how the parser answers a declaration that it does not know; the text is there to read
        return None
    return "".join(reader.parts) if reader.mentioned else None
