"""Puts a job for whatever is due and has none, so that the queue may lose or repeat one without harm."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import events, messages, reports, requests
from bot.db.requests import State
from bot.messages import sentences
from bot.queue import tasks
from bot.reports import trouble
from bot.reports.requests import SLICE, close, deliver_key, put_lookup, put_thread, put_watch
from bot.webex.ids import id_key
from bot.webex.report import Phase

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.queue import Queue

log = structlog.get_logger(__name__)

SETTLING: Final = timedelta(seconds=60)
"""A row younger than this has its job from the transaction that made it."""


def put_due(tx: Transaction, queue: Queue, now: datetime) -> None:
    """Put the jobs of events, lookups, watches, deliveries and threads that have none."""
    for event in events.unsettled(tx, now - SETTLING):
        queue.put(tx, tasks.EVENT, str(event.id), lock=event.lock, person=event.person_key, if_absent=True)
    for request in requests.unfound(tx):
        put_lookup(tx, queue, request, if_absent=True)
    for row in reports.awaited(tx):
        if row.phase is Phase.READY:
            # Whose turn it is is not worth a query: a job that is there stays as it is.
            key = deliver_key(row.family, row.report_id)
            queue.put(tx, tasks.DELIVER, key, lock=f"deliver:{key}", if_absent=True)
        else:
            put_watch(tx, queue, row, if_absent=True)
    for request_id, person_id in messages.unsettled(tx, now - SETTLING, SLICE):
        queue.put(tx, tasks.THREAD, str(request_id), person=id_key(person_id), if_absent=True)
    _tell_of_trouble(tx, queue, now)


def _tell_of_trouble(tx: Transaction, queue: Queue, now: datetime) -> None:
    """Have people told whose request fails for long, and close what has failed for too long."""
    for request in requests.untold(tx, now - trouble.PATIENCE, SLICE):
        put_thread(tx, queue, request)
    for request in requests.failing_since(tx, now - trouble.EXTRA_TIME, now, SLICE):
        reason, cause = sentences.TROUBLE_TOO_LONG, "trouble_for_too_long"
        close(tx, queue, request, State.EXPIRED, now, reason=reason, cause=cause)
