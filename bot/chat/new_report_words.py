"""Read which report is to be created: from typed words, from a button's argument, and from a form. Pure.

All three become the same :class:`Wanted`, so that a form keeps what was typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bot.messages.report_form import ANYWAY, END, HOME, REGION, SITES, START, TEMPLATE
from bot.reports.mistyped_periods import guess_period
from bot.reports.periods import find_period, find_reversed
from bot.reports.report_search import REGION_WORDS
from bot.reports.search import Searchable, search
from bot.webex.report_families import FAMILIES, Family
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from bot.reports.periods import Period
    from bot.webex.report_templates import Template

_KEY: Final = re.compile(rf"({'|'.join(Family)}):(\S{{1,64}})")
_NUMBER: Final = re.compile(r"\d{1,9}")
_REGION: Final = re.compile(r"[A-Z]{2,3}")
_SITE: Final = re.compile(r"(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,10})/?", re.IGNORECASE)
_FUTURE: Final = re.compile(r"tomorrow|next (?:\d{1,4} )?(?:day|week|weekend|month|quarter|year)s?", re.IGNORECASE)
_REGION_CHOSEN: Final = re.compile(r"[\w-]{1,16}")
_BETWEEN_SITES: Final = re.compile(r"[\s,;]+")
NOT_A_REGION: Final = frozenset({"CSV", "ZIP", "PDF", "ID", "ALL"})
NO_TITLE: Final = frozenset(
    {"for", "in", "on", "of", "the", "a", "an", "please", "region", "site", "sites", "template"}
)
"""Words beside a template's ID that mean nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the report that somebody wants."""

    template: Template | None = None
    choices: tuple[Template, ...] = ()
    """Templates that fit the words equally well, when there are several."""
    nearest: tuple[Template, ...] = ()
    """Templates that are like the words, when none fits."""
    guessed: bool = False
    """The words do not name the template exactly."""
    start: date | None = None
    end: date | None = None
    region: str = ""
    sites: tuple[str, ...] = ()
    on_behalf_of: str = ""
    """The sub-partner organization that it is for."""
    anyway: bool = False
    """Although it was run a moment ago."""
    future: tuple[str, ...] = ()
    """Words for days to come, such as "next month"."""
    unread: tuple[str, ...] = ()
    """Words that name a template which there is not, or that nothing was made of."""

    def of(self, template: Template) -> NewReport:
        """Return the report that this asks for, of a template."""
        return NewReport(
            family=template.family,
            template_id=template.id,
            start=self.start if template.takes_dates else None,
            end=self.end if template.takes_dates else None,
            region=self.region,
            sites=self.sites,
            on_behalf_of=self.on_behalf_of,
        )


def read_words(words: Sequence[str], templates: Sequence[Template], today: date, on_behalf_of: str = "") -> Wanted:
    """Read what was typed, or a button's argument, which is such words too.

    ``on_behalf_of``: the organization that was named besides, whose templates these are.
    """
    anyway = ANYWAY in words
    template, said = _named(tuple(word for word in words if word != ANYWAY), templates)
    future, said = _take_future(said)
    wanted = Wanted(template, anyway=anyway, on_behalf_of=on_behalf_of, future=future)
    period, left = find_period(said, today)
    if period is None:
        period, left = find_reversed(said, today)  # which is said of it, or it would be replaced by other days
    read = _read(wanted, period, left, templates)
    if period is None and read.unread:
        period, left = guess_period(said, today)
        if period is not None:
            return _read(replace(wanted, guessed=True), period, left, templates)
    return read


def _read(wanted: Wanted, period: Period | None, left: Sequence[str], templates: Sequence[Template]) -> Wanted:
    """Read the words besides the period; ``wanted`` has the template where it is known."""
    if period is not None:
        wanted = replace(wanted, start=period.start, end=period.end)
    wanted, left = _places(wanted, left, {word for one in templates for word in one.title.split()})
    left = tuple(one for one in left if one.casefold() not in NO_TITLE)
    if wanted.template is not None or not left or _KEY.fullmatch(left[0]):
        return replace(wanted, unread=left)
    return _searched(wanted, left, templates)


