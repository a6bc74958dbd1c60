"""What follows a change of a subscription or schedule: its owner is told, and the card that asked for it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.db import messages
from bot.messages.outcomes import changed_by
from bot.outbox import Text
from bot.reports.owner_messages import tell_owner
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription


def tell_change(invocation: Invocation, owned: Subscription | Schedule, what: str) -> None:
    """Tell the owner directly what somebody else has done with it: ``paused``. Raises ``BotError`` that passes."""
    if same_id(owned.person_id, invocation.person_id):
        return
    name = invocation.check_person(Action.LIST).name
    tell_owner(
        invocation.services,
        owned,
        f"{invocation.event_key}:{owned.reference}",
        lambda owner: Text(changed_by(owned, name, what, space=owner.space, named=owner.may_see)),
    )


def delete_pressed_card(invocation: Invocation, owned: Subscription | Schedule) -> None:
    """Delete the card that said that it is paused, when its button was pressed: the answer stands in its place."""
    with invocation.services.database.read() as tx:
        pressed = messages.by_message(tx, invocation.pressed) if invocation.pressed else None
    if pressed is not None and pressed.key.startswith(f"{owned.origin.key}:"):
        invocation.services.outbox.delete(pressed)
