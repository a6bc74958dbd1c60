"""Find reports and templates by words of their titles, without guessing wrong. Pure.

An exact title wins. Else everything fits that has all the words; and only when nothing does, small typing errors are
forgiven, which is a guess and is called one. Texts come from Webex and may hold anything, so both sides are compared
as plain words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from rapidfuzz.distance import OSA

from bot.text import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

LONGEST_TEXT: Final = 500
"""Letters of a text that are compared."""
MOST_WORDS: Final = 20
"""Words of a search that are looked for."""
LONGEST_SEARCH: Final = 200
"""Letters of a search."""
SHORTEST_START: Final = 3
"""Letters of a word that may be the start of a longer one: "call" finds "Calling", "us" does not find "Usage"."""
LEAST_ALIKE: Final = 0.6
"""How alike two words are (0 to 1) of which one may be meant for the other."""
ONE_ERROR, TWO_ERRORS = 4, 8
"""Letters from which one and two typing errors are forgiven."""
FILLERS: Final = frozenset(
    re.findall(
        r"\S+",
        "a about again all an and any are asap available can could do else every everything fetch file files "
        "find for from get give have hello hey hi how i i'd i'm is it it's just kindly latest let like look me my "
        "need newest now of on our please pls plz post quick quickly r recent report reports send show some still "
        "thanks that the their there these this those thx to too u ur urgent urgently want we what which with would "
        "yet you your",
    )
)
"""Words that may stand in a search without being in the title."""
_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
_ACCENT: Final = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class Searchable:
    """The texts by which one thing is found."""

    title: str
    also: tuple[str, ...] = ()
    """Names in which typing errors are forgiven as in the title: service, template, family."""
    exactly: tuple[str, ...] = ()
    """Texts of which words are found only as they are: region, period, status."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a search found."""

    items: tuple[T, ...] = ()
    """What fits: best first, and among equals in the order in which it was given."""
    exact: bool = False
    """The words name the items as they are; False where typing errors were forgiven."""
    nearest: tuple[T, ...] = ()
    """When nothing fits: what has some of the words, or words like them, best first."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """The words of one thing's texts."""

    title: tuple[str, ...]
    names: frozenset[str]
    """Words of title and names."""
    stems: frozenset[str]
    """Of all words."""
    spaced: str
    """All words, a blank before each."""


def search(words: Sequence[str], items: Sequence[T], texts: Callable[[T], Searchable]) -> Found[T]:
    """Return what the words name; give the items newest first.

    No item fits where the words say nothing but "the report, please".
    """
    asked, whole = asked_for(words), "".join(_words_of(" ".join(words)))
    known = [(item, _read(texts(item))) for item in items]
    titled = [item for item, about in known if whole and "".join(about.title) == whole]
    titled = titled or [item for item, about in known if asked and _without_fillers(about.title) == asked]
    if titled or not asked:
        return Found(tuple(titled), exact=True)
    for exact, one_fits in ((True, _is_found), (False, _is_almost_found)):
        fitting = [(item, about) for item, about in known if all(one_fits(word, about) for word in asked)]
        if fitting:
            return Found(_best_first(fitting, lambda about: _in_title(asked, about)), exact=exact)
        if exact and (several := _titles_in(asked, known)):
            return Found(_nearest_first(several, lambda _: 0.0), exact=True)
    near = [(item, about) for item, about in known if _likeness(asked, about) > 0]
    return Found(nearest=_nearest_first(near, lambda about: _likeness(asked, about)))


def _titles_in(asked: Sequence[str], known: Sequence[tuple[T, _Texts]]) -> list[tuple[T, _Texts]]:
    """Return what has a whole title among the words, where such titles are all that they say: "usage, quality"."""
    titles = [(one, set(_without_fillers(one[1].title))) for one in known]
    there = [(one, title) for one, title in titles if title and title <= set(asked)]
    return [one for one, _ in there] if set(asked) == set().union(*(title for _, title in there)) else []


def matching(words: Sequence[str], items: Sequence[T], texts: Callable[[T], Searchable]) -> Found[T]:
    """Return everything that has all the words, in the order given: as a search, but no title hides another one."""
    asked = asked_for(words)
    known = [(item, _read(texts(item))) for item in items]
    for exact, one_fits in ((True, _is_found), (False, _is_almost_found)):
        fitting = [item for item, about in known if all(one_fits(word, about) for word in asked)]
        if fitting:
            return Found(tuple(fitting), exact=exact)
    return search(words, items, texts)


class ExactSearch(Generic[T]):
    """Items whose texts are read once, to be searched for many words as they are."""

    def __init__(self, items: Iterable[T], texts: Callable[[T], Searchable]) -> None:
        self._known = [(item, _read(texts(item))) for item in items]

    def find(self, words: Sequence[str]) -> list[T]:
        """Return the items that have all the words, in the order given; all items for no words."""
        asked = asked_for(words)
        return [item for item, about in self._known if all(_is_found(word, about) for word in asked)]


