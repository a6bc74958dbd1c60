"""What people see of schedules: the card of one, the list, and what is said when one is made, run or ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bot.db.origin import OriginState
from bot.messages.elements import THAT_YOU_MAY_SEE, button, card, destructive, primary, row, text
from bot.messages.recurrence import in_words
from bot.messages.request_card import days
from bot.messages.schedule_form import CHANGE
from bot.text import escape_card, escape_markdown, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from bot.db.schedules import Schedule
    from bot.webex.report_templates import NewReport
    from bot.webex.types import Card

LONGEST_LABEL: Final = 80
TEST: Final = "test"
"""In a button's argument, before a reference: run it once, beside its times."""
FIXED_PERIOD: Final = "Each run is for the same days."
NO_PERIOD: Final = "This report has no period, so it runs without one."
NEXT_RUNS: Final = "Next runs, each with its period"
NO_RUNS: Final = "It has no runs ahead."
NO_SCHEDULES: Final = "Type `schedule` to have a report run regularly."
FULL_ONLY: Final = "Only full administrators can see the schedules of all spaces. Type `schedules` for this one."
NEUTRAL: Final = "I've sent you the list in a direct message."
NOT_SCHEDULED: Final = (
    "I didn't schedule anything: its reports would be for everyone in that space, external people included. "
    "Schedule it here, or in a space without them."
)
ALREADY_SCHEDULED: Final = "Already scheduled"
JUST_RUN: Final = "It was started a moment ago."


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run that is planned."""

    at: datetime
    report: NewReport


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule, and what is known of it besides its row."""

    schedule: Schedule
    owner: str
    """The name of its owner, to be escaped."""
    place: str = ""
    """``in **Admin reports**``, where it is shown elsewhere."""


def local_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return a time in the schedule's zone, which stands beside it: ``Mon, Nov 30, 2026, 08:00``."""
    local = moment.astimezone(zone)
    return f"{local:%a}, {local:%b} {local.day}, {local.year}, {local:%H:%M}"


def times_of(schedule: Schedule) -> str:
    """Return when it runs, with the time zone: ``every Monday 08:00, Europe/Berlin``."""
    start = datetime.fromisoformat(schedule.dtstart)
    return f"{in_words(schedule.rrule, start.time())}, {schedule.time_zone}"


def schedule_card(
    view: ScheduleView, runs: Sequence[NextRun], zone: ZoneInfo, *, head: str = "", notes: Sequence[str] = ()
) -> tuple[str, Card]:
    """Return a schedule with its next runs, and what can be done with it; ``head``: what has just been done."""
    schedule = view.schedule
    where = ", ".join(filter(None, [schedule.region, schedule.sites]))
    times = times_of(schedule)
    about = " · ".join(filter(None, [schedule.title if schedule.name else "", where, times]))
    about = f"{about[:1].upper()}{about[1:]}"
    told = " · ".join(
        filter(None, [f"Runs as {escape_card(view.owner)}", view.place, f"reference {schedule.reference}"])
    )
    said_notes = [
        *filter(None, [paused(schedule), schedule.note, _only_if(schedule), *notes]),
        *([] if runs else [NO_RUNS]),
    ]
    next_runs = [(local_time(one.at, zone), _period(one.report)) for one in runs]
    body: list[dict[str, Any]] = [
        *([text(head, weight="Bolder", color="Good")] if head else []),
        text(escape_card(schedule.label, LONGEST_LABEL), size="Medium", weight="Bolder"),
        text(escape_card(about), spacing="Small"),
        *(text(escape_card(one, 300), size="Small", spacing="Small") for one in said_notes),
        *([text(NEXT_RUNS, weight="Bolder", size="Small")] if runs else []),
        *(text(f"{at} · {period}", size="Small", spacing="None") for at, period in next_runs),
        text(told, isSubtle=True, size="Small", spacing="Small"),
    ]
    lines = [
        f"{head} **{escape_markdown(schedule.label, LONGEST_LABEL)}**: {escape_markdown(about)}.".lstrip(),
        *map(escape_markdown, said_notes),
        *(f"- {at}, for {period}" for at, period in next_runs),
        f"{told}.",
    ]
    return "\n".join(lines), card(body, _buttons(schedule, is_new=bool(head)), instead="\n".join(lines))


