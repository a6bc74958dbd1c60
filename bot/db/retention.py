"""Delete what ended more than ``AUDIT_DAYS`` ago, and what nothing needs for longer than some days.

Nothing that is open is deleted, nor what is younger than the oldest that is open: by its messages nothing is sent
twice.

The audit's rows outlive a request. As long as they name a report, its row stays: by its family it is known who may see
the audit's rows about it, and by its title what they are about.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Text, cast, delete, exists, func, literal, or_, select

from bot.db import api_answers, api_keys, api_questions, audit, heartbeats, hook_calls, ready_reports
from bot.db import hooks as hook_rows
from bot.db.api_tables import api_answers as answers
from bot.db.api_tables import api_keys as keys
from bot.db.api_tables import api_questions as questions
from bot.db.api_tables import hook_calls as calls
from bot.db.api_tables import hooks, outbound_events, webhooks
from bot.db.events import NEW
from bot.db.outbound_events import EventState
from bot.db.tables import (
    OPEN,
    confirmations,
    events,
    messages,
    reports,
    requests,
    runs,
    schedules,
    subscriptions,
)
from bot.db.tables import audit as audit_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement, Table

    from bot.db.database import Database

log = structlog.get_logger(__name__)

AT_LEAST: Final = 2 * heartbeats.LONGEST
"""How long events, requests and messages stay whatever the setting: by them what is delivered again is recognized."""
EVENTS_KEPT: Final = timedelta(days=30)
"""Outbound events hold what receivers answered, and stay no longer than so, unless they are still to be sent."""
SLICE: Final = 50
"""Rows of one transaction, which holds SQLite's only write lock for some milliseconds."""
PAUSE: Final = 0.03
"""Seconds between two slices, in which others write."""
LONGEST_ROUND: Final = 5.0
"""Seconds; what is left is deleted in the next round, a minute later."""
EVERY: Final = timedelta(hours=1)
"""How often it is looked for what has become old."""

_asked_for = exists().where(requests.c.report_id == reports.c.report_id)
_named = exists().where(audit_table.c.report_id == reports.c.report_id)


def _stands_for_person(caller: Table, start: str, *tables: Table) -> ColumnElement[bool]:
    """Return the condition that a key or hook stands in a person's place in one of the tables."""
    name = literal(start) + cast(caller.c.id, Text)
    return or_(*(exists().where(table.c.person_id == name) for table in tables))


_key_is_used = or_(
    *(exists().where(table.c.key_id == keys.c.id) for table in (hooks, webhooks, requests, runs)),
    _stands_for_person(keys, api_keys.CALLER, audit_table, subscriptions, schedules),
)
_hook_is_used = or_(
    exists().where(calls.c.hook_id == hooks.c.id), _stands_for_person(hooks, hook_rows.CALLER, audit_table)
)


