"""``unschedule``: end a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.named_origin import named_origins, offer_origins, require_change
from bot.chat.names import place_elsewhere
from bot.chat.registry import registry
from bot.chat.schedule_words import values_of
from bot.db import audit, origins
from bot.db.origin import Kind
from bot.db.schedules import Schedule
from bot.messages.help import Group
from bot.messages.schedule_form import details_of
from bot.messages.schedules import unscheduled
from bot.outbox import Text

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation
    from bot.db.database import Transaction


@registry.command(
    "unschedule",
    rare=True,
    usage="unschedule <name or reference>",
    summary="End a schedule.",
    group=Group.FOLLOW,
    examples=("unschedule weekly usage",),
    action=Action.CHANGE,
)
def unschedule(invocation: Invocation) -> None:
    """End the schedule that is named, and offer to make it again."""
    found = named_origins(invocation, invocation.rest, Kind.SCHEDULE)
    if not invocation.rest or len(found) != 1 or not isinstance(found[0], Schedule):
        offer_origins(invocation, found, "Unschedule")
        return
    schedule = found[0]
    invocation.trail.reference = schedule.reference
    require_change(invocation, schedule)
    argument = f"{schedule.family}:{schedule.template_id} {details_of(values_of(schedule))}"
    if schedule.on_behalf_of:
        argument = f"{argument} for {schedule.on_behalf_of}"
    content = Text(*unscheduled(schedule, argument, place_elsewhere(invocation, schedule)))

    def end(tx: Transaction, _: object) -> None:
        now = invocation.services.now()
        if origins.end(tx, schedule.origin, now):
            audit.record(tx, invocation.entry("unschedule", None, reference=schedule.reference), now)
        invocation.trail.recorded = True
        invocation.settle(tx)

    # It ends with its answer, and the event with both: a kill before leaves all of it to be done again.
    invocation.show("unschedule", content, Action.CHANGE, then=end)
