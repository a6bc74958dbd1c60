"""Make a schedule for an invocation, or change one: by words or a form, with what Webex would refuse said first."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bot.access.policy import Action
from bot.chat.named_origin import require_change
from bot.chat.new_report import options_for
from bot.chat.schedule_plan import planned
from bot.chat.schedule_words import period_words, read_typed, read_values, values_of
from bot.chat.shown_schedule import show_schedule
from bot.chat.thread_context import reports_meant
from bot.chat.time_zones import zone_named
from bot.db import audit, origins, reports, schedules
from bot.db.origin import Kind
from bot.db.schedules import Schedule
from bot.messages import schedule_form
from bot.messages.report_form import REGIONS, nothing_chosen
from bot.messages.schedule_form import CHANGE, DATE, DAYS, HOW_OFTEN, REPEAT, TEMPLATE, TIME, WHAT_TIME, ZONE, form_card
from bot.messages.schedules import ALREADY_SCHEDULED, NOT_SCHEDULED, twice
from bot.reports.schedules import put_schedules, set_next
from bot.webex.ids import same_id
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.chat.invocation import Invocation
    from bot.chat.new_report import RunOptions
    from bot.chat.schedule_plan import Planned
    from bot.chat.schedule_words import Typed
    from bot.db.database import Transaction
    from bot.webex.report_templates import Template

FIELDS = frozenset({REPEAT, TIME, ZONE})
"""A press that has these comes from the form."""
SAME = ("family", "template_id", "on_behalf_of", "region", "sites", "period", "rrule", "time_zone", "only_if")
"""What two schedules have in common, with the time of the day, when one is enough."""


def make_schedule(invocation: Invocation, words: Sequence[str]) -> None:
    """Make what the words and the form's fields ask for, or show what is missing in the form."""
    options = options_for(invocation)
    words = _of_thread(invocation, options, words)
    typed = read_typed(words, options.templates, options.today)
    template = typed.wanted.template or _chosen(invocation, options)
    if template is None:
        _ask_template(invocation, options, typed)
        return
    is_form = invocation.inputs.keys() >= FIELDS
    values = dict(invocation.inputs) if is_form else dict(typed.values)
    values.setdefault(ZONE, zone_of(invocation))
    made, wrong = _read(invocation, options, values, template)
    wrong = [*([] if is_form else typed.wrong), *wrong]
    named = typed.wanted.template is not None and not typed.wanted.guessed and not options.missing
    if not (is_form or typed.values.keys() & {REPEAT, TIME}):
        wrong = list(typed.wrong)  # of a form that is only begun nothing is missing yet
    elif not is_form:
        wrong = [one for one in wrong if one != WHAT_TIME]  # the form proposes one
    if made is None or wrong or not (is_form or named):
        if made is not None:
            values.setdefault(schedule_form.PERIOD, made.plan.period)
        _show_form(invocation, template, values, wrong)
        return
    _store(invocation, template, made)


def _of_thread(invocation: Invocation, options: RunOptions, words: Sequence[str]) -> Sequence[str]:
    """Return the words with the template of the thread's report in place of "it"; without one, as they are."""
    if not words or words[0].casefold() != "it":
        return words
    ids = reports_meant(invocation, options.decision, words=())
    with invocation.services.database.read() as tx:
        row = reports.get(tx, ids[-1]) if ids else None
    template = row and options.template(row.family, row.report.template_id, row.report.title)
    return (template.key, *words[1:]) if template else words


def _store(invocation: Invocation, template: Template, made: Planned) -> None:
    """Store a schedule and answer with it; a job that was cut off stores it once."""
    services = invocation.services
    if not _goes_here(invocation):
        return
    now = services.now()
    values = made.columns(template) | {
        "reference": services.new_reference(),
        "event_key": invocation.event_key,
        "person_id": invocation.person_id,
        "room_id": invocation.room_id,
        "room_type": invocation.room_type,
        "created_at": now,
        "on_behalf_of": invocation.on_behalf_of or None,
    }
    with services.database.begin() as tx:
        same = _same(tx, values)
        known = invocation.pressed is not None and schedules.of_event(tx, invocation.event_key) is None and same
        added = None if known else schedules.add(tx, values)
        stored = known or schedules.of_event(tx, invocation.event_key)
        assert stored is not None
        if added is not None:
            set_next(tx, stored, now)
            put_schedules(tx, services.queue)
            audit.record(tx, invocation.entry("schedule", None, audit.ASKED, stored.reference), now)
    invocation.trail.recorded, invocation.trail.reference = not known, stored.reference
    notes = (*made.notes, *([twice(same)] if same and not known else []))
    show_schedule(invocation, stored, head=ALREADY_SCHEDULED if known else "Scheduled", notes=notes)
    invocation.delete_form("schedule")


