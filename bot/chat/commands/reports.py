"""``reports``: the reports that can be asked for, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.commands.refresh import refresh
from bot.chat.registry import registry
from bot.messages.help import Group
from bot.messages.report_list import not_shown, note_of, reports_card, reports_text
from bot.outbox import Text
from bot.reports.report_messages import Draft
from bot.webex.report import looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation, Permission

LONGEST_PAGE = 4
"""Digits of a page's number."""
PAGE = 10
"""Reports on one card: well under the size that Webex takes, and still readable on a phone."""


@registry.command("reports", usage="reports", summary="List the available reports, newest first.", group=Group.GET)
def reports(invocation: Invocation) -> None:
    """Show a page of what the person's families list, or the report whose ID is given."""
    if any(map(looks_like_report_id, invocation.rest)):
        refresh(invocation)
    else:
        show_page(invocation, _page(invocation.rest))


def show_page(invocation: Invocation, page: int, question: str = "") -> None:
    """Answer with a page of the list; ``question`` is what it answers."""
    allowed = invocation.authorize()
    with invocation.report_call():
        found, refused = invocation.services.catalog.everything(allowed.families)
    start = (page - 1) * PAGE
    shown = found[start : start + PAGE]
    note = f"{question} {note_of(len(found), start, len(shown))}".lstrip()
    if refused:
        note += " " + " ".join(not_shown(family, error) for family, error in refused.items())
    note = f"{note} {allowed.others}".rstrip()

    def make(_: Permission) -> Draft:
        card = reports_card(shown, total=len(found) - start, page=page, note=note)
        return Draft(f"{invocation.event_key}:reports", Text(reports_text(shown, note=note), card))

    invocation.show(make)


def _page(words: Sequence[str]) -> int:
    """Return the page that ``reports 2`` and ``reports page 2`` ask for, else 1."""
    number = words[-1] if len(words) == 1 or [word.lower() for word in words[:-1]] == ["page"] else ""
    return max(1, int(number)) if number.isdecimal() and len(number) <= LONGEST_PAGE else 1
