"""What a place has already is not posted there once more by a subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import messages, requests
from bot.db.requests import State
from bot.reports.requests import put_thread, tell_end

if TYPE_CHECKING:
    from bot.db.requests import Request
    from bot.services import Services

log = structlog.get_logger(__name__)


def close_if_here(services: Services, request: Request) -> bool:
    """Close a subscription's request as delivered when another one has brought its file. Return True when it did.

    A schedule, or a person who waited for it, may have had it between the look at the list and now.
    """
    if request.subscription_id is None:
        return False
    with services.database.read() as tx:
        found = [one for one in requests.delivered(tx, [request.report_id]) if one.is_answered_with(request)]
        there = [one.file_message for one in found if one.file_message is not None]
        if not there or messages.has_file(tx, request.id):
            return False
    now = services.now()
    with services.database.begin() as tx:
        if requests.close(tx, request, State.DELIVERED, now, file_message=there[-1]):
            tell_end(tx, services.queue, request, State.DELIVERED, now)
            if request.listed:
                put_thread(tx, services.queue, request)
            log.info("report_here_already", reference=request.reference, trace_id=request.trace_id)
    return True
