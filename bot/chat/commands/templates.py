"""``templates``: what can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.commands.reports import LONGEST_PAGE
from bot.chat.new_report_words import searchable
from bot.chat.registry import registry
from bot.errors import Refused
from bot.messages.help import Group
from bot.messages.report_list import not_shown
from bot.messages.request_card import for_organization
from bot.messages.template_list import note_of, templates_card
from bot.reports.search import matching

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation

PAGE = 10
"""Templates on one card: well under the size that Webex takes, and still readable on a phone."""


@registry.command(
    "templates",
    usage="templates [words]",
    summary="List the reports that can be run.",
    group=Group.RUN,
    examples=("templates", "templates calling"),
)
def templates(invocation: Invocation) -> None:
    """Show a page of the templates that fit the words, each with what it takes."""
    permission = invocation.authorize(Action.LIST)
    words, page = _paged(invocation.rest)
    with invocation.report_call():
        found, refused = invocation.services.catalog.templates(permission.families, invocation.on_behalf_of)
    listed = sorted(found, key=lambda one: (one.title.casefold(), one.family))
    if words:
        result = matching(words, listed, searchable)
        listed = list(result.items or result.nearest)
    page = min(page, max(1, -(-len(listed) // PAGE)))
    start = (page - 1) * PAGE
    shown = listed[start : start + PAGE]
    note = note_of(len(listed), start, len(shown), " ".join(words))
    if invocation.on_behalf_of:
        note = f"{note.removesuffix('.')} {for_organization(invocation.on_behalf_of)}."
    if refused:
        note += " " + " ".join(not_shown(family, error) for family, error in refused.items())
    more = invocation.argument([*words, str(page + 1)]) if len(listed) > start + PAGE else ""
    said, card = templates_card(
        shown,
        note=f"{note} {permission.others}".rstrip(),
        more=more,
        buttons=_may_write(invocation),
        on_behalf_of=invocation.on_behalf_of,
    )
    invocation.say("templates", said, card)


def _may_write(invocation: Invocation) -> bool:
    outcome = invocation.trail.outcome
    try:
        invocation.check_person(Action.CHANGE)
    except Refused:
        return False
    finally:
        invocation.trail.outcome = outcome
    return True


def _paged(words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Return the words without the page's number at their end, and the number."""
    if words and words[-1].isdecimal() and len(words[-1]) <= LONGEST_PAGE:
        rest = words[:-1]
        return (rest[:-1] if rest and rest[-1].casefold() == "page" else rest), max(1, int(words[-1]))
    return words, 1
