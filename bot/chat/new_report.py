"""Run a report for an invocation: by words or a form, with what Webex would refuse said first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.access.policy import Action
from bot.chat.meant_command import offer_command
from bot.chat.new_report_words import Wanted, read_form, read_words
from bot.chat.plain_language import is_regular
from bot.db import audit, reports, runs, space_settings
from bot.errors import WebexError
from bot.messages import deletion, report_form, sentences
from bot.messages.new_report import NO_PERIOD, longest_within, problems
from bot.messages.report_form import REGIONS
from bot.messages.report_list import not_shown
from bot.outbox import Text
from bot.reports import quota
from bot.reports.periods import Period, find_period
from bot.reports.runs import JUST_CREATED, is_report_of, open_run
from bot.webex.ids import same_id
from bot.webex.report import Phase
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from bot.access.policy import Decision
    from bot.chat.invocation import Invocation
    from bot.db.database import Transaction
    from bot.db.runs import Run
    from bot.webex.report import Report
    from bot.webex.report_templates import NewReport, Template
    from bot.webex.types import Card

log = structlog.get_logger(__name__)

SAME = timedelta(hours=1)
"""For so long a report that was run is offered in place of the same one."""
TAPPED_TWICE = timedelta(seconds=10)
"""Two presses within so long that ask for the same report are one."""
PRESS = "attachmentActions:"
"""The keys of presses begin with it."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person may run, and their day."""

    decision: Decision
    templates: Sequence[Template]
    missing: tuple[str, ...]
    """What is said of each family whose templates Webex doesn't list."""
    today: date
    on_behalf_of: str = ""
    """The sub-partner organization whose templates they are."""

    def no_template(self, words: str) -> str:
        """Return that no template has this name, and which weren't looked for; of no words only what is missing."""
        if not words:
            return " ".join(self.missing)
        return " ".join(filter(None, [sentences.no_template(words), *self.missing, self.decision.others]))

    def template(self, family: str, template_id: str, title: str) -> Template | None:
        """Return a template by its ID, or by its title where the report does not tell the ID."""
        of_family = [one for one in self.templates if one.family == family]
        same = [one for one in of_family if one.id == template_id]
        titled = [one for one in of_family if one.title == title]
        return same[0] if same else titled[0] if len(titled) == 1 else None  # of two, either would be a guess


def options_for(invocation: Invocation, on_behalf_of: str | None = None) -> RunOptions:
    """Ask policy who may run reports, and Webex which. Raises ``BotError``.

    ``on_behalf_of``: the organization of a report that is run again; None: what the message names.
    Who would read along is asked right before an answer; a report that is run is answered by its request.
    """
    services = invocation.services
    decision = invocation.check_person(Action.CHANGE)
    on_behalf_of = invocation.on_behalf_of if on_behalf_of is None else on_behalf_of
    with services.database.read() as tx:
        zone = space_settings.time_zone_of(tx, invocation.room_id)
    with invocation.report_call():
        templates, refused = services.catalog.templates(decision.families, on_behalf_of)
    missing = tuple(not_shown(family, error) for family, error in refused.items())
    return RunOptions(decision, templates, missing, services.now().astimezone(zone).date(), on_behalf_of)


def answer(invocation: Invocation, markdown: str, card: Card | None = None) -> None:
    """Answer where policy allows it now."""
    invocation.authorize(Action.CHANGE)
    invocation.say("new", markdown, card)


