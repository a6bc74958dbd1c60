"""Turn what the fields of a schedule say into its runs, and find what Webex would refuse in them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.messages.new_report import problems
from bot.messages.recurrence import MANY_DAYS, QUARTERLY, days_left_out, short_months
from bot.messages.schedule_form import WHICH_PERIOD
from bot.messages.schedules import FIXED_PERIOD, NO_PERIOD
from bot.reports.periods import find_period
from bot.reports.recurrence import InvalidRecurrence, starting, validate
from bot.reports.schedules import period_on
from bot.text import one_line
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.chat.schedule_words import Plan
    from bot.reports.recurrence import Recurrence
    from bot.webex.report_templates import Template

SHOWN_RUNS: Final = 3
FAR: Final = 400
"""Days: a period that is the same so much later is always the same."""
DAYS_OF_A_MONTH: Final = 31
DAYS_OF_A_QUARTER: Final = 92


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule that may be stored, or what is wrong with it."""

    plan: Plan
    recurrence: Recurrence | None = None
    wrong: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def columns(self, template: Template) -> dict[str, Any]:
        """Return the columns that hold it."""
        assert self.recurrence is not None
        plan = self.plan
        return {
            "name": plan.name or None,
            "note": plan.note or None,
            "family": template.family.value,
            "template_id": template.id,
            "title": one_line(template.title),
            "region": plan.region or None,
            "sites": ",".join(plan.sites) or None,
            "period": plan.period or None,
            "rrule": plan.rrule,
            "dtstart": self.recurrence.dtstart.isoformat(timespec="seconds"),
            "time_zone": plan.zone,
            "only_if": plan.only_if,
            "takes_time_zone": template.takes_time_zone,
        }


def planned(plan: Plan, template: Template, now: datetime, *, on_behalf_of: str = "") -> Planned:
    """Return the next runs of a plan, with the period where it names none, and a sentence for what is wrong."""
    try:
        recurrence = starting(plan.rrule, plan.at, ZoneInfo(plan.zone), now)
        validate(recurrence)
    except InvalidRecurrence as error:
        return Planned(plan, wrong=(str(error),))
    moments = recurrence.upcoming(now, SHOWN_RUNS)
    no_period = NO_PERIOD if plan.period and not template.takes_dates else ""
    if not template.takes_dates:
        plan = replace(plan, period="")
    elif not plan.period:
        found = [replace(plan, period=words) for words in usual_periods(plan.rrule, template)]
        plan = next((one for one in found if not _wrong(one, template, moments, now, on_behalf_of)), found[0])
    wrong = _wrong(plan, template, moments, now, on_behalf_of)
    fixed = FIXED_PERIOD if _is_fixed(plan.period, _day(now, plan)) else ""
    notes = filter(None, [short_months(plan.rrule), days_left_out(plan.rrule, plan.period), fixed, no_period])
    return Planned(plan, recurrence, tuple(wrong), tuple(notes))


def report_on(plan: Plan, template: Template, day: date, on_behalf_of: str) -> NewReport:
    """Return the report of a run on a day."""
    period = period_on(plan.period or None, day)
    return NewReport(
        family=template.family,
        template_id=template.id,
        start=None if period is None else period.start,
        end=None if period is None else period.end,
        region=plan.region,
        sites=plan.sites,
        on_behalf_of=on_behalf_of,
    )


def usual_periods(rule: str, template: Template) -> list[str]:
    """Return the periods that suit a rule, the most usual first."""
    days = rule.partition("BYDAY=")[2].partition(";")[0].count(",") + 1
    if rule.startswith("FREQ=HOURLY"):
        found = [("today", 1), ("yesterday", 1)]
    elif rule.startswith("FREQ=DAILY") or (rule.startswith("FREQ=WEEKLY") and days >= MANY_DAYS):
        found = [("yesterday", 1), ("day before yesterday", 1)]
    elif rule.startswith("FREQ=WEEKLY;INTERVAL=2;"):
        found = [("last 14 days", 14), ("last week", 7)]
    elif rule.startswith("FREQ=WEEKLY"):
        found = [("last week", 7), ("last 7 days", 7)][days > 1 :]
    elif rule == QUARTERLY:
        found = [("last quarter", DAYS_OF_A_QUARTER), ("last month", DAYS_OF_A_MONTH)]
    else:
        found = [("last month", DAYS_OF_A_MONTH)]
    most = template.max_days
    fitting = [words for words, length in found if most is None or length <= most]
    return fitting or ["yesterday" if most == 1 else f"last {most} days"]


def _wrong(plan: Plan, template: Template, moments: Sequence[datetime], now: datetime, on_behalf_of: str) -> list[str]:
    """Return a sentence for each thing that Webex would refuse in the next runs; data grows by a day each day."""
    if template.takes_dates and find_period(plan.period.split(), _day(now, plan))[1]:
        return [WHICH_PERIOD]
    today = _day(now, plan)
    found: list[str] = []
    for day in (_day(one, plan) for one in moments):
        then = template
        if template.data_end is not None:
            then = replace(template, data_end=template.data_end + (day - today))
        found += problems(then, report_on(plan, template, day, on_behalf_of), day)
    return list(dict.fromkeys(found))[:SHOWN_RUNS]


def _day(moment: datetime, plan: Plan) -> date:
    return moment.astimezone(ZoneInfo(plan.zone)).date()


def _is_fixed(words: str, day: date) -> bool:
    """Return True for a period that is the same on each day."""
    return bool(words) and period_on(words, day) == period_on(words, date.fromordinal(day.toordinal() + FAR))
