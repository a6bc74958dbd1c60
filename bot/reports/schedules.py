"""Open the runs of schedules when they are due, each once.

A run's event key has the time for which it was planned. So it is made once, whatever is repeated, and however often the
clock is set back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import origins, schedules
from bot.db.origin import PauseCause
from bot.db.runs import Why
from bot.db.trace_ids import trace_id
from bot.outbound.events import tell_paused
from bot.queue import RetryLater, tasks
from bot.reports.periods import find_period
from bot.reports.recurrence import InvalidRecurrence, validated
from bot.reports.requests import SLICE, Asker
from bot.reports.runs import open_run
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from datetime import date, datetime

    from bot.db.database import Transaction
    from bot.db.schedules import Schedule
    from bot.queue import Queue
    from bot.reports.periods import Period
    from bot.reports.recurrence import Recurrence
    from bot.reports.requests import Opener
    from bot.services import Services

log = structlog.get_logger(__name__)

ALL: Final = "all"
"""The key of the only job."""
LATE_AFTER: Final = timedelta(minutes=5)
"""A run that is opened later than so has been missed."""
LOOK_AGAIN: Final = 60.0
"""Seconds until it is looked again for what is due, at most: the clock may be set forward."""


class Schedules:
    """The task that opens what is due; there is one job, which comes back for the next run."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, _key: str) -> RetryLater | None:
        """Open some of the runs that are due, and come back for the rest; without schedules there is no job."""
        services, now = self._services, self._services.now()
        with services.database.read() as tx:
            first = schedules.first_time(tx)
        if first is None:
            return None
        if first > now:
            return RetryLater(min(LOOK_AGAIN, (first - now).total_seconds()), count=False)
        with services.database.begin() as tx:
            for schedule in schedules.due(tx, now, SLICE):
                open_due_run(tx, services, schedule, now)
        return RetryLater(0.0, count=False)

    def on_failure(self, _key: str, sentence: str) -> None:
        """Log that runs could not be opened; the next maintenance puts the job again."""
        log.error("schedules_not_run", sentence=sentence)


def put_schedules(tx: Transaction, queue: Queue, *, if_absent: bool = False) -> None:
    """Have it looked for what is due: after a schedule was made, changed or resumed."""
    queue.put(tx, tasks.SCHEDULES, ALL, if_absent=if_absent)


def recurrence_of(schedule: Schedule) -> Recurrence:
    """Return when a schedule runs. Raises ``InvalidRecurrence`` where its row holds none."""
    return validated(schedule.rrule, schedule.dtstart, schedule.time_zone)


def set_next(tx: Transaction, schedule: Schedule, now: datetime) -> None:
    """Set a schedule's next run to the first after now. Raises ``InvalidRecurrence``."""
    schedules.set_values(tx, schedule.id, next_at=recurrence_of(schedule).after(now))


def open_due_run(tx: Transaction, services: Services, schedule: Schedule, now: datetime) -> None:
    """Open the last run of a schedule that was planned up to now, and set its next one."""
    assert schedule.next_at is not None
    try:
        recurrence = recurrence_of(schedule)
    except InvalidRecurrence as error:
        if origins.pause(tx, schedule.origin, PauseCause.FAILURES, str(error)):
            tell_paused(tx, services.queue, schedule, PauseCause.FAILURES, now)
        log.error("schedule_unreadable", reference=schedule.reference)  # noqa: TRY400 the rest is no bug of this place
        return
    planned = max(schedule.next_at, recurrence.latest(now) or schedule.next_at)
    why = Why.LATE if now - planned > LATE_AFTER else Why.DUE
    event_key = f"{schedule.origin.key}:{planned:%Y-%m-%dT%H:%MZ}"
    reference = open_scheduled_run(tx, services, schedule, why, planned_at=planned, event_key=event_key)
    schedules.set_values(tx, schedule.id, next_at=recurrence.after(now))
    log.info("schedule_due", schedule=schedule.reference, run=reference, why=why.value, trace_id=trace_id(event_key))


def open_scheduled_run(
    tx: Transaction, services: Opener, schedule: Schedule, why: Why, *, planned_at: datetime, event_key: str
) -> str | None:
    """Open a run of a schedule, with the period of the day for which it was planned.

    It is its owner's, and goes to the top level of its space. Return its reference; None when the event made it before.
    """
    now = services.now()
    asker = Asker(event_key, schedule.person_id, schedule.room_id, schedule.room_type, None, now, schedule.origin)
    new = report_of(schedule, planned_at)
    return open_run(tx, services, asker, new, schedule.title, why=why, planned_at=planned_at)


def report_of(schedule: Schedule, planned_at: datetime) -> NewReport:
    """Return the report that a schedule's run of a moment asks for."""
    day = planned_at.astimezone(recurrence_of(schedule).zone).date()
    period = period_on(schedule.period, day)
    return NewReport(
        family=Family(schedule.family),
        template_id=schedule.template_id,
        start=None if period is None else period.start,
        end=None if period is None else period.end,
        region=schedule.region or "",
        sites=tuple(filter(None, (schedule.sites or "").split(","))),
        time_zone=schedule.time_zone if schedule.takes_time_zone else "",
        on_behalf_of=schedule.on_behalf_of or "",
    )


def period_on(words: str | None, day: date) -> Period | None:
    """Return the period that words mean on a day; None for a report without one."""
    return None if words is None else find_period(words.split(), day)[0]
