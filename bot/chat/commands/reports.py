"""``reports``: the reports that can be asked for, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.commands.refresh import refresh
from bot.chat.registry import registry
from bot.messages.report_list import reports_card, reports_text
from bot.messages.request_card import FAMILIES
from bot.outbox import Text
from bot.reports.report_messages import Draft
from bot.webex.catalog import ASK_THE_OTHER, NEEDS
from bot.webex.report import looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation, Permission
    from bot.errors import WebexError
    from bot.webex.report import Family

LONGEST_PAGE = 4
"""Digits of a page's number."""
PAGE = 10
"""Reports on one card: well under the size that Webex takes, and still readable on a phone."""


@registry.command("reports", usage="reports", summary="Show the reports that I can fetch, newest first.")
def reports(invocation: Invocation) -> None:
    """Show a page of what the asker's families list, or the report whose ID is given."""
    services = invocation.services
    if any(map(looks_like_report_id, invocation.rest)):
        refresh(invocation)
        return
    allowed = invocation.authorize()
    page = _page(invocation.rest)
    with invocation.report_call():
        found, refused = services.catalog.everything(allowed.families)
    start = (page - 1) * PAGE
    shown = found[start : start + PAGE]
    note = _note(len(found), start, len(shown))
    if refused:
        note += " " + " ".join(_not_shown(family, error) for family, error in refused.items())
    note = f"{note} {allowed.others}".rstrip()

    def make(_: Permission) -> Draft:
        now = services.now()
        card = reports_card(shown, now, total=len(found) - start, page=page, note=note)
        return Draft(f"{invocation.event_key}:reports", Text(reports_text(shown, now, note=note), card))

    invocation.show(make)


def _page(words: Sequence[str]) -> int:
    """Return the page that ``reports 2`` and ``reports page 2`` ask for, else 1."""
    number = words[-1] if len(words) == 1 or [word.lower() for word in words[:-1]] == ["page"] else ""
    return max(1, int(number)) if number.isdecimal() and len(number) <= LONGEST_PAGE else 1


def _not_shown(family: Family, error: WebexError) -> str:
    if error.status in ASK_THE_OTHER:
        return f"Not shown: {NEEDS[family]}."
    return f"{FAMILIES[family]}s are not shown. {error.sentence}"


def _note(total: int, start: int, shown: int) -> str:
    if not total:
        return "Webex lists no reports. Those made in Control Hub or Partner Hub cannot be listed or fetched by a bot."
    if not shown:
        return f"There are only {total} reports. Write `reports` for the newest."
    return f"{start + 1} to {start + shown} of {total}, newest first."
