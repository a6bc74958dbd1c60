"""``refresh <id>``: show what is true of a report now, in place of the card that was pressed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.chat.living import LivingCard
from bot.chat.registry import registry
from bot.chat.shown import request_card, shown_for, shows
from bot.db import messages, request_queries, requests
from bot.db.requests import OPEN
from bot.messages.request_card import report_card, report_text
from bot.messages.sentences import which_report
from bot.reports.report_messages import Words
from bot.reports.trouble_line import asking_reports
from bot.reports.watch import fetch_what_is_ready
from bot.reports.whereto import target_of
from bot.text import utc
from bot.webex.ids import same_id
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation, Permission
    from bot.db.messages import Post
    from bot.db.requests import Delivery
    from bot.webex.report import Report


@registry.command("refresh", usage="refresh <id>", summary="Show a report's card anew.")
def refresh(invocation: Invocation) -> None:
    """A new card, in place of the pressed one. It watches and posts nothing that was not awaited before."""
    services = invocation.services
    ids = invocation.named_reports()
    allowed = invocation.authorize()
    if not ids:
        invocation.say("usage", which_report(invocation.word))
    for report_id in invocation.trail.each(ids):
        with services.database.read() as tx:
            known = requests.known_family(tx, report_id)
        with asking_reports(services, invocation.trouble_line()):
            found = services.catalog.find(report_id, known, families=allowed.families, others=allowed.others)
        _show_again(invocation, found)
        if found.phase is Phase.READY:
            with services.database.begin(durable=False) as tx:
                fetch_what_is_ready(tx, services.queue, found, services.now())


def _show_again(invocation: Invocation, found: Report) -> None:
    """A new card in place of the pressed one, or of the one in this thread."""
    services = invocation.services
    report_id, key = found.id, f"{invocation.event_key}:refresh:{found.id}"
    own: Delivery | None = None
    pressed: Post | None = None

    def make(_: Permission) -> Words:
        nonlocal own, pressed
        with services.database.read() as tx:
            pressed = messages.by_message(tx, invocation.pressed) if invocation.pressed else None
            own = requests.with_card(tx, report_id, pressed.key.removesuffix(messages.BESIDE)) if pressed else None
            if own is None and not invocation.trail.direct_only:
                # Typed, or the press of a card that another one has replaced already.
                own = request_queries.in_thread(tx, report_id, invocation.room_id, invocation.parent_id)
            leader = requests.get(tx, own.leader_id) if own and own.leader_id else None
            waiting = request_queries.waiting_here(tx, invocation.room_id, invocation.person_id, report_id)
        now = services.now()
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
            target_of(own) if own and own.private and invocation.direct else None,
        )

    invocation.show(make)
    if own and (not invocation.trail.direct_only or same_id(own.asker_id, invocation.person_id)):
        LivingCard(services).becomes(own, key)
    elif pressed and pressed.key.removesuffix(messages.BESIDE).endswith(f":refresh:{report_id}"):
        LivingCard(services).take_back(pressed.key)  # a card of this report that nobody's request has for its own
