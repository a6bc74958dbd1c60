"""Deliver a card without a file, as subscriptions may want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import messages, requests
from bot.db.requests import State
from bot.reports.requests import put_outcome
from bot.reports.wanted_messages import Slot, name_of
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.db.requests import Request
    from bot.reports.thread import Thread
    from bot.services import Services

log = structlog.get_logger(__name__)


def deliver_card(services: Services, thread: Thread, request: Request) -> None:
    """Post the card of a report that is ready, and close its request.

    Raises ``BotError``; what policy refuses is closed by the thread.
    """
    thread.sync(request.id)
    with services.database.begin() as tx:
        card = messages.get(tx, name_of(request, Slot.CARD, Phase.READY.value).key)
        if card is None:
            return  # it was closed meanwhile
        state = State.DELIVERED if card.state == messages.SENT else State.UNSURE
        if requests.close(tx, request, state, services.now()):
            put_outcome(tx, services.queue, request.origin)
            log.info("card_posted", reference=request.reference, state=state.value)