def run_new(invocation: Invocation, options: RunOptions, words: Sequence[str]) -> None:
    """Run what the words and the form's fields ask for, or say what is missing."""
    wanted = read_words(words, options.templates, options.today, options.on_behalf_of)
    if invocation.inputs:
        wanted = read_form(invocation.inputs, wanted, options.templates)
    template = wanted.template
    if is_regular(wanted.unread):
        offer_command(invocation, "schedule", words)
        return
    if template is None:
        ask_template(invocation, options, wanted)
        return
    if options.missing and list(words[:1]) != [template.key]:  # one that is not listed may fit the words better
        wanted = replace(wanted, guessed=True)
    if not invocation.inputs:
        wanted = _until_data_ends(wanted, template, options.today)
    report = wanted.of(template)
    wrong = _wrong_in(wanted, template, options.today)
    if wrong:
        _show_form(invocation, options, wanted, template, wrong)
    elif wanted.guessed:
        answer(invocation, *report_form.confirm_card(template.title, report))
    elif wanted.anyway or not is_advised_against(invocation, template, report):
        start_run(invocation, template, report, anyway=wanted.anyway)


def _wrong_in(wanted: Wanted, template: Template, today: date) -> list[str]:
    """Return a sentence for each thing that Webex would refuse, or that would be left out."""
    wrong = problems(template, wanted.of(template), today)
    if wanted.start and not template.takes_dates:
        wrong.append(NO_PERIOD)
    if wanted.future:
        wrong.insert(0, sentences.in_the_future(" ".join(wanted.future)))
    if wanted.unread:
        wrong.append(sentences.not_understood(" ".join(wanted.unread)))
    return wrong


def _until_data_ends(wanted: Wanted, template: Template, today: date) -> Wanted:
    """Let a period that is not over yet end with the data; the days are then shown before it runs."""
    last_day = template.data_end or today
    if wanted.start is None or wanted.end is None or not wanted.start <= last_day < wanted.end:
        return wanted
    return replace(wanted, end=last_day, guessed=True)


def ask_template(invocation: Invocation, options: RunOptions, wanted: Wanted) -> None:
    """Ask which of the templates that fit is meant, or of all where none does."""
    choices = wanted.choices or wanted.nearest
    if not choices and invocation.inputs.get(report_form.TEMPLATE) == "":
        invocation.answer_press_directly()
        answer(invocation, report_form.nothing_chosen(sentences.WHICH_TEMPLATE))
        return
    if not choices:
        note = options.no_template(" ".join(wanted.unread))
        said = report_form.details_of(wanted.start, wanted.end, wanted.region, wanted.sites, wanted.on_behalf_of)
        answer(invocation, *report_form.choose_card(options.templates, " ".join(said), note))
        return
    question = sentences.WHICH_TEMPLATE if wanted.choices else options.no_template(" ".join(wanted.unread))
    # With what was typed besides: a press asks for the rest only.
    listed = [(one, report_form.argument_of(wanted.of(one))) for one in choices]
    answer(invocation, *report_form.which_card(question, listed))


def _show_form(
    invocation: Invocation, options: RunOptions, wanted: Wanted, template: Template, wrong: Sequence[str]
) -> None:
    """Show the form with what was entered; one that was not filled in yet has a period to begin with.

    Beside words that were not understood, or are of the future, it has none: they may have been the period.
    """
    report = wanted.of(template)
    said = (*wanted.unread, *wanted.future)
    untouched = not said and not invocation.inputs.keys() & {report_form.START, report_form.END}
    if untouched and template.takes_dates and report.start is None and report.end is None:
        period = _usual_period(template, options.today)
        report = replace(report, start=period.start, end=period.end)
        wrong = problems(template, report, options.today)
    with invocation.services.database.read() as tx:
        regions = reports.regions(tx, template.family, REGIONS) if FAMILIES[template.family].takes_region else []
        used = runs.organizations(tx, invocation.person_id, invocation.room_id)
    form = report_form.form_card(
        template,
        report,
        wrong,
        regions,
        organizations=list(dict.fromkeys(filter(None, [report.on_behalf_of, *used]))),
        shorter=longest_within(template, report, options.today),
        today=options.today,
    )
    answer(invocation, *form)
    invocation.delete_form("new")