class Retention:
    """Delete what is older than so many days; 0 keeps everything but what nothing needs any more."""

    def __init__(self, database: Database, days: int, now: Callable[[], datetime]) -> None:
        self._database = database
        self._days = days
        self._now = now
        self._finished: datetime | None = None
        self._in_log = False
        """True when SQLite's log may still contain what was deleted."""

    def prune(self) -> None:
        """Make one round, unless everything old was deleted lately. Raises ``DatabaseUnavailable``."""
        now = self._now()
        if self._finished is None or abs(now - self._finished) >= EVERY:
            self._round(now)
        if self._in_log and self._finished is not None:
            self._in_log = not self._database.empty_log(patience=0)

    def _round(self, now: datetime) -> None:
        ends, number = time.monotonic() + LONGEST_ROUND, 0
        self._finished = None
        for changed in self._slices(now):
            number += changed
            if time.monotonic() > ends:
                break
            time.sleep(PAUSE)
        else:
            self._finished = now
        if number:
            self._in_log = True
            log.info("old_rows_deleted", rows=number, more=self._finished is None)

    def _slices(self, now: datetime) -> Iterator[int]:
        """Delete slice by slice; gives after each how many rows it changed."""
        yield from self._short_lived(now)
        if self._days:
            yield from self._old(now - timedelta(days=self._days), now)

    def _short_lived(self, now: datetime) -> Iterator[int]:
        # A question may name a person, and one that a killed process asked is taken away by nobody else.
        yield from self._each(questions, questions.c.asked_at < now - api_questions.LEFT_OVER)
        yield from self._each(answers, answers.c.created_at < now - api_answers.KEPT)
        yield from self._each(calls, calls.c.handled_at.is_not(None) & (calls.c.called_at < now - hook_calls.KEPT))
        told = outbound_events.c.state != EventState.PENDING.value
        kept = min(EVENTS_KEPT, timedelta(days=self._days or EVENTS_KEPT.days))
        yield from self._each(outbound_events, told & (outbound_events.c.created_at < now - kept))

    def _old(self, kept_since: datetime, now: datetime) -> Iterator[int]:
        while changed := self._prune_audit(kept_since, now):
            yield changed
        before = self._nothing_open(min(kept_since, now - AT_LEAST))
        sent = func.coalesce(messages.c.settled_at, messages.c.intended_at) < before
        yield from self._each(requests, (requests.c.state != OPEN) & (requests.c.closed_at < before))
        yield from self._each(runs, (runs.c.state != OPEN) & (runs.c.closed_at < before))
        for table, column in ((subscriptions, requests.c.subscription_id), (schedules, requests.c.schedule_id)):
            made = exists().where(column == table.c.id)
            yield from self._each(table, (table.c.ended_at < before) & ~made)
        yield from self._prune_ready_reports()
        yield from self._revoked(before)
        yield from self._each(confirmations, confirmations.c.expires_at < before)
        yield from self._each(messages, sent)
        yield from self._each(reports, (reports.c.checked_at < before) & ~_asked_for & ~_named)
        yield from self._each(events, (events.c.state != NEW) & (events.c.received_at < before))

    def _revoked(self, before: datetime) -> Iterator[int]:
        """Delete keys and hooks that were revoked, once the audit, which shows their names, has none of them."""
        events_left = exists().where(outbound_events.c.webhook_id == webhooks.c.id)
        webhook_of_revoked, hook_of_revoked = (
            exists().where(keys.c.id == table.c.key_id, keys.c.revoked_at < before) for table in (webhooks, hooks)
        )
        yield from self._each(webhooks, webhook_of_revoked & ~events_left)
        yield from self._each(hooks, ((hooks.c.revoked_at < before) | hook_of_revoked) & ~_hook_is_used)
        yield from self._each(keys, (keys.c.revoked_at < before) & ~_key_is_used)

    def _prune_audit(self, kept_since: datetime, now: datetime) -> int:
        with self._database.read() as tx:
            if not audit.is_there_before(tx, kept_since):
                return 0
        with self._database.begin(durable=False) as tx:
            return audit.prune(tx, kept_since, now, SLICE)

    def _prune_ready_reports(self) -> Iterator[int]:
        with self._database.begin(durable=False) as tx:
            deleted = ready_reports.prune(tx, max(timedelta(days=self._days), AT_LEAST))
        if deleted:
            yield deleted

    def _each(self, table: Table, which: ColumnElement[bool]) -> Iterator[int]:
        (key,) = table.primary_key.columns
        query = select(key).where(which).limit(SLICE)
        while True:
            with self._database.read() as tx:
                keys = list(tx.execute(query).scalars())
            if not keys:
                return
            with self._database.begin(durable=False) as tx:
                deleted = tx.execute(delete(table).where(key.in_(keys))).rowcount
            yield deleted  # the pause that follows holds no lock, and a round that ends here undoes nothing

    def _nothing_open(self, before: datetime) -> datetime:
        """Give the time, or an earlier one before which nothing that is open began."""
        began = (
            select(func.min(requests.c.asked_at)).where(requests.c.state == OPEN),
            select(func.min(runs.c.asked_at)).where(runs.c.state == OPEN),
            select(func.min(events.c.received_at)).where(events.c.state == NEW),
        )
        with self._database.read() as tx:
            found: list[datetime | None] = [tx.execute(query).scalar() for query in began]
        return min([before, *(moment for moment in found if moment is not None)])
