"""``run again``, ``last``: run a report once more, for the same period or the next."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.named_origin import named_origins, offer_origins
from bot.chat.named_report import find_by_id
from bot.chat.new_report import RunOptions, answer, ask_template, is_advised_against, options_for, run_new, start_run
from bot.chat.new_report_words import Wanted, nearest_to, read_words
from bot.chat.registry import registry
from bot.chat.scheduled_run import run_schedule
from bot.chat.thread_context import naming_words, reports_meant
from bot.db import reports, runs
from bot.db.origin import Kind
from bot.db.runs import Why
from bot.db.schedules import Schedule
from bot.messages import report_form, sentences
from bot.messages.help import Group
from bot.messages.new_report import problems
from bot.reports.blank_facts import home_region
from bot.reports.periods import Period, find_period, next_after
from bot.webex.report import Phase, is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation
    from bot.webex.report import Report
    from bot.webex.report_templates import NewReport, Template

AGAIN = "again"
_AGAIN: Final = frozenset({AGAIN, "it"})


@registry.command(
    "run",
    usage="run again [ID] or run <schedule>",
    summary="Run a report again, or a schedule now.",
    group=Group.RUN,
    examples=("run again", "run weekly usage"),
    action=Action.CHANGE,
)
def run(invocation: Invocation) -> None:
    """Offer a report's template once more, or run a schedule; ``run <title> <period>`` is what ``new`` is."""
    invocation.check_person(Action.CHANGE)
    found = _schedules_named(invocation)
    if (schedule := _exactly(invocation, found)) is not None:
        run_schedule(invocation, schedule, Why.BY_HAND)
        return
    first = list(takewhile(lambda word: not naming_words([word]), invocation.rest))
    if len(first) == len(invocation.rest) > 0 or not _AGAIN.isdisjoint(map(str.casefold, first)):  # "run it for May"
        run_again(invocation, options_for(invocation), invocation.rest[len(first) :])
        return
    options = options_for(invocation)
    wanted = read_words(invocation.rest, options.templates, options.today)
    if not found or wanted.template is not None or wanted.choices:
        run_new(invocation, options, invocation.rest)
    elif len(found) == 1:
        run_schedule(invocation, found[0], Why.BY_HAND)
    else:
        offer_origins(invocation, found, "Run now")


def _schedules_named(invocation: Invocation) -> list[Schedule]:
    """Return the schedules whose reference or words of whose name were given; of a title only where it is the name."""
    words = [word.casefold() for word in invocation.rest]
    if not words or words == [AGAIN]:
        return []
    found = named_origins(invocation, invocation.rest, Kind.SCHEDULE)
    schedules = [one for one in found if isinstance(one, Schedule)]
    return [one for one in schedules if words == [one.reference] or all(word in _name(one) for word in words)]


def _exactly(invocation: Invocation, found: Sequence[Schedule]) -> Schedule | None:
    """Return the one that has this reference or whole name: it goes before a template that these words may mean."""
    said = " ".join(invocation.rest).casefold()
    exact = [one for one in found if said in {one.reference, _name(one)}]
    return exact[0] if len(exact) == 1 else None


def _name(schedule: Schedule) -> str:
    return " ".join((schedule.name or "").split()).casefold()


@registry.command("last", usage="last", summary="Run your last report again.", group=Group.RUN, action=Action.CHANGE)
def last(invocation: Invocation) -> None:
    """Offer what the person has run last, for the same period or the next."""
    _offer_last(invocation, options_for(invocation), None)


def _offer_last(invocation: Invocation, options: RunOptions, period: Period | None) -> None:
    with invocation.services.database.read() as tx:
        found = runs.latest_of(tx, invocation.person_id, options.decision.families)
    if found is None:
        answer(invocation, sentences.NOTHING_RUN)
        return
    options = _of_organization(invocation, options, found.on_behalf_of or "")
    template = options.template(found.family, found.template_id, found.title)
    wanted = _same_as(found.new_report, period)
    if template is None:
        _ask_template(invocation, options, found.family, found.title, wanted)
    else:
        _offer(invocation, options, template, wanted.of(template))


def run_again(invocation: Invocation, options: RunOptions, words: Sequence[str]) -> None:
    """Offer the template of a report once more, for the period in the words; one that failed is run again at once."""
    period, left = find_period(words, options.today)
    if period is None or naming_words(left):
        period, left = None, tuple(words)
    named = [one for one in left if looks_like_report_id(one)] or [
        one for one in left if invocation.pressed and is_report_id(one)
    ]
    named = named or reports_meant(invocation, options.decision, words=left)
    if not named and naming_words(left):
        run_new(invocation, options, words)
        return
    if not named:
        _offer_last(invocation, options, period)
        return
    report = _known(invocation, options, named[0])
    invocation.trail.report_ids = (report.id,)
    options = _of_organization(invocation, options, report.on_behalf_of)
    template = options.template(report.family, report.template_id, report.title)
    wanted = _same_as(report, period)
    if template is None:
        _ask_template(invocation, options, report.family, report.title, wanted)
        return
    same = wanted.of(template)
    if report.phase is Phase.FAILED and not problems(template, same, options.today):
        if not is_advised_against(invocation, template, same):
            start_run(invocation, template, same)
    else:
        with invocation.report_call():
            at_home = home_region(invocation.services.catalog, report) == same.region
        _offer(invocation, options, template, replace(same, region="") if at_home else same)


def _same_as(one: Report | NewReport, period: Period | None) -> Wanted:
    """Return what a report was run for; ``period``: another one for which it is wanted."""
    of = period or one
    return Wanted(start=of.start, end=of.end, region=one.region, sites=one.sites, on_behalf_of=one.on_behalf_of)


def _ask_template(invocation: Invocation, options: RunOptions, family: str, title: str, wanted: Wanted) -> None:
    """Ask which of the templates with a report's title is meant, or offer those that are near to it."""
    of_family = [one for one in options.templates if one.family == family]
    titled = tuple(one for one in of_family if one.title == title)
    near = replace(wanted, choices=titled) if titled else nearest_to(title, wanted, of_family)
    ask_template(invocation, options, near)


def _of_organization(invocation: Invocation, options: RunOptions, on_behalf_of: str) -> RunOptions:
    """Return what can be run for the organization of a report. Raises ``BotError``."""
    return options if options.on_behalf_of == on_behalf_of else options_for(invocation, on_behalf_of)


def _known(invocation: Invocation, options: RunOptions, report_id: str) -> Report:
    """Return a report from the database, or from Webex where it is not there. Raises ``BotError``."""
    with invocation.services.database.read() as tx:
        row = reports.get(tx, report_id)
    if row is not None and row.family in options.decision.families and row.title:
        return row.report
    return find_by_id(invocation, report_id, options.decision.families, options.decision.others)


def _offer(invocation: Invocation, options: RunOptions, template: Template, same: NewReport) -> None:
    following = None
    if same.start and same.end:
        period = next_after(Period(same.start, same.end))
        if period is not None:
            following = replace(same, start=period.start, end=period.end)
        is_over = period is not None and period.end < options.today
        if following is not None and (not is_over or problems(template, following, options.today)):
            following = None
    answer(invocation, *report_form.again_card(template, same, following))
