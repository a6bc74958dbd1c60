"""``reports``: the reports that can be asked for, newest first, all of them or those that fit some words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.commands.refresh import refresh
from bot.chat.named_report import listed_reports, offer, search_regions, today_of
from bot.chat.registry import registry
from bot.db import downloads
from bot.messages.deletion import clean_up, in_use
from bot.messages.elements import button
from bot.messages.help import Group
from bot.messages.report_list import asked_words, downloaded, not_shown, note_of, reports_card, reports_text
from bot.messages.request_card import for_organization
from bot.outbox import Text
from bot.reports import quota
from bot.reports.periods import find_period
from bot.reports.report_search import filter_reports, region_in
from bot.reports.search import taken
from bot.webex.report import looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Any

    from bot.chat.invocation import Invocation
    from bot.webex.report import Report

LONGEST_PAGE = 3
"""Digits of a page's number; a year has four."""
PAGE = 10
"""Reports on one card: well under the size that Webex takes, and still readable on a phone."""


@registry.command(
    "reports",
    usage="reports [words] [page]",
    summary="List the available reports, newest first.",
    group=Group.GET,
    examples=("reports", "reports failed", "reports partner last week"),
)
def reports(invocation: Invocation) -> None:
    """Show a page of what the person's families list and what fits the words, or the report whose ID is given."""
    if any(map(looks_like_report_id, invocation.rest)):
        refresh(invocation)
    else:
        words, page = _paged(invocation.rest, today_of(invocation))
        show_page(invocation, taken(words), page)


def show_page(
    invocation: Invocation, words: Sequence[str] = (), page: int = 1, *, question: str = "", most: int = PAGE
) -> None:
    """Answer with a page of the list; ``question`` is what it answers."""
    allowed = invocation.authorize(Action.LIST)
    region = region_in(words)
    found, refused = listed_reports(invocation, allowed.families, region)
    in_use, actions = _in_use(invocation, found)
    asked = ""
    of = for_organization(invocation.on_behalf_of)
    find = partial(filter_reports, words, today=today_of(invocation))
    if words:
        named = find(found) if region else search_regions(invocation, allowed.families, found, find)
        if (found or named.found.items) and (named.regions or not named.found.exact or not named.found.items):
            offer(invocation, words, replace(named, refused=refused))
            return
        asked = asked_words(words, named.days) if found else ""
        found = list(named.found.items)
    start = (page - 1) * most
    shown = found[start : start + most]
    asked = " ".join(filter(None, (asked, of if asked else of.removeprefix("for "))))
    note = f"{question} {note_of(len(found), start, len(shown), asked)}".lstrip()
    if refused:
        note += " " + " ".join(not_shown(family, error) for family, error in refused.items())
    note = " ".join(filter(None, (note, in_use, allowed.others)))
    more = []
    if start and not shown:
        more = [button("Show reports", "reports", invocation.argument(words))]
    elif len(found) > start + most:
        whole = most < PAGE  # the list begins with those that are shown
        title, next_page = ("Show all", "") if whole else ("More", f"page {page + 1}")
        more = [button(title, "reports", invocation.argument([*words, *next_page.split()]))]

    with invocation.services.database.read() as tx:
        scarce = downloads.nearly_used_up(tx, [one.id for one in shown])
    remarks = {report_id: downloaded(number, downloads.MOST) for report_id, number in scarce.items()}

    card = reports_card(shown, note=note, remarks=remarks, buttons=[*more, *actions])
    invocation.show("reports", Text(reports_text(shown, note=note), card), Action.LIST)


def _in_use(invocation: Invocation, listed: Sequence[Report]) -> tuple[str, list[dict[str, Any]]]:
    """Return what is said when Webex has little room for more reports, and a button for who may delete some."""
    scarce = quota.scarce(listed)
    if not scarce:
        return "", []
    said = " ".join(in_use(family, number, quota.MOST_REPORTS) for family, number in scarce.items())
    return said, [clean_up(invocation.argument(["old"]))] if invocation.may(Action.CHANGE) else []


def _paged(words: tuple[str, ...], today: date) -> tuple[tuple[str, ...], int]:
    """Return the words without the page's number at their end, ``2`` or ``page 2``, and the number."""
    number = words[-1] if words and words[-1].isdecimal() and len(words[-1]) <= LONGEST_PAGE else ""
    rest = words[:-1] if number else words
    if rest and rest[-1].casefold() == "page":
        rest = rest[:-1]
    elif number and find_period(words, today)[0] != find_period(rest, today)[0]:
        return words, 1  # the number of a week or a day
    return rest, max(1, int(number or 1))
