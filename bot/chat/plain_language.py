"""Read a message that begins with no command: politeness, a mistyped command, or a wish in a sentence. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.chat.parser import ANY_DAY, NEGATIONS
from bot.chat.parser import USUAL_WORDS as COMMANDS_AND_WORDS
from bot.chat.time_zones import zone_named
from bot.reports.periods import find_period
from bot.reports.recurrence_words import is_every, read_when
from bot.reports.search import FILLERS, errors_between

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

HELLO: Final = frozenset({"hi", "hello", "hey", "hiya", "howdy", "morning", "afternoon", "evening", "greetings"})
THANKS: Final = frozenset({"thanks", "thank", "thx", "ty", "cheers", "perfect", "great", "awesome", "nice", "cool"})
OKAY: Final = frozenset({"ok", "okay", "k", "fine", "sure", "yes", "yep", "no", "nope", "bye", "goodbye", "understood"})
_BESIDE: Final = frozenset(
    re.findall(
        r"\S+",
        "a again all bot day done everyone file for good got help is it job lot many much report reports so that the "
        "there this very well you your",
    )
)
"""Words that change nothing beside those."""

USUAL_WORDS: Final = COMMANDS_AND_WORDS | {"report", "reports"}
"""Commands that mean nothing by themselves in the midst of a sentence."""
SHORTEST_MISTYPED: Final = 4
"""Letters of a word that may be a mistyped command: of fewer, any word would be one."""
MEANS: Final = (
    dict.fromkeys(("run", "create", "generate", "make"), "new")
    | dict.fromkeys(("stop", "abort"), "cancel")
    | dict.fromkeys(("status", "progress"), "refresh")
    | dict.fromkeys(("remove", "erase"), "delete")
    | dict.fromkeys(("resend", "repeat"), "again")
    | dict.fromkeys(("rerun", "re-run"), "run")
)
"""Other words for commands."""
ENDED_BY: Final = dict.fromkeys(("schedule", "schedules"), "unschedule") | dict.fromkeys(
    ("subscription", "subscriptions"), "unsubscribe"
)
"""The commands that end what these words name."""
ENDING: Final = frozenset({"cancel", "delete", "end", "disable", "drop", "kill"})
AGAIN: Final = "again"
SAME: Final = frozenset({"same", "one", "but", "it", "rerun", "re-run"})
"""Words for the report that was spoken of."""
CHANGE: Final = "change"
CHANGING: Final = frozenset({CHANGE, "edit", "modify", "move", "update"})
GET: Final = frozenset(
    {"send", "get", "give", "show", "fetch", "find", "need", "want", "have", "see", "pull", "share", "bring", "post"}
    | {"download", "open", "report", "file"}
)
"""Words of a sentence that asks for a report that there is."""
ASKS_WHEN: Final = frozenset({"where", "when"})
"""First words of who waits for a report."""
LISTS: Final = frozenset({"reports", "list"})
TELLING: Final = frozenset({"tell", "notify", "alert", "ping", "inform", "know"})
ONCE: Final = frozenset({"when", "whenever", "once", "soon", "if"})
_BESIDE_TELLING: Final = TELLING | ONCE | {"as", "comes", "there", "they're", "are"}
READY: Final = frozenset({"ready", "done", "finished", "complete", "completed", "out"})
"""Words of who waits for a report; to lists they are what is looked for."""
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
    if said[0] == "who":
        return Wish("help", clear=True)  # it says who may, and who sees it
    return _guess(words, said, commands) or _clear_wish(words, said)


def _guess(words: Sequence[str], said: Sequence[str], commands: Collection[str]) -> Wish | None:
    """Return the command that is mistyped, or named in the midst of a sentence; a button asks whether it is meant."""
    if meant := _mistyped(said[0], commands):
        return Wish(meant, tuple(words[1:]))
    if said[0] in ASKS_WHEN and "pending" in commands:
        return Wish("pending")
    if found := _of_origin(words, said) or _of_announcement(words, said):
        return found
    place, word = _command_in(said, commands) or (-1, "")
    if word in {"", "new", "schedule"} and is_regular(words):
        return Wish("schedule", _with_times(words))
    if word in {"", "run"}:  # "run" itself is a usual word: it's "rerun"
        return _once_more(words, said, surely=bool(word))
    return Wish(word, _about((*words[:place], *words[place + 1 :]) if word == "new" else words[place + 1 :]))


def _of_announcement(words: Sequence[str], said: Sequence[str]) -> Wish | None:
    """Return the wish to be told when a report is ready; where none is named, it is that of the thread."""
    if TELLING.isdisjoint(said) or ONCE.isdisjoint(said):
        return None
    about = _about(words, _BESIDE_TELLING | READY)
    return Wish("subscribe" if about else "refresh", about)


def _once_more(words: Sequence[str], said: Sequence[str], *, surely: bool) -> Wish | None:
    """Return the wish for the same report, of other days: "same but for yesterday", "and the one from last week"."""
    about = _about(words, SAME)
    period, left = find_period(about, ANY_DAY)
    if not surely and (period is None or left or SAME.isdisjoint(said)):
        return None
    return Wish("run", about if left else (AGAIN, *about))


def _of_origin(words: Sequence[str], said: Sequence[str]) -> Wish | None:
    """Return the wish to end a schedule or subscription, or to change a schedule."""
    ends = [ENDED_BY[one] for one in said if one in ENDED_BY]
    others = [word for word, one in zip(words, said, strict=True) if one not in ENDED_BY]
    for place, word in enumerate(map(_plain, others)):
        about = others[:place] + others[place + 1 :]
        if ends and MEANS.get(word, word) in ENDING:
            return Wish(ends[0], _about(about))
        if "unschedule" in ends and word in CHANGING:
            return Wish("schedule", (CHANGE, *_with_times(about)))
    return None


def is_regular(words: Sequence[str]) -> bool:
    """Return True for words that say how often something is to run: "every Monday", but not "every report"."""
    return any(map(is_every, words)) and bool(read_when(words, zone_named)[0].rrule)


def _with_times(words: Sequence[str]) -> tuple[str, ...]:
    """Return what a sentence is about, and behind it the words that say when."""
    words = " ".join(words).split()
    left = read_when(words, zone_named)[1]
    times, rest = [], list(left)
    for word in words:
        if rest[:1] == [word]:
            del rest[0]
        else:
            times.append(word)
    beside = frozenset(one for one, meant in MEANS.items() if meant == "new") | {"remind", "schedule"}
    return (*_about(left, beside), *times)


def _clear_wish(words: Sequence[str], said: Sequence[str]) -> Wish | None:
    """Return what a sentence clearly asks for."""
    if {"what", "do", "you"} <= set(said):
        return Wish("help", clear=True)
    if not GET.isdisjoint(said) or not LISTS.isdisjoint(said):
        if LISTS.isdisjoint(said):
            return Wish("report", _about(words, READY), clear=True)
        return Wish("reports", _about(words), clear=True)
    return None


def _command_in(said: Sequence[str], commands: Collection[str]) -> tuple[int, str] | None:
    """Return the first command of a sentence, or what another word for one means, with its place."""
    for place, word in enumerate(said):
        if word in commands and word not in USUAL_WORDS:
            return place, word
        if MEANS.get(word) in commands:
            return place, MEANS[word]
        if word == "new" and word in commands and said[:place][-1:] == ["a"]:
            return place, word
    return None


def argument(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that a button can carry; none where they are too many to be meant for a command."""
    return tuple(words) if len(" ".join(words)) <= LONGEST_ARGUMENT else ()


def _mistyped(word: str, commands: Collection[str]) -> str | None:
    """Return the command that differs from a word by the fewest typing errors, one or two."""
    if len(word) < SHORTEST_MISTYPED or word in FILLERS | GET | LISTS | ASKS_WHEN or word in MEANS:
        return None
    by_errors = sorted((errors, one) for one in commands if (errors := errors_between(word, one)) is not None)
    return by_errors[0][1] if by_errors else None


def _about(words: Sequence[str], beside: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return what a sentence is about: its words without those that every such sentence has.

    ``beside``: further words that such a sentence has.
    """
    said = [_plain(word) for word in words]
    kept = []
    for place, one in enumerate(said):
        before, after = said[max(0, place - 1)], said[place + 1 :][:1]
        to_us = one == "us" and before in GET | TELLING | {"let", "remind"}  # else it's a region
        may_i = one == "may" and after == ["i"]  # else it's a month
        if one not in FILLERS | GET | LISTS | beside | {"new", "waiting"} and not to_us and not may_i:
            kept.append(words[place])
    return tuple(kept)


def _plain(word: str) -> str:
    return word.casefold().replace("’", "'")
