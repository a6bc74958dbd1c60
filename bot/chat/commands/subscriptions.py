"""``subscriptions``: what is announced here, in a 1:1 space what the person has subscribed to; or all there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.named_origin import all_here, of_families, overseen, refuse_hidden
from bot.chat.names import look_up
from bot.chat.registry import registry
from bot.db import origins
from bot.db.origin import Kind
from bot.db.subscriptions import Subscription
from bot.messages.help import Group
from bot.messages.subscriptions import FULL_ONLY, MOST_SHOWN, NEUTRAL, head_of, no_subscriptions, subscription_list
from bot.outbox import Text

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation
    from bot.webex.types import Card

ALL: Final = "all"
LONGEST_PAGE: Final = 3
"""Digits of a page's number."""


@registry.command(
    "subscriptions",
    usage="subscriptions [all]",
    summary="See what comes by subscription here.",
    group=Group.FOLLOW,
    examples=("subscriptions", "subscriptions all"),
)
def subscriptions(invocation: Invocation) -> None:
    """Show a page of the list; what there is in all spaces only to full administrators, and only directly."""
    everyone = [word.casefold() for word in invocation.rest[:1]] == [ALL]
    number = invocation.rest[-1] if invocation.rest else ""
    page = max(1, int(number)) if number.isdecimal() and len(number) <= LONGEST_PAGE else 1
    if everyone:
        families = overseen(invocation, NEUTRAL, FULL_ONLY)
        with invocation.services.database.read() as tx:
            found = origins.going(tx, Kind.SUBSCRIPTION)
    else:
        families = invocation.authorize(Action.LIST).families
        found = all_here(invocation, Kind.SUBSCRIPTION)
    listed = [one for one in of_families(found, families) if isinstance(one, Subscription)]
    hidden = len(listed) < len(found)
    if not listed:
        direct, elsewhere = invocation.direct, invocation.trail.direct_only
        none = no_subscriptions(direct=direct, everyone=everyone, elsewhere=elsewhere, hidden=True)
        refuse_hidden(invocation, found, none)
    said = _page(invocation, listed, page, everyone=everyone, hidden=hidden)
    if everyone:
        invocation.say("subscriptions", *said)
    else:
        invocation.show("subscriptions", Text(*said))


def _page(
    invocation: Invocation, listed: list[Subscription], page: int, *, everyone: bool, hidden: bool
) -> tuple[str, Card] | tuple[str]:
    services, direct, elsewhere = invocation.services, invocation.direct, invocation.trail.direct_only
    if not listed:
        return (no_subscriptions(direct=direct, everyone=everyone, elsewhere=elsewhere),)
    page = min(page, -(-len(listed) // MOST_SHOWN))
    start = (page - 1) * MOST_SHOWN
    shown = listed[start : start + MOST_SHOWN]
    places = everyone or direct
    rooms = [one.room_id for one in shown if places and not one.direct]
    names = look_up(services, [one.person_id for one in shown], rooms, reader=None if everyone else invocation)
    more = f"{ALL if everyone else ''} {page + 1}".strip() if len(listed) > start + MOST_SHOWN else ""
    head = head_of(len(listed), start, len(shown), direct=direct, everyone=everyone, elsewhere=elsewhere, hidden=hidden)
    return subscription_list(shown, names, head, services.now(), more=more, places=places)
