"""Run a schedule now, beside its times."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.named_origin import require_change
from bot.chat.names import place_elsewhere
from bot.db import audit, runs
from bot.messages.schedules import JUST_RUN, running
from bot.reports.schedules import open_scheduled_run, report_of

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation
    from bot.db.runs import Why
    from bot.db.schedules import Schedule

TAPPED_TWICE: Final = timedelta(seconds=10)
"""Two presses within so long are one."""


def run_schedule(invocation: Invocation, schedule: Schedule, why: Why) -> None:
    """Open a run of a schedule for today, once for an event, and say so. Raises ``Refused``."""
    services, word = invocation.services, invocation.word.casefold()
    invocation.trail.reference = schedule.reference
    require_change(invocation, schedule)
    invocation.authorize(Action.CHANGE)
    now = services.now()
    with services.database.begin() as tx:
        lately = runs.same_as(tx, report_of(schedule, now), now - TAPPED_TWICE)
        twice = any(
            one.schedule_id == schedule.id
            and one.asked_at >= now - TAPPED_TWICE
            and not one.event_key.startswith(invocation.event_key)
            for one in lately
        )
        if not twice:
            event_key = f"{invocation.event_key}:{word}"
            reference = open_scheduled_run(tx, services, schedule, why, planned_at=now, event_key=event_key)
            if reference is not None:
                audit.record(tx, invocation.entry(word, None, audit.ASKED, reference), now)
            invocation.trail.recorded = True
    invocation.say(word, JUST_RUN if twice else running(schedule, place_elsewhere(invocation, schedule)))
