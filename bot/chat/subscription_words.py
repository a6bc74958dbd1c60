"""What ``subscribe`` is about: words of reports, a region, a family, and whether a card will do. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.reports.report_search import REGION_WORDS
from bot.reports.search import asked_for, taken
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Sequence

CARD_ONLY: Final = frozenset({"card only", "cards only", "only card", "only cards", "card-only", "without files"})
EVERYTHING: Final = frozenset({"all", "any", "anything", "every", "everything"})
FAMILY_WORDS: Final = {
    "partner": Family.PARTNER,
    "organization": Family.ORGANIZATION,
    "organisation": Family.ORGANIZATION,
}
_BEFORE_REGION: Final = frozenset({"in", "of", "for", "the", "region"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a space is to be subscribed to."""

    words: str
    """Empty for all reports of the family and region."""
    family: str | None = None
    region: str | None = None
    card_only: bool = False
    on_behalf_of: str | None = None

    @property
    def compared(self) -> tuple[object, ...]:
        """Return what two subscriptions have in common that announce the same reports."""
        return asked_for(self.words.split()), self.family, self.region, self.on_behalf_of


def read(typed: Sequence[str], on_behalf_of: str = "") -> Wanted | None:
    """Return what was typed after the command; None where it names nothing."""
    words, card_only = _without_card_only(_without_us(list(typed)))
    named = [FAMILY_WORDS[word.casefold()] for word in words if word.casefold() in FAMILY_WORDS]
    family = named[0] if len(set(named)) == 1 else None
    if family is not None:
        words = [word for word in words if word.casefold() not in FAMILY_WORDS]
    region = None
    if family is None or FAMILIES[family].takes_region:
        words, region = _without_region(words)
    everything = family or region or on_behalf_of or not EVERYTHING.isdisjoint(map(str.casefold, words))
    naming = [word for word in words if asked_for([word]) and word.casefold() not in EVERYTHING]
    kept = taken(naming)
    if not kept and not everything:
        return None
    if region or on_behalf_of:  # only one family has these
        family = family or next(one for one in Family if FAMILIES[one].takes_region)
    return Wanted(" ".join(kept), family.value if family else None, region, card_only, on_behalf_of or None)


def with_words(wanted: Wanted, words: str) -> Wanted:
    """Return the same for other words."""
    return replace(wanted, words=words)


def to_json(wanted: Wanted) -> str:
    """Return it as the argument of a confirmation."""
    return json.dumps(asdict(wanted))


def from_json(text: str) -> Wanted:
    """Return what a confirmation is about."""
    return Wanted(**json.loads(text))


def _without_us(words: list[str]) -> list[str]:
    """Return the words without "us" at their start where it means those who ask: ``subscribe us to calling usage``."""
    is_pronoun = words[:1] in (["us"], ["Us"]) and [word.casefold() for word in words[1:2]] in ([], ["to"])
    return words[1:] if is_pronoun else words


def _without_card_only(words: list[str]) -> tuple[list[str], bool]:
    for size in (2, 1):
        for start in range(len(words) - size + 1):
            if " ".join(words[start : start + size]).casefold() in CARD_ONLY:
                rest = words[:start] + words[start + size :]
                return (rest[:-1] if rest[-1:] == ["with"] else rest), True
    return words, False


def _without_region(words: list[str]) -> tuple[list[str], str | None]:
    """Return the words without a region at their end or start, and the region."""
    for place in (len(words) - 1, 0):
        if words and words[place].casefold() in REGION_WORDS:
            before = place
            while before and words[before - 1].casefold() in _BEFORE_REGION:
                before -= 1
            return words[:before] + words[place + 1 :], REGION_WORDS[words[place].casefold()]
    return words, None