def change_schedule(invocation: Invocation, schedule: Schedule, words: Sequence[str] = ()) -> None:
    """Show the form of a schedule with the changes that were typed, or store what was entered in it.

    Raises ``Refused``.
    """
    invocation.trail.reference = schedule.reference
    require_change(invocation, schedule)
    options = options_for(invocation, schedule.on_behalf_of or "")
    template = options.template(schedule.family, schedule.template_id, schedule.title)
    if template is None:
        invocation.authorize(Action.CHANGE)
        invocation.say("schedule", options.no_template(schedule.title))
        return
    entered = invocation.inputs.keys() >= FIELDS
    typed = read_typed([template.key, *words], options.templates, options.today)
    values = dict(invocation.inputs) if entered else _changed(values_of(schedule), typed.values)
    made, wrong = _read(invocation, options, values, template)
    if wrong or not entered or made is None:
        _show_form(invocation, template, values, wrong if entered else typed.wrong, schedule)
        return
    services = invocation.services
    if not _goes_here(invocation, schedule):
        return
    with services.database.begin() as tx:
        schedules.set_values(tx, schedule.id, **made.columns(template))
        stored = schedules.get(tx, schedule.id)
        assert stored is not None
        set_next(tx, stored, services.now())
        put_schedules(tx, services.queue)
    show_schedule(invocation, stored, head="Changed", notes=made.notes)
    invocation.delete_form("schedule")


def _same(tx: Transaction, values: Mapping[str, Any]) -> Schedule | None:
    """Return a schedule of another event that runs the same report at the same times in the same space."""
    for one in origins.of_room(tx, values["room_id"], Kind.SCHEDULE):
        if isinstance(one, Schedule) and one.event_key != values["event_key"] and _what(asdict(one)) == _what(values):
            return one
    return None


def _what(values: Mapping[str, Any]) -> tuple[object, ...]:
    return (*(values[name] for name in SAME), values["dtstart"][-len("T08:00:00") :])


def _changed(values: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, str]:
    """Return the fields with what was typed; days of another way to repeat go."""
    gone = {DAYS, DATE} if REPEAT in typed else set()
    return {name: value for name, value in values.items() if name not in gone} | dict(typed)


def zone_of(invocation: Invocation) -> str:
    """Return the person's time zone as Webex has it, else UTC."""
    return zone_named(invocation.services.directory.roles_of(invocation.person_id).time_zone) or "UTC"


def _read(
    invocation: Invocation, options: RunOptions, values: Mapping[str, str], template: Template
) -> tuple[Planned | None, list[str]]:
    """Return what the fields' values make, and what is wrong with them."""
    if not values.get(REPEAT):
        return None, [WHAT_TIME, HOW_OFTEN][bool(values.get(TIME)) :]
    plan, wrong = read_values(values)
    if wrong:
        return None, wrong
    now = invocation.services.now()
    if plan.period:
        words, left = period_words(plan.period.split(), now.date())
        plan = replace(plan, period=plan.period if left else words)
    made = planned(plan, template, now, on_behalf_of=options.on_behalf_of)
    return made, list(made.wrong)


def _goes_here(invocation: Invocation, schedule: Schedule | None = None) -> bool:
    """Return True where its reports may be posted: a form elsewhere would make it there. Raises ``Refused``.

    ``schedule``: one that is changed; of another space, it stays there.
    """
    invocation.authorize(Action.CHANGE)
    here = schedule is None or same_id(schedule.room_id, invocation.room_id)
    if here and invocation.trail.direct_only and not invocation.direct:
        invocation.say("schedule", NOT_SCHEDULED)
        return False
    return True


def _chosen(invocation: Invocation, options: RunOptions) -> Template | None:
    key = invocation.inputs.get(TEMPLATE)
    return next((one for one in options.templates if one.key == key), None)


def _ask_template(invocation: Invocation, options: RunOptions, typed: Typed) -> None:
    """Ask which of the templates that fit is meant, or of all where none does; the rest of what was typed is kept."""
    wanted = typed.wanted
    details = invocation.argument([schedule_form.details_of(typed.values)])
    choices = wanted.choices or wanted.nearest
    if not _goes_here(invocation):
        return
    if choices:
        invocation.say("schedule", *schedule_form.which_card(choices, details))
    elif invocation.inputs.get(TEMPLATE) == "":
        invocation.answer_press_directly()
        invocation.say("schedule", nothing_chosen(schedule_form.WHICH_TEMPLATE))
    else:
        note = options.no_template(" ".join(wanted.unread))
        invocation.say("schedule", *schedule_form.choose_card(options.templates, details, note))


def _show_form(
    invocation: Invocation,
    template: Template,
    values: Mapping[str, str],
    wrong: Sequence[str],
    schedule: Schedule | None = None,
) -> None:
    with invocation.services.database.read() as tx:
        regions = reports.regions(tx, template.family, REGIONS) if FAMILIES[template.family].takes_region else []
    if not _goes_here(invocation, schedule):
        return
    word = f"{CHANGE} {schedule.reference}" if schedule else invocation.argument([template.key])
    invocation.say("schedule", *form_card(template, values, wrong, regions, argument=word))
    invocation.delete_form("schedule")