def read_form(inputs: Mapping[str, str], argument: Wanted, templates: Sequence[Template]) -> Wanted:
    """Return what a form says: its fields, over what its button's argument says; but a button may have its period."""
    wanted = argument
    if wanted.template is None and (chosen := inputs.get(TEMPLATE)):
        wanted = replace(wanted, template=next((one for one in templates if one.key == chosen), None))
    if (argument.start is None or argument.end is None) and (START in inputs or END in inputs):
        wanted = replace(wanted, start=_day(inputs.get(START, "")), end=_day(inputs.get(END, "")))
    region = inputs.get(REGION, "")
    if region == HOME:
        wanted = replace(wanted, region="")
    elif _REGION_CHOSEN.fullmatch(region):
        wanted = replace(wanted, region=region)
    if SITES in inputs:
        entered = dict.fromkeys(filter(None, _BETWEEN_SITES.split(inputs[SITES])))
        odd = tuple(one for one in entered if not _SITE.fullmatch(one))
        wanted = replace(wanted, sites=tuple(map(_site, entered)), unread=(*wanted.unread, *odd))
    return wanted


def _named(words: tuple[str, ...], templates: Sequence[Template]) -> tuple[Template | None, tuple[str, ...]]:
    """Return the template whose ID or whole title the words begin with, and the other words."""
    if not words:
        return None, words
    if found := _KEY.fullmatch(words[0]):
        same = [one for one in templates if one.key == f"{found[1]}:{found[2]}"]
        return (same[0], words[1:]) if same else (None, words)
    if _NUMBER.fullmatch(words[0]):
        same = [one for one in templates if one.id == words[0]]
        return (same[0], words[1:]) if len(same) == 1 else (None, words)
    said = tuple(word.casefold() for word in words)
    titled = sorted(templates, key=lambda one: -len(one.title.split()))
    for one in titled:
        title = tuple(one.title.casefold().split())
        if said[: len(title)] == title and sum(other.title.casefold() == one.title.casefold() for other in titled) == 1:
            return one, words[len(title) :]
    return None, words


def _take_future(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words for days to come, and the other words."""
    for start in range(len(words)):
        for end in (start + 3, start + 2, start + 1):
            if end <= len(words) and _FUTURE.fullmatch(" ".join(words[start:end])):
                return words[start:end], (*words[:start], *words[end:])
    return (), words


def _places(wanted: Wanted, words: Sequence[str], of_titles: Container[str]) -> tuple[Wanted, tuple[str, ...]]:
    """Take region and sites out of the words; ``of_titles``: words of titles, whose capitals are no region."""
    left: list[str] = []
    for before, word in pairwise(("", *words)):
        region = REGION_WORDS.get(word.casefold()) or (
            word if _REGION.fullmatch(word) and word not in NOT_A_REGION and word not in of_titles else ""
        )
        if region and not wanted.region:
            perhaps_people = word == "us" and before.casefold() == "for"
            wanted = replace(wanted, region=region, guessed=wanted.guessed or perhaps_people)
        elif found := _SITE.fullmatch(word):
            wanted = replace(wanted, sites=(*wanted.sites, found[1].lower()))
        else:
            left.append(word)
    return wanted, tuple(left)


def _searched(wanted: Wanted, words: tuple[str, ...], templates: Sequence[Template]) -> Wanted:
    fitting = [one for one in templates if FAMILIES[one.family].takes_region or not wanted.region]
    fitting = [one for one in fitting if not FAMILIES[one.family].takes_region or not wanted.sites] or list(templates)
    found = search(words, fitting, searchable)
    if len(found.items) == 1:
        return replace(wanted, template=found.items[0], guessed=wanted.guessed or not found.exact)
    return replace(wanted, choices=found.items, nearest=found.nearest, unread=() if found.items else words)


def nearest_to(title: str, wanted: Wanted, templates: Sequence[Template]) -> Wanted:
    """Return what is wanted with the templates that may be meant by a report's title, which none of them has."""
    found = _searched(wanted, tuple(title.split()), templates)
    near = (found.template,) if found.template else found.choices or found.nearest
    return replace(wanted, nearest=near, unread=(title,))


def searchable(template: Template) -> Searchable:
    """Return the texts by which a template is found."""
    names = (template.service, template.category, FAMILIES[template.family].name)
    return Searchable(template.title, also=tuple(filter(None, names)))


def _site(entered: str) -> str:
    """Return the name of a site; what is none stays as it was entered, for the form."""
    found = _SITE.fullmatch(entered)
    return found[1].lower() if found else entered


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
