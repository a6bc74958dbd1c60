"""``unsubscribe``: have reports no longer posted here by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.chat.named_origin import may_change, named_origins, offer_origins, require_change
from bot.chat.names import look_up, place_elsewhere
from bot.chat.registry import registry
from bot.db import audit, subscriptions
from bot.db.origin import Kind
from bot.db.subscriptions import Subscription
from bot.messages.help import Group
from bot.messages.origins import ended
from bot.messages.subscriptions import label, muted, unsubscribed
from bot.outbox import Text
from bot.reports.subscriptions import MUTED_FOR, end
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation

LATELY: Final = timedelta(minutes=10)
ENDING: Final = frozenset({"unsubscribe", "delete_end_subscription"})
"""Acts of the audit, in chat and by the API."""


@registry.command(
    "unsubscribe",
    rare=True,
    usage="unsubscribe <words or reference>",
    summary="End a subscription.",
    group=Group.FOLLOW,
    examples=("unsubscribe calling usage",),
)
def unsubscribe(invocation: Invocation) -> None:
    """End a subscription, or ask which one. One that was ended a moment ago counts: two may press the button."""
    one = _ended_lately(invocation)
    if one is not None and (by := _ended_by_another(invocation, one)) is not None:
        invocation.trail.reference = one.reference
        invocation.answer_press_directly()
        invocation.show("unsubscribed", Text(ended(one, place_elsewhere(invocation, one), by=by)))
        return
    if one is None and (one := _meant(invocation, "Unsubscribe")) is not None:
        with invocation.services.database.begin() as tx:
            end(tx, invocation.services, one)
    if one is not None:
        invocation.trail.reference = one.reference
        invocation.show("unsubscribed", Text(*unsubscribed(one, place_elsewhere(invocation, one))))


@registry.command(
    "mute",
    rare=True,
    usage="mute <words or reference>",
    summary="Silence a subscription for a week.",
    group=Group.FOLLOW,
    examples=("mute calling usage",),
)
def mute(invocation: Invocation) -> None:
    """Have nothing announced for a week, or ask for which subscription."""
    one = _meant(invocation, "Mute for a week")
    if one is not None:
        _set_muted(invocation, one, mutes=True)


@registry.command(
    "unmute",
    rare=True,
    usage="unmute <words or reference>",
    summary="Have a muted subscription post again.",
    group=Group.FOLLOW,
    examples=("unmute calling usage",),
)
def unmute(invocation: Invocation) -> None:
    """Have a subscription announce again what becomes ready from now on, or ask which one."""
    one = _meant(invocation, "Unmute")
    if one is not None:
        _set_muted(invocation, one, mutes=False)


def _meant(invocation: Invocation, title: str) -> Subscription | None:
    """Return the subscription that is meant, or ask which one and return None. Raises ``Refused``."""
    found = named_origins(invocation, invocation.rest, Kind.SUBSCRIPTION)
    if len(found) != 1 or not isinstance(found[0], Subscription):
        offer_origins(invocation, found, title)
        return None
    invocation.trail.reference = found[0].reference
    require_change(invocation, found[0])
    return found[0]


def _ended_lately(invocation: Invocation) -> Subscription | None:
    """Return what was just ended here, by this event before a kill or by another press, if nothing else is meant."""
    if named_origins(invocation, invocation.rest, Kind.SUBSCRIPTION):
        return None
    with invocation.services.database.read() as tx:
        ended = subscriptions.ended_since(tx, invocation.services.now() - LATELY)
    here = [one for one in ended if same_id(one.room_id, invocation.room_id)]
    words = " ".join(invocation.rest).casefold()
    return next((one for one in here if words and words in {one.reference, label(one).casefold()}), None)


def _ended_by_another(invocation: Invocation, one: Subscription) -> str | None:
    """Return the name of who ended it, if that was not this person; empty where it is not known, but was not they."""
    with invocation.services.database.read() as tx:
        rows = audit.with_reference(tx, one.reference)
    by = next((row.person_id for row in rows if row.act in ENDING and row.person_id), None)
    if by is None:  # this event, before a kill, or another that is not settled yet
        return None if may_change(invocation, one) else ""
    return None if same_id(by, invocation.person_id) else look_up(invocation.services, [by], []).person(by)


def _set_muted(invocation: Invocation, one: Subscription, *, mutes: bool) -> None:
    services = invocation.services
    with services.database.begin() as tx:
        subscriptions.mute(tx, one.id, services.now() + MUTED_FOR if mutes else None)
        changed = subscriptions.get(tx, one.id) or one
    was = one.muted_until is not None and services.now() < one.muted_until
    invocation.show("muted", Text(*muted(changed, place_elsewhere(invocation, one), was_muted=was)))
