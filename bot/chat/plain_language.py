"""Reads a message that begins with no command: politeness, a mistyped command, or a wish in a sentence. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.chat.parser import NEGATIONS
from bot.chat.parser import USUAL_WORDS as COMMANDS_AND_WORDS
from bot.reports.search import FILLERS, errors_between

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

HELLO: Final = frozenset({"hi", "hello", "hey", "hiya", "howdy", "morning", "afternoon", "evening", "greetings"})
THANKS: Final = frozenset({"thanks", "thank", "thx", "ty", "cheers", "perfect", "great", "awesome", "nice", "cool"})
OKAY: Final = frozenset({"ok", "okay", "k", "fine", "sure", "yes", "yep", "no", "nope", "bye", "goodbye", "understood"})
_BESIDE: Final = frozenset(
    {
        "you",
        "so",
        "very",
        "much",
        "a",
        "lot",
        "many",
        "there",
        "good",
        "well",
        "done",
        "bot",
        "all",
        "everyone",
        "again",
    }
    | {"for", "the", "that", "this", "your", "help", "report", "reports", "file", "it", "is", "got", "job", "day"}
)
"""Words that change nothing beside those."""

USUAL_WORDS: Final = COMMANDS_AND_WORDS | {"report", "reports"}
"""Commands that mean nothing by themselves in the midst of a sentence."""
SHORTEST_MISTYPED: Final = 4
"""Letters of a word that may be a mistyped command: of fewer, any word would be one."""
RUN: Final = frozenset({"run", "create", "generate", "make", "start", "order"})
"""Words of a sentence that asks for a new report."""
GET: Final = frozenset(
    {"send", "get", "give", "show", "fetch", "find", "need", "want", "have", "see", "pull", "share", "bring", "post"}
    | {"report", "file"}
)
"""Words of a sentence that asks for a report that there is."""
LISTS: Final = frozenset({"reports", "list"})
LONGEST_ARGUMENT: Final = 1_000
"""Letters that a button keeps of what was typed."""


class Politeness(StrEnum):
    """What a message says that wants nothing."""

    HELLO = "hello"
    THANKS = "thanks"
    OKAY = "okay"


@dataclass(frozen=True, slots=True)
class Wish:
    """The command that a message is probably meant for."""

    word: str
    rest: tuple[str, ...] = ()
    clear: bool = False
    """It says so in other words, so it is done; else a button asks."""


def politeness(words: Sequence[str]) -> Politeness | None:
    """Return what a message says that is nothing but polite; None for any other."""
    said = [_plain(word) for word in words]
    for kind, of_kind in (
        (Politeness.HELLO, HELLO),
        (Politeness.THANKS, THANKS),
        (Politeness.OKAY, OKAY),
    ):
        if of_kind.intersection(said) and set(said) <= HELLO | THANKS | OKAY | _BESIDE:
            return kind
    return None


def word_of_signs(text: str) -> str:
    """Return the word for a message without any: an emoji is an okay, and nothing but a mention asks for help."""
    return "ok" if any(unicodedata.category(letter) == "So" for letter in text) else "help"


def wish(words: Sequence[str], commands: Collection[str]) -> Wish | None:
    """Return what a message without a command is meant for, None where nobody can tell."""
    said = [_plain(word) for word in words]
    if not said or not NEGATIONS.isdisjoint(said):
        return None
    if meant := _mistyped(said[0], commands):
        return Wish(meant, tuple(words[1:]))
    named = next((place for place, word in enumerate(said) if word in commands and word not in USUAL_WORDS), None)
    if named is not None:
        return Wish(said[named], _about(words[named + 1 :]))
    if "new" in commands and not RUN.isdisjoint(said):
        return Wish("new", _about([word for word, one in zip(words, said, strict=True) if one not in RUN]))
    if not LISTS.isdisjoint(said):
        return Wish("reports", _about(words), clear=True)
    return Wish("report", _about(words), clear=True) if not GET.isdisjoint(said) else None


def argument(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that a button can carry; none where they are too many to be meant for a command."""
    return tuple(words) if len(" ".join(words)) <= LONGEST_ARGUMENT else ()


def _mistyped(word: str, commands: Collection[str]) -> str | None:
    """Return the command that differs from a word by the fewest typing errors, one or two."""
    if len(word) < SHORTEST_MISTYPED or word in FILLERS | GET | LISTS | RUN:
        return None
    by_errors = sorted((errors, one) for one in commands if (errors := errors_between(word, one)) is not None)
    return by_errors[0][1] if by_errors else None


def _about(words: Sequence[str]) -> tuple[str, ...]:
    """Return what a sentence is about: its words without those that every such sentence has."""
    said = [_plain(word) for word in words]
    kept = []
    for place, one in enumerate(said):
        before, after = said[max(0, place - 1)], said[place + 1 :][:1]
        to_us = one == "us" and before in GET  # else it's a region
        may_i = one == "may" and after == ["i"]  # else it's a month
        if one not in FILLERS | GET | LISTS and not to_us and not may_i:
            kept.append(words[place])
    return tuple(kept)


def _plain(word: str) -> str:
    return word.casefold().replace("’", "'")
