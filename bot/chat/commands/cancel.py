"""``cancel <id>``: stop waiting for a report here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bot.chat.living import LivingCard
from bot.chat.registry import registry
from bot.chat.shown import JOINED
from bot.db import messages, request_queries, requests
from bot.db.requests import MOVES, State, card_of
from bot.errors import BotError
from bot.messages.sentences import which_report
from bot.reports.endings import end
from bot.reports.report_messages import Words
from bot.reports.whereto import target_of
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from datetime import datetime

    from bot.chat.invocation import Invocation, Permission
    from bot.db.database import Transaction
    from bot.db.requests import Delivery

log = structlog.get_logger(__name__)


@registry.command("cancel", usage="cancel <id>", summary="Stop waiting for a report here.")
def cancel(invocation: Invocation) -> None:
    """Ends the person's own request in this space, or else everybody's here; other spaces are served."""
    services = invocation.services
    ids = invocation.named_reports()
    families = invocation.check_person().families
    if not ids:
        invocation.say("usage", which_report(invocation.word))
    now = services.now()
    for report_id in invocation.trail.each(ids):
        with services.database.begin() as tx:
            found = request_queries.open_here(tx, invocation.room_id, invocation.person_id, report_id, families)
            own = [one for one in found if same_id(one.asker_id, invocation.person_id)]
            movable = [one for one in own or found if State.CANCELLED in MOVES[one.state]]
            before = request_queries.cancelled_by(
                tx, report_id, invocation.event_key
            )  # a kill came between this and its answer
            ended = before or [one for one in movable if _cancel(tx, one, invocation, now)]
        if ended and len(found) > (0 if before else len(ended)):
            said = "Cancelled: your request is off the list. Others here still wait for this report."
        elif ended:
            said = "Cancelled: I do not wait for this report here any more."
        elif found:
            said = "Too late to cancel: the file is on its way."
        else:
            said = "Nobody waits for this report here."
        mine = [replace(one, state=State.CANCELLED) for one in ended if _is_answered(one, invocation)]
        _say_cancelled(invocation, mine, f"{invocation.event_key}:cancel:{report_id}", said)
        if ended:
            _go_on_alone(invocation, report_id)


def _say_cancelled(invocation: Invocation, mine: list[Delivery], key: str, said: str) -> None:
    """Answer; where the card of what was cancelled stands in this thread, by a card in its place."""
    services = invocation.services
    here: Delivery | None = None

    def make(_: Permission) -> Words:
        nonlocal here
        here = next((one for one in mine if _stands_here(one, invocation)), None)
        card = LivingCard(services).ending(here, said) if here else None
        return Words(key, said, card, target=target_of(here) if here and card else None)

    invocation.show(make)
    for one in mine:
        if one == here or invocation.trail.direct_only:
            LivingCard(services).ended(one, key)
        else:
            LivingCard(services).end(one, said)


def _go_on_alone(invocation: Invocation, report_id: str) -> None:
    """Who had joined what was cancelled gets the file in their own thread: their card must not lead elsewhere."""
    services = invocation.services
    with services.database.read() as tx:
        alone = [
            one
            for one in request_queries.waiting_here(tx, invocation.room_id, invocation.person_id, report_id)
            if (card := messages.present(tx, card_of(one))) and (card.shows or "").endswith(JOINED)
        ]
    try:
        found = services.catalog.details(alone[0].family or "", report_id) if alone else None
    except BotError as error:
        log.info("card_not_renewed", cause=str(error))  # it is renewed when the file comes
        return
    for one in alone:
        if found is not None:
            LivingCard(services).renew(one.id, found, None)


def _stands_here(one: Delivery, invocation: Invocation) -> bool:
    """Whether a request's card is in the thread of this one, where nobody reads it who may not."""
    if one.private:
        return invocation.direct
    return one.carded and one.parent_id == invocation.parent_id and not invocation.trail.direct_only


def _is_answered(one: Delivery, invocation: Invocation) -> bool:
    """Whether the answer to who cancels is enough; somebody else's request is told in its own thread."""
    return same_id(one.asker_id, invocation.person_id) or one.parent_id == invocation.parent_id


def _cancel(tx: Transaction, one: Delivery, invocation: Invocation, now: datetime) -> bool:
    """End one request."""
    services = invocation.services
    if _is_answered(one, invocation):
        return requests.move(tx, one, State.CANCELLED, now, reason=invocation.event_key)
    said = "Another administrator has cancelled this invocation: I do not wait for its report here any more."
    return end(tx, services.queue, one, State.CANCELLED, said, now)
