"""Deliver a card without a file, as subscriptions may want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import messages, requests
from bot.db.requests import State
from bot.reports.requests import tell_end
from bot.reports.wanted_messages import Slot

if TYPE_CHECKING:
    from bot.db.requests import Request
    from bot.reports.thread import Thread
    from bot.services import Services

log = structlog.get_logger(__name__)


def deliver_card(services: Services, thread: Thread, request: Request, family: str) -> None:
    """Post the card of a report that is ready, or the list that it is in, and close its request.

    Raises ``Refused`` and other ``BotError``; what policy refuses when its own card is posted is closed by the thread.
    """
    with services.database.read() as tx:
        first = requests.first_listed(tx, request) if request.listed else request
    thread.sync(first.id)
    with services.database.begin() as tx:
        cards = [one for one in messages.of_request(tx, first.id) if one.slot == Slot.CARD]
        if cards:
            state = State.DELIVERED if cards[-1].state == messages.SENT else State.UNSURE
            now = services.now()
            if requests.close(tx, request, state, now):
                tell_end(tx, services.queue, request, state, now)
                log.info("card_posted", reference=request.reference, trace_id=request.trace_id, state=state.value)
    if not cards and first.id != request.id:
        thread.report_messages.place(request, family)
