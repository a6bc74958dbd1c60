"""``cancel <id>``: stop waiting for a report here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

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

    from bot.chat.context import Context, Permission
    from bot.chat.invocation import Request
    from bot.db.database import Transaction
    from bot.db.requests import Delivery

log = structlog.get_logger(__name__)


@registry.command("cancel", usage="cancel <id>", summary="Stop waiting for a report here.")
def cancel(context: Context, request: Request) -> None:
    """Ends the person's own request in this space, or else everybody's here; other spaces are served."""
    ids = request.named_reports()
    families = context.ask_who(request).families
    if not ids:
        context.say(request, "usage", which_report(request.word))
    now = context.now()
    for report_id in request.trail.each(ids):
        with context.database.begin() as tx:
            found = request_queries.open_here(tx, request.room_id, request.person_id, report_id, families)
            own = [one for one in found if same_id(one.asker_id, request.person_id)]
            movable = [one for one in own or found if State.CANCELLED in MOVES[one.state]]
            before = request_queries.cancelled_by(
                tx, report_id, request.origin
            )  # a kill came between this and its answer
            ended = before or [one for one in movable if _cancel(context, tx, one, request, now)]
        if ended and len(found) > (0 if before else len(ended)):
            said = "Cancelled: your request is off the list. Others here still wait for this report."
        elif ended:
            said = "Cancelled: I do not wait for this report here any more."
        elif found:
            said = "Too late to cancel: the file is on its way."
        else:
            said = "Nobody waits for this report here."
        mine = [replace(one, state=State.CANCELLED) for one in ended if _is_answered(one, request)]
        _say_cancelled(context, request, mine, f"{request.origin}:cancel:{report_id}", said)
        if ended:
            _go_on_alone(context, request, report_id)


def _say_cancelled(context: Context, request: Request, mine: list[Delivery], key: str, said: str) -> None:
    """Answer; where the card of what was cancelled stands in this thread, by a card in its place."""
    here: Delivery | None = None

    def make(_: Permission) -> Words:
        nonlocal here
        here = next((one for one in mine if _stands_here(one, request)), None)
        card = context.card.ending(here, said) if here else None
        return Words(key, said, card, target=target_of(here) if here and card else None)

    context.show(request, make)
    for one in mine:
        if one == here or request.trail.private:
            context.card.ended(one, key)
        else:
            context.card.end(one, said)


def _go_on_alone(context: Context, request: Request, report_id: str) -> None:
    """Who had joined what was cancelled gets the file in their own thread: their card must not lead elsewhere."""
    with context.database.read() as tx:
        alone = [
            one
            for one in request_queries.waiting_here(tx, request.room_id, request.person_id, report_id)
            if (card := messages.present(tx, card_of(one))) and (card.shows or "").endswith(JOINED)
        ]
    try:
        found = context.catalog.details(alone[0].family or "", report_id) if alone else None
    except BotError as error:
        log.info("card_not_renewed", cause=str(error))  # it is renewed when the file comes
        return
    for one in alone:
        if found is not None:
            context.card.renew(one.id, found, None)


def _stands_here(one: Delivery, request: Request) -> bool:
    """Whether a request's card is in the thread of this one, where nobody reads it who may not."""
    if one.private:
        return request.direct
    return one.carded and one.parent_id == request.parent_id and not request.trail.private


def _is_answered(one: Delivery, request: Request) -> bool:
    """Whether the answer to who cancels is enough; somebody else's request is told in its own thread."""
    return same_id(one.asker_id, request.person_id) or one.parent_id == request.parent_id


def _cancel(context: Context, tx: Transaction, one: Delivery, request: Request, now: datetime) -> bool:
    """End one request."""
    if _is_answered(one, request):
        return requests.move(tx, one, State.CANCELLED, now, reason=request.origin)
    said = "Another administrator has cancelled this request: I do not wait for its report here any more."
    return end(tx, context.queue, one, State.CANCELLED, said, now)
