"""``resume``: a paused subscription or schedule is active again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action, Verdict
from bot.chat.named_origin import one_meant, require_change
from bot.chat.names import place_elsewhere
from bot.chat.owner_notice import delete_pressed_card, tell_change
from bot.chat.registry import registry
from bot.db import origins
from bot.messages.help import Group
from bot.messages.outcomes import NOT_HERE, active, stays_paused
from bot.outbox import Text
from bot.reports.origin_states import decide_owner
from bot.reports.origin_states import resume as resume_origin

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation


@registry.command(
    "resume",
    rare=True,
    usage="resume <reference or words>",
    summary="Resume a paused subscription or schedule.",
    group=Group.MANAGE,
    examples=("resume calling usage",),
    action=Action.READ,
)
def resume(invocation: Invocation) -> None:
    """Resume the one that is meant, unless policy refuses its owner: then it would only be paused again."""
    services = invocation.services
    owned = one_meant(invocation, "Resume")
    if owned is None:
        return
    require_change(invocation, owned)
    place = place_elsewhere(invocation, owned)
    decision = decide_owner(services.authorizer, owned.person_id, owned)
    if decision.verdict is Verdict.ALLOWED:
        with services.database.begin() as tx:
            resume_origin(tx, services, owned)
            now = origins.get(tx, owned.origin) or owned
        said = Text(*active(now, services.now(), place))
    elif decision.reason in {"outsiders", "members_unknown"}:
        said = Text(NOT_HERE[decision.reason])
    else:
        said = Text(*stays_paused(owned, decision.reason, place))
    invocation.show("resume", said, Action.LIST)
    if decision.verdict is Verdict.ALLOWED:
        tell_change(invocation, owned, "resumed")
        delete_pressed_card(invocation, owned)
