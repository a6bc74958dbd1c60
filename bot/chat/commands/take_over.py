"""``takeover``: become the owner of a subscription or schedule whose owner may not have it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.named_origin import is_overseer, one_meant
from bot.chat.names import place_elsewhere
from bot.chat.owner_notice import delete_pressed_card, tell_change
from bot.chat.registry import registry
from bot.db import origins
from bot.errors import Refused
from bot.messages.help import Group
from bot.messages.outcomes import HAS_AN_OWNER, OF_ONE_PERSON, active
from bot.outbox import Text
from bot.reports.origin_states import check_owner, hand_over
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation


@registry.command(
    "takeover",
    rare=True,
    usage="takeover <reference or words>",
    summary="Take over a subscription or schedule whose owner may no longer have it.",
    group=Group.MANAGE,
    examples=("takeover calling usage",),
    action=Action.READ,
)
def take_over(invocation: Invocation) -> None:
    """Give it to the person, who must be allowed to have it in its space."""
    services, person_id = invocation.services, invocation.person_id
    owned = one_meant(invocation, "Take over")
    if owned is None:
        return
    if not same_id(owned.person_id, person_id):
        if owned.direct:
            raise Refused(OF_ONE_PERSON, reason="direct_space")
        decision = check_owner(services.authorizer, person_id, owned)
        if not owned.is_offered and not is_overseer(invocation, owned):
            raise Refused(HAS_AN_OWNER, reason="has_an_owner")
        with services.database.begin() as tx:
            hand_over(tx, services, owned, person_id)
        name = decision.name
    else:
        name = invocation.check_person(Action.LIST).name
    with services.database.read() as tx:
        now = origins.get(tx, owned.origin) or owned
    said = Text(*active(now, services.now(), place_elsewhere(invocation, now), owner=name))
    invocation.show("takeover", said, Action.LIST)
    tell_change(invocation, owned, "has taken over")
    delete_pressed_card(invocation, owned)