def _usual_period(template: Template, today: date) -> Period:
    """Return last month, or as much of the latest days as the template takes."""
    month, _ = find_period(("last", "month"), today)
    assert month is not None
    last_day = min(template.data_end or today, today)
    first_day = template.data_start
    fits = template.max_days is None or month.days <= template.max_days
    if fits and month.end <= last_day and (first_day is None or month.start >= first_day):
        return month
    start = last_day - timedelta(days=min(template.max_days or month.days, month.days) - 1)
    return Period(max(start, first_day) if first_day and first_day <= last_day else start, last_day)


def is_advised_against(invocation: Invocation, template: Template, report: NewReport) -> bool:
    """Say why the report should not be run, each time with a button to run it anyway. Return True when it is said.

    What Webex refuses to list is no reason: it may run reports all the same. Raises ``WebexError`` that passes.
    """
    try:
        with invocation.report_call():
            listed = invocation.services.catalog.listing(
                report.family.value, report.region or None, report.on_behalf_of or None
            )
    except WebexError as error:
        if error.passing:
            raise
        log.info("reports_not_listed", cause=str(error))
        return False
    if _was_run(invocation, template, report, listed):
        return True
    if quota.room_for_one(listed, report.family):
        return False
    used = quota.in_use(listed, report.family)
    answer(invocation, *deletion.no_room(report, used, quota.MOST_REPORTS))
    return True


def _was_run(invocation: Invocation, template: Template, report: NewReport, listed: Iterable[Report]) -> bool:
    """Offer the same report where it was run within the hour. Return True when it is offered."""
    now = invocation.services.now()
    same = [
        one
        for one in listed
        if one.phase is not Phase.FAILED
        and one.created is not None
        and now - one.created < SAME
        and is_report_of(one, report, template.title)
    ]
    if not same:
        return False
    newest = max(same, key=lambda one: one.created or now)
    _offer_that_one(invocation, newest, report, newest.created or now)
    return True


def _offer_that_one(invocation: Invocation, that: Report, report: NewReport, run_at: datetime) -> None:
    minutes = int((invocation.services.now() - run_at).total_seconds() // 60)

    invocation.trail.report_ids = (that.id,)
    invocation.show("new", Text(*report_form.ran_card(that, report, minutes)))


def start_run(invocation: Invocation, template: Template, report: NewReport, *, anyway: bool = False) -> None:
    """Open the run: its report comes into this thread like any other."""
    services = invocation.services
    if template.takes_time_zone:
        with services.database.read() as tx:
            report = replace(report, time_zone=space_settings.time_zone_of(tx, invocation.room_id).key)
    with services.database.begin() as tx:
        before = _same_run(tx, invocation, report, anyway=anyway)
        that = reports.get(tx, before.report_id) if before and before.report_id else None
        if before is None:
            _open_run(tx, invocation, report, template.title)
    if before is None:
        invocation.delete_form("new")
    elif that is not None and not anyway:
        _offer_that_one(invocation, that.report, report, before.asked_at)
    else:
        answer(invocation, sentences.ALREADY_RUNNING)


def _open_run(tx: Transaction, invocation: Invocation, report: NewReport, title: str) -> None:
    reference = open_run(tx, invocation.services, invocation.asker, report, title)
    if reference is not None:
        audit.record(tx, invocation.entry("new", None, audit.ASKED, reference), invocation.services.now())
    invocation.trail.recorded = True
    invocation.settle(tx)


def _same_run(tx: Transaction, invocation: Invocation, report: NewReport, *, anyway: bool) -> Run | None:
    """Return the run that this would repeat: Webex doesn't list its report yet, or a button was tapped twice."""
    now, person_id = invocation.services.now(), invocation.person_id
    if anyway:
        since = now - TAPPED_TWICE
        found = [
            one for one in runs.same_as(tx, report, since) if one.asked_at >= since and one.event_key.startswith(PRESS)
        ]
        return next((one for one in found if invocation.pressed and same_id(one.person_id, person_id)), None)
    for one in runs.same_as(tx, report, now - timedelta(seconds=JUST_CREATED)):
        row = reports.get(tx, one.report_id) if one.report_id else None
        if row is None or row.phase is not Phase.FAILED:
            return one
    return None
