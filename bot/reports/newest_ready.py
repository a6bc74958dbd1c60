"""Find the report that other systems mean by words of a title: the newest that is ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.reports.report_search import find_named, region_in
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bot.webex.catalog import Catalog
    from bot.webex.report import Report


@dataclass(frozen=True, slots=True)
class NewestReady:
    """What words mean."""

    report: Report | None = None
    choices: tuple[Report, ...] = ()
    """Reports of several titles with these words, where they name none for sure."""


def newest_ready(catalog: Catalog, words: Sequence[str], families: Sequence[str], today: date) -> NewestReady:
    """Return the newest report that is ready and has these words in its title; a guess is none.

    Raises ``WebexError``.
    """
    listed, _ = catalog.everything(families, region_in(words), shared=True)
    named = find_named(words, [one for one in listed if one.phase is Phase.READY], today)
    if not named.found.exact:
        return NewestReady()
    return NewestReady(named.one) if named.one is not None else NewestReady(choices=tuple(named.found.items))
