"""Begin on a database that was restored from a backup: what was done since is in Webex, but not in its rows.

Nothing is said or made twice for that: what was written before this start isn't answered, lists are looked at as if for
the first time, runs that were planned for meanwhile aren't made up, and who had an open request is told once that
nobody knows what became of it. ``reportbot backup`` marks its copies; after a restore of another kind, the operator
sets the mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, update

from bot.db import audit, heartbeats, key_values, requests, schedules
from bot.db.audit import Channel, Entry
from bot.db.events import end as end_events
from bot.db.requests import State
from bot.db.runs import RunState
from bot.db.tables import events, ready_reports, runs
from bot.db.tables import requests as requests_table
from bot.messages.sentences import RESTORED
from bot.reports.recurrence import InvalidRecurrence
from bot.reports.requests import SLICE, close
from bot.reports.schedules import set_next

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Database, Transaction
    from bot.queue import Queue

log = structlog.get_logger(__name__)

CAUSE = "restored"


def begin_if_restored(database: Database, queue: Queue, now: datetime) -> None:
    """Do what a restored database needs, once. Raises ``DatabaseUnavailable``; done again it goes on."""
    with database.read() as tx:
        backed_up = key_values.updated_at(tx, key_values.RESTORED)
    if backed_up is None:
        return
    with database.begin() as tx:
        heartbeats.begin_again(tx, now)
        tx.execute(delete(ready_reports))
        _skip_planned_runs(tx, now)
        end_events(tx, events.c.received_at <= backed_up, CAUSE, now)
        # The report may have been created: it is looked for before it is created again.
        open_runs = update(runs).where(runs.c.state == RunState.OPEN.value, runs.c.tried_at.is_(None))
        tx.execute(open_runs.values(tried_at=runs.c.asked_at))
    closed = 0
    while slice_closed := _close_some(database, queue, backed_up, now):
        closed += slice_closed
    with database.begin() as tx:
        key_values.delete(tx, key_values.RESTORED)
        audit.record(tx, Entry(Channel.SYSTEM, audit.SETTINGS, CAUSE), now)
    log.warning("database_was_restored", backed_up=backed_up.isoformat(), requests=closed)


def _skip_planned_runs(tx: Transaction, now: datetime) -> None:
    for schedule in schedules.find(tx):
        if schedule.next_at is not None and schedule.next_at <= now:
            try:
                set_next(tx, schedule, now)
            except InvalidRecurrence:
                continue  # it is paused when its time comes


def _close_some(database: Database, queue: Queue, backed_up: datetime, now: datetime) -> int:
    with database.begin() as tx:
        waiting = (requests_table.c.state == State.OPEN.value, requests_table.c.asked_at <= backed_up)
        found = requests.find(tx, *waiting, most=SLICE)
        for one in found:
            close(tx, queue, one, State.UNSURE, now, reason=RESTORED, cause=CAUSE)
        return len(found)
