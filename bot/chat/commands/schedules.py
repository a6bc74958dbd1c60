"""``schedules``: the schedules of this space, in a 1:1 space the person's own, or all; or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.named_origin import (
    all_here,
    named_origins,
    of_families,
    offer_origins,
    overseen,
    refuse_hidden,
)
from bot.chat.registry import registry
from bot.chat.shown_schedule import show_list, show_schedule
from bot.db import origins
from bot.db.origin import Kind
from bot.db.schedules import Schedule
from bot.messages.help import Group
from bot.messages.schedules import FULL_ONLY, NEUTRAL, no_schedules, title_of

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation

ALL: Final = "all"
LONGEST_PAGE: Final = 3
"""Digits of a page's number."""


@registry.command(
    "schedules",
    usage="schedules [all]",
    summary="See what runs regularly, and change it.",
    group=Group.FOLLOW,
    examples=("schedules", "schedules weekly usage", "schedules all"),
)
def schedules(invocation: Invocation) -> None:
    """Show the list, or the schedule that is named; those of other spaces only to full administrators."""
    words, page = _read(invocation.rest)
    everyone = [word.casefold() for word in words] == [ALL]
    if words and not everyone:
        found = named_origins(invocation, words, Kind.SCHEDULE)
        if len(found) == 1 and isinstance(found[0], Schedule):
            invocation.trail.reference = found[0].reference
            show_schedule(invocation, found[0])
        else:
            offer_origins(invocation, found, "Show")
        return
    if everyone:
        families = overseen(invocation, NEUTRAL, FULL_ONLY)
        with invocation.services.database.read() as tx:
            found = origins.going(tx, Kind.SCHEDULE)
    else:
        families = invocation.authorize(Action.LIST).families
        found = all_here(invocation, Kind.SCHEDULE)
    listed = [one for one in of_families(found, families) if isinstance(one, Schedule)]
    direct, elsewhere = invocation.direct, invocation.trail.direct_only
    if listed:
        hidden = len(listed) < len(found)
        title = title_of(direct=direct, everyone=everyone, elsewhere=elsewhere, hidden=hidden)
        show_list(invocation, listed, title, page, ALL if everyone else "")
    else:
        none = no_schedules(direct=direct, everyone=everyone, elsewhere=elsewhere, hidden=True)
        refuse_hidden(invocation, found, none)
        may_make = not invocation.trail.reads_only and (everyone or not elsewhere)
        said = no_schedules(direct=direct, everyone=everyone, elsewhere=elsewhere, may_make=may_make)
        invocation.say("schedules", said)


def _read(words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Return what names one, and the page."""
    number = words[-1] if words else ""
    if number.isdecimal() and len(number) <= LONGEST_PAGE:
        return words[:-1], max(1, int(number))
    return words, 1
