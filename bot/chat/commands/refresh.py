"""``refresh <id>``: show what is true of a report now, in place of the card that was pressed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.chat.registry import registry
from bot.chat.shown import request_card, shown_for, shows
from bot.db import messages, request_queries, requests
from bot.db.requests import OPEN
from bot.messages.request_card import report_card, report_text
from bot.messages.sentences import which_report
from bot.reports.report_messages import Words
from bot.reports.watch import fetch_what_is_ready
from bot.reports.whereto import target_of
from bot.text import utc
from bot.webex.ids import same_id
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.chat.context import Context, Permission
    from bot.chat.invocation import Request
    from bot.db.messages import Post
    from bot.db.requests import Delivery
    from bot.webex.report import Report


@registry.command("refresh", usage="refresh <id>", summary="Show a report's card anew.")
def refresh(context: Context, request: Request) -> None:
    """A new card, in place of the pressed one. It watches and posts nothing that was not awaited before."""
    ids = request.named_reports()
    allowed = context.allow(request)
    if not ids:
        context.say(request, "usage", which_report(request.word))
    for report_id in request.trail.each(ids):
        with context.database.read() as tx:
            known = requests.known_family(tx, report_id)
        with context.asking_reports(context.trouble_line(request)):
            found = context.catalog.find(report_id, known, families=allowed.families, others=allowed.others)
        _show_again(context, request, found)
        if found.phase is Phase.READY:
            with context.database.begin(durable=False) as tx:
                fetch_what_is_ready(tx, context.queue, found, context.now())


def _show_again(context: Context, request: Request, found: Report) -> None:
    """A new card in place of the pressed one, or of the one in this thread."""
    report_id, key = found.id, f"{request.origin}:refresh:{found.id}"
    own: Delivery | None = None
    pressed: Post | None = None

    def make(_: Permission) -> Words:
        nonlocal own, pressed
        with context.database.read() as tx:
            pressed = messages.by_message(tx, request.pressed) if request.pressed else None
            own = requests.with_card(tx, report_id, pressed.key.removesuffix(messages.BESIDE)) if pressed else None
            if own is None and not request.trail.private:
                # Typed, or the press of a card that another one has replaced already.
                own = request_queries.in_thread(tx, report_id, request.room_id, request.parent_id)
            leader = requests.get(tx, own.leader_id) if own and own.leader_id else None
            waiting = request_queries.waiting_here(tx, request.room_id, request.person_id, report_id)
        now = context.now()
        if own and own.state in OPEN:
            leader = leader if leader and leader.state in OPEN else None
            shown = request_card(found, now, own, leader, asked_for_file=False)
        else:
            leader = waiting[0] if waiting else None
            shown = shown_for(
                found, now, own.reference if own else "", awaited=False, leader=leader, asked_for_file=False
            )
            if leader is not None:
                shown = replace(
                    shown, coming=f"{shown.coming} This card shows it as of {utc(now)}, and does not follow it."
                )
        return Words(
            key,
            report_text(found, shown),
            report_card(found, shown),
            shows(found, leader),
            target_of(own) if own and own.private and request.direct else None,
        )

    context.show(request, make)
    if own and (not request.trail.private or same_id(own.asker_id, request.person_id)):
        context.card.becomes(own, key)
    elif pressed and pressed.key.removesuffix(messages.BESIDE).endswith(f":refresh:{report_id}"):
        context.card.take_back(pressed.key)  # a card of this report that nobody's request has for its own
