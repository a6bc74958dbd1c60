"""``pause``: a subscription or schedule does nothing until someone resumes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.named_origin import one_meant, require_change
from bot.chat.names import place_elsewhere
from bot.chat.owner_notice import delete_pressed_card, tell_change
from bot.chat.registry import registry
from bot.db import origins
from bot.db.origin import PauseCause
from bot.db.schedules import Schedule
from bot.messages.help import Group
from bot.messages.outcomes import paused_by_person
from bot.outbound.events import tell_paused
from bot.outbox import Text

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation


@registry.command(
    "pause",
    rare=True,
    usage="pause <reference or words>",
    summary="Pause a subscription or schedule.",
    group=Group.MANAGE,
    examples=("pause calling usage",),
    action=Action.READ,
)
def pause(invocation: Invocation) -> None:
    """Pause the one that is meant; one that a failure has paused stays so, and is told to be paused all the same."""
    owned = one_meant(invocation, "Pause")
    if owned is None:
        return
    require_change(invocation, owned)
    services = invocation.services
    with services.database.begin() as tx:
        if origins.pause(tx, owned.origin, PauseCause.PERSON, "") and isinstance(owned, Schedule):
            tell_paused(tx, services.queue, owned, PauseCause.PERSON, services.now())
    said = Text(*paused_by_person(owned, place_elsewhere(invocation, owned)))
    invocation.show("pause", said, Action.LIST)
    tell_change(invocation, owned, "paused")
    delete_pressed_card(invocation, owned)
