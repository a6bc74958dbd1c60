"""``schedule``: have a report run regularly, change when, or send a test of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.named_origin import named_origins, offer_origins
from bot.chat.new_schedule import change_schedule, make_schedule
from bot.chat.registry import registry
from bot.chat.scheduled_run import run_schedule
from bot.chat.shown_schedule import show_schedule
from bot.db.origin import Kind
from bot.db.runs import Why
from bot.db.schedules import Schedule
from bot.messages.help import Group
from bot.messages.schedule_form import CHANGE
from bot.messages.schedules import TEST

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation

MOST_WORDS: Final = 8
"""Of a schedule's name, where more stands behind it."""


@registry.command(
    "schedule",
    usage="schedule <template> every <when> <time> [zone] [period]",
    summary="Have a report run regularly; I'll post each one.",
    group=Group.RUN,
    examples=(
        "schedule calling usage every Monday 08:00 last week",
        "schedule calling usage every month on the 1st 6:30 Europe/Berlin last month EU",
        "schedule calling usage every weekday 7:00 only if not blank named Daily usage",
        "schedule change daily usage every Tuesday 9:00",
    ),
    action=Action.CHANGE,
)
def schedule(invocation: Invocation) -> None:
    """Make a schedule, with everything typed or by a form; change or test one that is there."""
    what, named = invocation.rest[:1], invocation.rest[1:]
    if (shown := _with_reference(invocation)) is not None:
        show_schedule(invocation, shown)
        return
    if what and named and what[0].casefold() in {CHANGE, TEST}:
        found = named_origins(invocation, named, Kind.SCHEDULE)
        if len(found) == 1 and isinstance(found[0], Schedule):
            _act_on(invocation, what[0].casefold(), found[0])
            return
        if not found and (split := _named_first(invocation, named)) is not None:
            change_schedule(invocation, *split)
            return
        if found or invocation.pressed:
            offer_origins(invocation, found, "Show", named)
            return
    make_schedule(invocation, invocation.rest)


def _with_reference(invocation: Invocation) -> Schedule | None:
    """Return the schedule whose reference is all that was given: as buttons do that ask which one is meant."""
    if len(invocation.rest) != 1:
        return None
    found = named_origins(invocation, invocation.rest, Kind.SCHEDULE)
    same = [one for one in found if isinstance(one, Schedule) and one.reference == invocation.rest[0].casefold()]
    return same[0] if same else None


def _named_first(invocation: Invocation, words: tuple[str, ...]) -> tuple[Schedule, tuple[str, ...]] | None:
    """Return the schedule that the first words name, and the words behind them; None where they name none or several.

    The most words count: "daily usage every Monday" is about "daily usage".
    """
    for number in range(min(len(words) - 1, MOST_WORDS), 0, -1):
        found = named_origins(invocation, words[:number], Kind.SCHEDULE)
        if found:
            return (found[0], words[number:]) if len(found) == 1 and isinstance(found[0], Schedule) else None
    return None


def _act_on(invocation: Invocation, what: str, found: Schedule) -> None:
    if what == CHANGE:
        change_schedule(invocation, found)
    else:
        run_schedule(invocation, found, Why.TEST)
