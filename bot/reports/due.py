"""Put a job for whatever is due and has none, so that the queue may lose or repeat one without harm.

What is due is read first: only the puts hold the write lock, some at a time.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.db import events, messages, outbound_events, reports, requests, runs, schedules, subscriptions, webhooks
from bot.db.requests import State
from bot.messages import sentences
from bot.outbound.events import put_sending
from bot.queue import tasks
from bot.reports import trouble
from bot.reports.requests import SLICE, close, deliver_key, list_of, put_thread
from bot.reports.schedules import put_schedules
from bot.webex.ids import id_key
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Database, Transaction
    from bot.queue import Queue

    Put = Callable[[Transaction], object]

SETTLING: Final = timedelta(seconds=60)
"""A row younger than this has its job from the transaction that made it."""
MOST: Final = 500
"""Rows of one kind that are looked at in one run; the next one comes in a minute."""


def put_due(database: Database, queue: Queue, now: datetime) -> None:
    """Put the jobs of events, lookups, runs, schedules, watches, deliveries and threads that have none."""
    with database.read() as tx:
        puts = [*_of_rows(tx, queue, now), *_of_trouble(tx, queue, now)]
    for start in range(0, len(puts), SLICE):
        with database.begin() as tx:
            for put in puts[start : start + SLICE]:
                put(tx)


def _of_rows(tx: Transaction, queue: Queue, now: datetime) -> list[Put]:
    puts: list[Put] = []
    for event in events.unsettled(tx, now - SETTLING):
        put = partial(queue.put, task=tasks.EVENT, key=str(event.id), lock=event.lock, person=event.person_key)
        puts.append(partial(put, if_absent=True))
    for task, waiting in ((tasks.LOOKUP, requests.unfound(tx, MOST)), (tasks.CREATE, runs.open_ones(tx, MOST))):
        put = partial(queue.put, task=task, if_absent=True)
        puts += [partial(put, key=str(one.id), person=id_key(one.person_id)) for one in waiting]
    if schedules.first_time(tx) is not None:
        puts.append(partial(put_schedules, queue=queue, if_absent=True))
    told = [webhooks.get(tx, one) for one in outbound_events.pending(tx)]
    puts += [partial(put_sending, queue=queue, webhook=one, if_absent=True) for one in told if one is not None]
    watched = set(subscriptions.lists(tx))
    for row in reports.awaited(tx):
        if row.phase is Phase.READY:
            # Whose turn it is is not worth a query: a job that is there stays as it is.
            key = deliver_key(row.family, row.report_id)
            puts.append(partial(queue.put, task=tasks.DELIVER, key=key, lock=f"deliver:{key}", if_absent=True))
        else:
            watched.add(list_of(row))
    puts += [partial(queue.put, task=tasks.WATCH, key=one.key, if_absent=True) for one in watched]
    for request_id, person_id in messages.unsettled(tx, now - SETTLING, MOST):
        whose = id_key(person_id)
        puts.append(partial(queue.put, task=tasks.THREAD, key=str(request_id), person=whose, if_absent=True))
    return puts


def _of_trouble(tx: Transaction, queue: Queue, now: datetime) -> list[Put]:
    """Return the puts that tell people whose request fails for long, and the ends of what has failed for too long."""
    untold = requests.untold(tx, now - trouble.DELIVERY_PATIENCE, MOST)
    ending = requests.failing_since(tx, now - trouble.EXTRA_TIME, now, MOST)
    end = partial(
        close,
        queue=queue,
        state=State.EXPIRED,
        now=now,
        cause="trouble_for_too_long",
    )
    return [
        *(partial(put_thread, queue=queue, request=one) for one in untold),
        *(partial(end, request=one, reason=sentences.tried_too_long(one.last_error)) for one in ending),
    ]
