"""Read what a person wrote: mentions and quotes taken off, the first word, and the rest to the letter.

Pure. Report IDs are case-sensitive, so nothing but the first word is ever changed in case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from bot.chat.html_text import QUOTE, read_html
from bot.chat.letters import plain
from bot.chat.report_ids import MAY_BREAK, is_filler, names_ids, pieces
from bot.reports.periods import find_period
from bot.reports.search import FILLERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from bot.webex.types import Person

_SEPARATORS = re.compile(r"[\s,;]+")
_BESIDE_NAME = rf"[\s,:{MAY_BREAK}]"
_QUOTED = re.compile(rf"^[ {MAY_BREAK}]*>.*$", re.MULTILINE)
_ANGLE_FIRST = re.compile(r"^([^\w>\u203a\n]*)\u203a", re.MULTILINE)
"""A foreign quotation mark; on our cards it stands for ``>``, but nobody begins a quoted line with it."""
_SHORT_YEAR = re.compile(r"['’](\d\d)[.,;:!?]*")
"""As in "May '26"; without its mark it would be a day."""
_KEPT_AT_ENDS = "_=-/\\"
"""Of what stands at a word's ends only these and its letters belong to it: IDs may have the first three."""
ANY_DAY = date(2000, 1, 1)
COMMAND_WITHIN = 3
"""A command may stand so far into a message: "please get report …"."""
NEGATIONS = frozenset({"not", "no", "never", "don't", "don’t", "dont", "doesn't", "doesn’t", "without"})
"""After these the command is not what is wanted."""
USUAL_WORDS = frozenset({"last", "new", "again", "run"})
"""Commands that are usual words too: after other words than polite ones they are no command."""
NOUNS = frozenset({"report", "reports", "schedule", "schedules"})
"""Commands that may end a title or name: "calling usage report" is for whoever reads sentences."""
POLITE = frozenset({"please", "pls", "hi", "hello", "hey", "ok", "okay", "thanks", "now", "and", "can", "could", "you"})


@dataclass(frozen=True, slots=True)
class Words:
    """The first word and what follows it, all kept to the letter."""

    word: str
    rest: tuple[str, ...] = ()
    mentions_others: bool = field(default=False, compare=False)
    """True when someone is mentioned besides the bot."""
    mentioned: tuple[str, ...] = field(default=(), compare=False)
    """The IDs of those who are, in their order, where the client gives them."""


def parse(text: str, html: str, bot: Person, known: Collection[str], *, direct: bool) -> Words:
    """Read a message. ``known`` are the commands' words: they decide where a mention may stand for two things.

    The html is what was written, where there is some: the text does not tell a quote from the rest. With a mention of
    the bot in it there is no doubt. Without, the label stands in the text, and may be the bot's full or first name; a
    bot named "Report Bot" makes "Report report X" of it. In a group space someone has mentioned the bot, so a reading
    with the label taken off comes before the text as it stands.
    """
    if not html:
        return _read(text, bot, known, addressed=direct)
    read = read_html(html, bot, {" ".join(name.split()).casefold() for name in names_of(bot)})
    if read is None:
        # Which of the text's words are a quote's is not known.
        return Words("") if QUOTE in html.casefold() else _read(text, bot, known, addressed=direct)
    addressed = direct or read.mentions_bot
    written = read.text()
    words = _read(written if written.strip() or read.left_out else text, bot, known, addressed=addressed)
    # Who is mentioned in a group space and not known as the bot may be the bot, in a spelling that is new to us.
    mentioned = tuple(read.mentioned) if addressed else ()
    return replace(words, mentions_others=addressed and read.mentions_others, mentioned=mentioned)


def _read(text: str, bot: Person, known: Collection[str], *, addressed: bool) -> Words:
    """Read a text; ``addressed``: it is for the bot also without a mention in it, so its name may be a word."""
    text = _unquoted(text)
    as_it_stands, (named, perhaps) = _split(text, known), _readings(text, bot, known)
    if addressed:
        return _command(named, known) or _command([as_it_stands, *perhaps], known) or as_it_stands
    unlabelled = [*named, *perhaps]
    others = [] if named else [as_it_stands]
    return _command(unlabelled, known) or _command(others, known) or [*unlabelled, as_it_stands][0]


def _command(readings: Sequence[Words], known: Collection[str]) -> Words | None:
    """Return the first reading that begins with a command, or else the first that has one soon."""
    begins = (words for words in readings if words.word.casefold() in known)
    return next(begins, None) or next(filter(None, (_later(words, known) for words in readings)), None)


