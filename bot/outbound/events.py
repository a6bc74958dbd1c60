"""Write outbound events, each in the transaction that it tells of, and have them sent.

A webhook hears of its key's spaces, and of what its key has ordered. Nobody's 1:1 space is such a space, nor is a
person who is answered directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import outbound_events, webhooks
from bot.db.api_keys import caller_of
from bot.db.outbound_events import Happening
from bot.db.requests import GROUP, THREAD, State
from bot.db.runs import RunState
from bot.db.webhooks import EventType
from bot.queue import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.db.api_keys import ApiKey
    from bot.db.database import Transaction
    from bot.db.origin import PauseCause
    from bot.db.requests import Request
    from bot.db.runs import Run
    from bot.db.schedules import Schedule
    from bot.db.webhooks import Webhook
    from bot.queue import Queue
    from bot.webex.report import Report

_NOT_TOLD = frozenset({State.OPEN.value, State.CANCELED.value, State.HALTED.value, RunState.CREATED.value})
"""Somebody canceled it, or a schedule's condition is not true: neither is a failure."""


def put_sending(tx: Transaction, queue: Queue, webhook: Webhook, *, if_absent: bool = False) -> None:
    """Have what is pending for a webhook sent, in the turn of its key, however many webhooks that has."""
    queue.put(tx, tasks.SEND_EVENTS, str(webhook.id), person=caller_of(webhook.key_id), if_absent=if_absent)


def tell_end(tx: Transaction, queue: Queue, ended: Request | Run, state: State | RunState, now: datetime) -> None:
    """Tell that a delivery has ended: its request, or the run that gave no report to deliver."""
    if state.value in _NOT_TOLD or (ended.key_id is None and not _is_of_space(ended)):
        return
    kind = EventType.DELIVERED if state is State.DELIVERED else EventType.FAILED
    data = {
        "id": ended.reference,
        "status": state.value,
        "reportId": ended.report_id,
        "spaceId": ended.room_id if _is_of_space(ended) else None,
        "reference": ended.reference,
    }
    what = Happening(kind, ended.reference, data, now)
    _tell(tx, queue, what, lambda key: _reaches(key, ended))


def tell_ready(
    tx: Transaction, queue: Queue, report: Report, waiting: Callable[[], Sequence[Request]], now: datetime
) -> None:
    """Tell that a report has become ready; ``waiting`` returns the requests that wait for it."""
    for webhook, key in webhooks.listening(tx, EventType.REPORT_READY):
        theirs = next((one for one in waiting() if _reaches(key, one)), None)
        if theirs is None:
            continue
        data = {
            "id": report.id,
            "family": report.family.value,
            "spaceId": theirs.room_id if _is_of_space(theirs) else None,
            "reference": theirs.reference,
        }
        outbound_events.add(tx, webhook, Happening(EventType.REPORT_READY, report.id, data, now))
        put_sending(tx, queue, webhook)


def tell_paused(tx: Transaction, queue: Queue, schedule: Schedule, cause: PauseCause, now: datetime) -> None:
    """Tell that a schedule is paused."""
    data = {
        "id": schedule.reference,
        "cause": cause.value,
        "spaceId": schedule.room_id,
        "reference": schedule.reference,
    }
    what = Happening(EventType.PAUSED, f"{schedule.reference}:{cause.value}:{now.isoformat()}", data, now)
    _tell(tx, queue, what, lambda key: schedule.room_type == GROUP and key.may_reach(schedule.room_id))


def tell_test(tx: Transaction, queue: Queue, webhook: Webhook, about: str, now: datetime) -> str:
    """Send an event that tells nothing, and return its ID; ``about``: other words are another event."""
    data = {"id": webhook.reference, "reference": webhook.reference}
    event_id = outbound_events.add(tx, webhook, Happening(EventType.TEST, about, data, now))
    put_sending(tx, queue, webhook)
    return event_id


def recover(tx: Transaction, queue: Queue, webhook: Webhook, since: datetime, now: datetime) -> int:
    """Send again what a webhook has not taken since a time, and enable it; return the number of these events."""
    webhooks.enable(tx, webhook.id)
    number = outbound_events.recover(tx, webhook.id, since, now)
    put_sending(tx, queue, webhook)
    return number


def _tell(tx: Transaction, queue: Queue, what: Happening, concerns: Callable[[ApiKey], bool]) -> None:
    for webhook, key in webhooks.listening(tx, what.type):
        if concerns(key):
            outbound_events.add(tx, webhook, what)
            put_sending(tx, queue, webhook)


def _reaches(key: ApiKey, one: Request | Run) -> bool:
    if one.key_id == key.id:
        return True
    return _is_of_space(one) and one.room_id is not None and key.may_reach(one.room_id)


def _is_of_space(one: Request | Run) -> bool:
    return one.room_type == GROUP and getattr(one, "destination", THREAD) == THREAD
