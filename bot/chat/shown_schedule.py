"""Show schedules: one with its next runs, and the list of those of a space, a person, or everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.chat.names import look_up, reader_of
from bot.db.origin import OriginState
from bot.messages.schedules import NextRun, ScheduleView, list_card, schedule_card
from bot.outbox import Text
from bot.reports.recurrence import InvalidRecurrence
from bot.reports.schedules import recurrence_of, report_of
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation
    from bot.db.schedules import Schedule
    from bot.messages.names import Names

SHOWN_RUNS: Final = 3
PAGE: Final = 8
"""Schedules on one card."""


def show_schedule(invocation: Invocation, schedule: Schedule, *, head: str = "", notes: Sequence[str] = ()) -> None:
    """Answer with a schedule and its next runs; ``head``: what has just been done."""
    (view,) = _views(invocation, [schedule])
    said = schedule_card(view, next_runs(invocation, schedule), _zone(schedule), head=head, notes=notes)
    invocation.show("schedule", Text(*said))


def next_runs(invocation: Invocation, schedule: Schedule) -> list[NextRun]:
    """Return the next runs of a schedule, with their periods; none of one that is paused."""
    if schedule.state is not OriginState.ACTIVE:
        return []
    try:
        moments = recurrence_of(schedule).upcoming(invocation.services.now(), SHOWN_RUNS)
    except InvalidRecurrence:
        return []
    return [NextRun(one, report_of(schedule, one)) for one in moments]


def show_list(invocation: Invocation, found: Sequence[Schedule], title: str, page: int, argument: str) -> None:
    """Answer with a page of schedules, as far as the person may see their families."""
    shown = found[(page - 1) * PAGE : page * PAGE]
    left = max(0, len(found) - page * PAGE)
    more = f"{argument} {page + 1}".strip() if left else ""
    said = list_card(_views(invocation, shown), list(map(_zone, shown)), title, more=more, left=left)
    invocation.show("schedules", Text(*said))


def _views(invocation: Invocation, found: Sequence[Schedule]) -> list[ScheduleView]:
    away = [one for one in found if not same_id(one.room_id, invocation.room_id)]
    names = look_up(
        invocation.services,
        [one.person_id for one in found],
        [one.room_id for one in away if not one.direct],
        reader=reader_of(invocation, away),
    )
    return [ScheduleView(one, names.person(one.person_id), _place(names, one) if one in away else "") for one in found]


def _place(names: Names, schedule: Schedule) -> str:
    return names.place(schedule.room_id, direct=schedule.direct)


def _zone(schedule: Schedule) -> ZoneInfo:
    try:
        return recurrence_of(schedule).zone
    except InvalidRecurrence:
        return ZoneInfo("UTC")
