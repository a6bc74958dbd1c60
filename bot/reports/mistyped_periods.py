"""Read a period with typing errors in its words: "last mnth", "Octobre 1-15". It is a guess. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.reports.periods import find_period
from bot.reports.search import errors_between

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bot.reports.periods import Period

WORDS: Final = re.findall(
    r"\S+",
    "last previous this current past today yesterday since until day days week weeks month months quarter quarters "
    "year years january february march april june july august september october november december",
)
"""The words of a period in which typing errors are forgiven."""


def guess_period(words: Sequence[str], today: date) -> tuple[Period | None, tuple[str, ...]]:
    """Return the period that the words may mean, and the words without it; None and all the words where there is none.

    For words in which no period was found as they are.
    """
    meant = {word: _corrected(word.casefold()) for word in words}
    written = {better: word for word, better in meant.items()}
    period, rest = find_period([meant[word] for word in words], today)
    if period is None:
        return None, tuple(words)
    return period, tuple(written.get(word, word) for word in rest)


def _corrected(word: str) -> str:
    """Return the word of a period that is nearest to this one, or this one where none is near."""
    near = [(errors, one) for one in WORDS if (errors := errors_between(word, one)) is not None]
    return min(near)[1] if near else word
