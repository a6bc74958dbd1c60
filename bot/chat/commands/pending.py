"""``pending``: what a person is waiting for, where, since when and until when, each with a button to cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.names import look_up
from bot.chat.registry import registry
from bot.chat.thread_context import pending_requests, pending_runs
from bot.messages.help import Group
from bot.messages.own_requests import MOST_SHOWN, nothing_pending, pending_card
from bot.outbox import Text
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation, Permission
    from bot.db.requests import Request
    from bot.db.runs import Run


@registry.command("pending", usage="pending", summary="See what you're waiting for.", group=Group.FOLLOW)
def pending(invocation: Invocation) -> None:
    """Show the person's open requests: of all spaces in a 1:1 space, else of this one, since others read along."""
    services = invocation.services
    decision = invocation.check_person()
    with services.database.read() as tx:
        items = pending_requests(tx, invocation, decision)
        runs = pending_runs(tx, invocation, decision)
    places: list[Request | Run] = [*(one for one, _ in items[:MOST_SHOWN]), *runs[:MOST_SHOWN]]
    names = look_up(services, [], [one.room_id for one in places if one.room_type != DIRECT], reader=invocation)

    def make(allowed: Permission) -> Text:
        shown = [(one, row) for one, row in items if row is None or row.family in allowed.families]
        created = [one for one in runs if one.family in allowed.families]
        if not shown and not created:
            return Text(nothing_pending(direct=invocation.direct))
        said = pending_card(shown, created, names, direct=invocation.direct)
        return Text(*said)

    invocation.show("pending", make)