def _later(words: Words, known: Collection[str]) -> Words | None:
    """Return the words from a command on that has only a few plain words before it."""
    tokens = (words.word, *words.rest)
    for place, token in enumerate(tokens[:COMMAND_WITHIN]):
        found = Words(token.lstrip("/"), tokens[place + 1 :])
        if found.word.casefold() in known and _is_command(found, tokens[:place]):
            return found
        if not is_filler(token) or token.casefold() in NEGATIONS:
            return None
    return None


def _is_command(found: Words, before: Sequence[str]) -> bool:
    """Return True for a command after these words, False for a usual word in a sentence."""
    word, said = found.word.casefold(), {one.casefold() for one in before}
    if word in USUAL_WORDS:
        return said <= POLITE and not _begin_period((found.word, *found.rest))
    return word not in NOUNS or said <= FILLERS or names_ids(found.rest)


def _begin_period(tokens: Sequence[str]) -> bool:
    """Return True for words that begin with "last week", which is no command; which days those are doesn't matter."""
    return bool(tokens) and tokens[0].casefold() == "last" and find_period(tokens[:3], ANY_DAY)[0] is not None


def names_of(bot: Person) -> list[str]:
    """Return what a mention of the bot may show, the longest first; Webex need not tell the first name."""
    first = next(iter(bot.display_name.split()), "")
    names = dict.fromkeys(name for name in (bot.display_name, bot.nick_name, bot.first_name, first) if name)
    return sorted(names, key=lambda name: -len(name.split()))


def _unquoted(text: str) -> str:
    """Return the text in plain letters, without the lines that quote someone."""
    return _QUOTED.sub("", plain(_ANGLE_FIRST.sub(r"\1<", text)))


def _split(text: str, known: Collection[str]) -> Words:
    tokens = [token for token in _tokens(text, known) if token]
    while tokens and not any(map(str.isalnum, tokens[0])):
        del tokens[0]  # a list's dash
    if _begin_period(tokens):
        tokens[:2] = [" ".join(tokens[:2])]
    return Words(tokens[0].lstrip("/"), tuple(tokens[1:])) if tokens else Words("")


def _tokens(text: str, known: Collection[str]) -> Iterator[str]:
    for token in _SEPARATORS.split(text):
        for piece in pieces(token):
            yield from map(_bare, _parted(piece, known))


def _parted(piece: str, known: Collection[str]) -> list[str]:
    """Split where a line may be broken when one of the parts is a command; else it stands within a word."""
    parts, whole = piece.split(MAY_BREAK), piece.replace(MAY_BREAK, "")
    return parts if len(parts) > 1 and not {_bare(part).casefold() for part in parts}.isdisjoint(known) else [whole]


def _bare(token: str) -> str:
    """Return a word without what wraps it: quotes, brackets, full stops; a year of two digits is written out."""
    if year := _SHORT_YEAR.fullmatch(token):
        return f"20{year[1]}"
    start, end = 0, len(token)
    while start < end and not _belongs(token[start]):
        start += 1
    while start < end and not _belongs(token[end - 1]):
        end -= 1
    return token[start:end]


def _belongs(letter: str) -> bool:
    return letter.isalnum() or letter in _KEPT_AT_ENDS


def _readings(text: str, bot: Person, known: Collection[str]) -> tuple[list[Words], list[Words]]:
    """Return the text without the bot's name: full before first name, at the start before at the end, then in between.

    Those without a name of several words, which is no accident, are apart from those without one that is a word.
    """
    named: list[Words] = []
    perhaps: list[Words] = []
    stripped = " ".join(text.split())
    trimmed = stripped.rstrip(f" {MAY_BREAK}.!?")
    for label in names_of(bot):
        parts = plain(label).split()
        if not parts:
            continue
        found = named if len(parts) > 1 else perhaps
        name = "@?" + r"\s".join(map(re.escape, parts))
        start = re.match(rf"{name}(?={_BESIDE_NAME}|$){_BESIDE_NAME}*", stripped, re.IGNORECASE)
        if start and not named:
            found.append(_split(stripped[start.end() :], known))
        # No repetition in front of the name: a message of separators would take seconds.
        end = re.search(rf"(?:^|(?<={_BESIDE_NAME})){name}$", trimmed, re.IGNORECASE)
        if end:
            found.append(_split(trimmed[: end.start()], known))
        elif not start and len(parts) > 1:
            between = re.search(rf"(?<={_BESIDE_NAME}){name}(?={_BESIDE_NAME})", stripped, re.IGNORECASE)
            if between:
                found.append(_split(f"{stripped[: between.start()]} {stripped[between.end() :]}", known))
    return named, perhaps
