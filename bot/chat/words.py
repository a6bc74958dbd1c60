"""Reads what a person wrote: the mention of the bot taken off, the first word, and the rest to the letter.

Pure. Report ids are case-sensitive, so nothing but the first word is ever changed in case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.ports import Person

MENTION = "spark-mention"
BREAKS = frozenset({"br", "p", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3"})
_SEPARATORS = re.compile(r"[\s,;\u200b\ufeff]+")
_BESIDE_NAME = r"[\s,:\u200b\ufeff]"
_WRAPPING = "<>\"'“”„‘’«»`*()[]{}.:!?"
LONGEST_HTML = 3 * 7439
"""Letters of html that are read. Webex's messages have at most 7,439 bytes of text, and html a few times that."""
MOST_TAGS = 200
"""More of them are not read either: the parser looks from each unfinished one to the end of the message."""
COMMAND_WITHIN = 3
"""A command may stand so far into a message: "please get report …"."""
LONGEST_FILLER = 12
"""Letters of the longest word that is taken for mere politeness; ids are longer, or have digits."""
NEGATIONS = frozenset({"not", "no", "never", "don't", "don’t", "dont", "doesn't", "doesn’t", "without"})
"""After these the command is not what is wanted."""


@dataclass(frozen=True, slots=True)
class Words:
    """The first word and what follows it, all kept to the letter."""

    word: str
    rest: tuple[str, ...] = ()


def read_words(text: str, html: str, bot: Person, known: Collection[str], *, direct: bool) -> Words:
    """Read a message. ``known`` are the commands' words: they decide where a mention may stand for two things.

    With an ``html`` mention of the bot there is no doubt. Without, or where the html is too long to be a person's, the
    label stands in the text, at the start or the end, and may be the bot's full or first name; a bot named "Report Bot"
    makes "Report report X" of it. In a group space somebody has mentioned the bot, so a reading with the label taken
    off comes before the text as it stands.
    """
    if len(html) <= LONGEST_HTML and html.count("<") <= MOST_TAGS and MENTION in html.lower():
        without = _without_mention(html, bot)
        if without is not None:
            words = _split(without)
            return _command([words], known) or words
    as_it_stands, (unlabelled, sure) = _split(text), _readings(text, bot)
    if direct:
        return _command([as_it_stands, *unlabelled], known) or as_it_stands
    # A name of several words at the start is no accident: then the text is not read as it stands.
    others = [] if sure else [as_it_stands]
    return _command(unlabelled, known) or _command(others, known) or [*unlabelled, as_it_stands][0]


def is_filler(word: str) -> bool:
    """Whether a word is plain and short, as "please" is, and no id."""
    letters = word.replace("'", "").replace("’", "")
    return letters.isalpha() and len(word) <= LONGEST_FILLER


def _command(readings: Sequence[Words], known: Collection[str]) -> Words | None:
    """The first reading that begins with a command, or else the first that has one soon."""
    begins = (words for words in readings if words.word.casefold() in known)
    return next(begins, None) or next(filter(None, (_later(words, known) for words in readings)), None)


def _later(words: Words, known: Collection[str]) -> Words | None:
    """From the command on, where only a few plain words stand before it."""
    tokens = (words.word, *words.rest)
    for place, token in enumerate(tokens[:COMMAND_WITHIN]):
        if token.casefold() in known:
            return Words(token, tokens[place + 1 :])
        if not is_filler(token) or token.casefold() in NEGATIONS:
            return None
    return None


def names_of(bot: Person) -> list[str]:
    """What a mention of the bot may show, the longest first; Webex need not tell the first name."""
    first = next(iter(bot.display_name.split()), "")
    names = dict.fromkeys(name for name in (bot.display_name, bot.nick_name, bot.first_name, first) if name)
    return sorted(names, key=lambda name: -len(name.split()))


def _split(text: str) -> Words:
    tokens = [token.strip(_WRAPPING) for token in _SEPARATORS.split(text)]
    tokens = [token for token in tokens if token]
    if not tokens:
        return Words("")
    return Words(tokens[0].lstrip("/"), tuple(tokens[1:]))


def _readings(text: str, bot: Person) -> tuple[list[Words], bool]:
    """The text without the bot's name: full before first name, at the start before at the end.

    And whether a name of several words stood at the start.
    """
    found: list[Words] = []
    sure = False
    stripped = text.strip()
    trimmed = stripped.rstrip(" \t\r\n\u00a0\u200b\ufeff.!?")
    for label in names_of(bot):
        name = r"\s+".join(re.escape(part) for part in label.split())
        start = re.match(rf"@?{name}(?={_BESIDE_NAME}|$){_BESIDE_NAME}*", stripped, re.IGNORECASE)
        if start and not sure:
            sure = len(label.split()) > 1
            found.append(_split(stripped[start.end() :]))
        # No repetition in front of the name: a message of spaces would take seconds.
        end = re.search(rf"(?:^|(?<={_BESIDE_NAME}))@?{name}$", trimmed, re.IGNORECASE)
        if end:
            found.append(_split(trimmed[: end.start()]))
    return found, sure


class _Reader(HTMLParser):
    """Collects the text of a message's html without the mentions of the bot."""

    def __init__(self, bot: Person) -> None:
        super().__init__(convert_charrefs=True)
        self._bot = bot
        self._names = {name.casefold() for name in names_of(bot)}
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