def taken(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that a search is made with, as many as a button can carry; none where they ask for nothing."""
    kept: list[str] = []
    for word in words[:MOST_WORDS]:
        if len(" ".join([*kept, word])) > LONGEST_SEARCH:
            break
        kept.append(word)
    return tuple(kept) if asked_for(kept) else ()


def asked_for(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that a search is about, as they are compared."""
    said = " ".join(word for word in words if word.casefold().replace("’", "'") not in FILLERS)
    return _without_fillers(_words_of(said))


def _without_fillers(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word not in FILLERS))[:MOST_WORDS]


def is_same_title(one: str, other: str) -> bool:
    """Return True for titles that a search takes for the same."""
    return _words_of(one) == _words_of(other)


def _best_first(fitting: Iterable[tuple[T, _Texts]], score: Callable[[_Texts], float]) -> tuple[T, ...]:
    ranked = sorted(fitting, key=lambda one: -score(one[1]))  # equals keep their order
    return tuple(item for item, _ in ranked)


def _nearest_first(near: Iterable[tuple[T, _Texts]], score: Callable[[_Texts], float]) -> tuple[T, ...]:
    """Return the best first; among equals the titles take turns, so that many of one hide no other."""
    seen: Counter[tuple[str, ...]] = Counter()
    ranked = []
    for item, about in near:
        ranked.append((-score(about), seen[about.title], item))
        seen[about.title] += 1
    return tuple(item for *_, item in sorted(ranked, key=lambda one: one[:2]))


def _read(texts: Searchable) -> _Texts:
    title = _words_of(texts.title)
    names = frozenset((*title, *(word for name in texts.also for word in _words_of(name))))
    words = names.union(*map(_words_of, texts.exactly))
    return _Texts(title, names, frozenset(map(_stem, words)), "".join(f" {word}" for word in words))


@lru_cache(maxsize=4096)
def _words_of(text: str) -> tuple[str, ...]:
    """Return a text's words without case, accents, punctuation, and characters that nobody sees."""
    plain = folded(text[:LONGEST_TEXT]).casefold()
    if plain.isascii():
        return tuple(_ASCII_WORD.findall(plain))
    decomposed = unicodedata.normalize("NFKD", plain).casefold()
    return tuple("".join(map(_letter, _ACCENT.sub("", decomposed))).split())


def _letter(letter: str) -> str:
    """Return a letter or digit as it is, nothing for what is invisible, and a blank for the rest."""
    category = unicodedata.category(letter)
    if category in {"Cf", "Me"}:
        return ""
    return letter if category[0] in "LMN" else " "


def _stem(word: str) -> str:
    """Return a word without the "s" of its plural."""
    return word[:-1] if len(word) > SHORTEST_START and word.endswith("s") else word


def _fits(word: str, other: str) -> bool:
    """Return True for the same word, one of them in the plural, or the start of the other."""
    return _stem(word) == _stem(other) or (_may_start_another(word) and other.startswith(word))


def _may_start_another(word: str) -> bool:
    return len(word) >= SHORTEST_START and not word.isdecimal()


def _is_found(word: str, about: _Texts) -> bool:
    """Return True when the word fits one of a thing's. Quick: each subscription asks it of each new report."""
    return _stem(word) in about.stems or (_may_start_another(word) and f" {word}" in about.spaced)


def _is_almost_found(word: str, about: _Texts) -> bool:
    return _is_found(word, about) or any(errors_between(word, other) is not None for other in about.names)


def errors_between(word: str, other: str) -> int | None:
    """Return how many letters are wrong, missing, too many or swapped with their neighbor; None for more than a few.

    No digit is ever taken for another.
    """
    if any(map(str.isdecimal, word + other)):
        return 0 if word == other else None
    forgiven = 2 if len(word) >= TWO_ERRORS else 1 if len(word) >= ONE_ERROR else 0
    errors: int = OSA.distance(word, other, score_cutoff=forgiven)
    return errors if errors <= forgiven else None


def _in_title(asked: Sequence[str], about: _Texts) -> float:
    """Return how much of the search and of the title is the other's, for the order of what fits."""
    if not about.title:
        return 0.0
    hits = [max(_alike(word, other) for other in about.title) for word in asked]
    return sum(hits) + 1 / (1 + len(about.title))


def _likeness(asked: Sequence[str], about: _Texts) -> float:
    """Return how many of the words are there, or words like them."""
    return sum(
        1.0 if _is_found(word, about) else max((_alike(word, one) for one in about.names), default=0.0)
        for word in asked
    )


def _alike(word: str, other: str) -> float:
    if _fits(word, other):
        return 1.0 if word == other else 0.9
    alike: float = OSA.normalized_similarity(word, other, score_cutoff=LEAST_ALIKE)
    return alike * 0.8