def _buttons(schedule: Schedule, *, is_new: bool) -> list[dict[str, Any]]:
    reference, change = schedule.reference, button("Change", "schedule", f"{CHANGE} {schedule.reference}")
    unschedule = destructive(button("Unschedule", "unschedule", reference))
    history = [] if is_new else [button("History", "history", reference)]
    if schedule.state is OriginState.PAUSED:
        offered = schedule.is_offered and not schedule.direct
        first = button("Take over", "takeover", reference) if offered else button("Resume", "resume", reference)
        return [primary(first), *history, change, unschedule]
    test = button("Send a test now", "schedule", f"{TEST} {reference}")
    return [test, *history, change, button("Pause", "pause", reference), unschedule]


def _period(report: NewReport) -> str:
    return days(report.start, report.end) if report.start and report.end else "no period"


def _only_if(schedule: Schedule) -> str:
    return f"Posted only if {schedule.only_if}." if schedule.only_if else ""


def paused(schedule: Schedule) -> str:
    """Return that it is paused, and why; empty when it is not."""
    if schedule.state is not OriginState.PAUSED:
        return ""
    return f"Paused. {schedule.reason or ''}".rstrip()


def list_card(
    views: Sequence[ScheduleView], zones: Sequence[ZoneInfo], title: str, *, more: str = "", left: int = 0
) -> tuple[str, Card]:
    """Return a page of the list; ``more``: the argument of the next one, ``left``: how many are on it and after."""
    body = [text(title, size="Medium", weight="Bolder")]
    lines = [f"**{title}**", ""]
    for view, zone in zip(views, zones, strict=True):
        schedule = view.schedule
        when = f"next {local_time(schedule.next_at, zone)}" if schedule.next_at is not None else "no run ahead"
        why = f"paused. {schedule.reason}" if schedule.reason else "paused"
        state = why if schedule.state is OriginState.PAUSED else when
        about = " · ".join(filter(None, [times_of(schedule), state]))
        who = " · ".join(filter(None, [f"runs as {escape_card(view.owner)}", view.place, schedule.reference]))
        parts = [
            text(escape_card(schedule.label, LONGEST_LABEL), weight="Bolder"),
            text(escape_card(about), size="Small", spacing="None"),
            text(who, size="Small", isSubtle=True, spacing="None"),
        ]
        body.append(row(parts, button("Show", "schedules", schedule.reference)))
        label = escape_markdown(schedule.label, LONGEST_LABEL)
        lines.append(f"- **{label}**: {escape_markdown(about)} · {who}")
    if left:
        lines.append(f"{left} more: `schedules {more}`")
    said = "\n".join(lines)
    return said, card(body, [button("More", "schedules", more)] if more else [], instead=said)


def twice(other: Schedule) -> str:
    """Return that another schedule does the same."""
    label = one_line(other.label, LONGEST_LABEL)
    return f"The schedule {label} ({other.reference}) runs the same report at the same times."


def running(schedule: Schedule, place: str = "") -> str:
    """Return that a schedule is run now; ``place``: `` in **Admin reports**``, where the answer stands elsewhere."""
    label = escape_markdown(schedule.label, LONGEST_LABEL)
    only_if = f" I'll post it only if {schedule.only_if}." if schedule.only_if else ""
    return f"I'm running **{label}**{place} now; its times stay as they are.{only_if}"


def no_schedules(
    *, direct: bool, everyone: bool = False, elsewhere: bool = False, hidden: bool = False, may_make: bool = True
) -> str:
    """Return that there are none; ``elsewhere``: the answer about a space is read directly.

    ``hidden``: there are some that the person may not see, ``may_make``: the person may make one.
    """
    here = "That space has" if elsewhere else "This space has"
    whose = "There are" if everyone else "You have" if direct else here
    if hidden:
        return f"{whose} no schedules{THAT_YOU_MAY_SEE}."
    return f"{whose} no schedules.{f' {NO_SCHEDULES}' if may_make else ''}"


def unscheduled(schedule: Schedule, argument: str, place: str = "") -> tuple[str, Card]:
    """Return that a schedule has ended, and the button that makes it again; ``place`` as above."""
    said = f"**{escape_markdown(schedule.label, LONGEST_LABEL)}**{place} won't run anymore."
    body = [text(f"**{escape_card(one_line(schedule.label), LONGEST_LABEL)}**{place} won't run anymore.")]
    return said, card(body, [button("Schedule it again", "schedule", argument)], instead=said)


def title_of(*, direct: bool, everyone: bool, elsewhere: bool = False, hidden: bool = False) -> str:
    """Return the title of the list; ``elsewhere``: that of a space is read directly, ``hidden``: it is not complete."""
    here = "Your schedules" if direct else f"Schedules of {'that' if elsewhere else 'this'} space"
    return f"{'All schedules' if everyone else here}{THAT_YOU_MAY_SEE if hidden else ''}"
