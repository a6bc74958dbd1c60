"""The cards by which a report is run: which one, for which period, and whether it is really wanted. Pure.

They are of version 1.2, which each of Webex's clients renders: labels are blocks of text above their fields.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bot.messages.elements import button, card, primary, row, sentence_in_card, text
from bot.messages.request_card import created_of, days, for_organization, title_of
from bot.messages.sentences import WHICH_TEMPLATE
from bot.text import count, escape_card, escape_markdown, one_line
from bot.webex.ids import bare_id
from bot.webex.report_families import FAMILIES
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bot.webex.report import Report
    from bot.webex.report_templates import Template
    from bot.webex.types import Card

TEMPLATE, START, END, REGION, SITES, ORGANIZATION = "template", "start", "end", "region", "sites", "organization"
"""Names of the fields."""
HOME: Final = "home"
"""The region of a form in which none was chosen."""
REGIONS: Final = ("US", "CA", "EU")
"""Regions that Webex's pages name; others can be typed."""
ANYWAY: Final = "anyway"
"""In a button's argument: although the same report was run a moment ago."""
MOST_CHOICES: Final = 50
"""Templates in one field: a card takes 22 kB, in which a letter may be six bytes."""
LONGEST_CHOICE: Final = 50
MOST_BUTTONS: Final = 5
CHOOSE: Final = "Choose a report"
"""Stands in the field of templates: none is chosen for a person whose words are near to none."""
LONGEST_TITLE: Final = 80


def argument_of(new: NewReport, *more: str) -> str:
    """Return the words after ``new`` that ask for exactly this report."""
    details = details_of(new.start, new.end, new.region, new.sites, new.on_behalf_of)
    return " ".join([f"{new.family.value}:{new.template_id}", *details, *more])


def details_of(
    start: date | None, end: date | None, region: str, sites: Sequence[str], on_behalf_of: str
) -> tuple[str, ...]:
    """Return the words that ask for this period and these places, of whichever template."""
    period = [f"{start.isoformat()} to {end.isoformat()}"] if start and end else []
    return (*period, *filter(None, [region]), *sites, *(["for", on_behalf_of] if on_behalf_of else []))


def about(title: str, new: NewReport) -> str:
    """Return what is run, in a line: ``Calling Usage · Oct 1–31, 2026 · EU``."""
    period = days(new.start, new.end) if new.start and new.end else ""
    where = [new.region, ", ".join(new.sites), for_organization(new.on_behalf_of)]
    return " · ".join(filter(None, [title, period, *where]))


def limits_of(template: Template) -> str:
    """Return what a template takes, in a line."""
    known = [template.service, FAMILIES[template.family].name]
    if template.takes_dates:
        if template.max_days:
            known.append(f"up to {count(template.max_days, 'day')}")
        known.append(_data(template))
    else:
        known.append("no period")
    if template.needs_sites:
        known.append("asks for a site")
    return " · ".join(filter(None, known))


def _data(template: Template) -> str:
    if template.data_start and template.data_end:
        return f"data {days(template.data_start, template.data_end)}"
    if template.data_start:
        return f"data from {days(template.data_start, template.data_start)}"
    return ""


def nothing_chosen(question: str) -> str:
    """Return what is said to a press of Continue without a choice; the card with the question stays."""
    return f"Choose a report first, on the card “{question}”."


def choose_card(templates: Sequence[Template], details: str = "", note: str = "") -> tuple[str, Card]:
    """Return the card on which one of all templates is chosen; ``details``: what was typed besides."""
    head = WHICH_TEMPLATE
    shown = sorted(templates, key=lambda one: (one.title.casefold(), one.family))[:MOST_CHOICES]
    choices = [{"title": f"{one_line(one.title, LONGEST_CHOICE)} ({one.family})", "value": one.key} for one in shown]
    field = {"type": "Input.ChoiceSet", "id": TEMPLATE, "style": "compact", "choices": choices, "placeholder": CHOOSE}
    hint = "Or type it: **new** calling usage last month."
    if len(templates) > len(shown):
        hint += " There are more: type **templates**."
    body = [
        text(head, size="Medium", weight="Bolder"),
        *([text(sentence_in_card(note))] if note else []),
        field,
        text(hint, size="Small"),
    ]
    said = f"{head} Type `new` with a title and a period, for example `new calling usage last month`."
    return said, card(body, [primary(button("Continue", "new", details))], instead=said)


def template_row(template: Template, argument: str | None) -> dict[str, Any]:
    """Return a template with what it takes, and the button that runs it; no button without an argument for ``new``."""
    parts = [
        text(escape_card(template.title, LONGEST_TITLE), weight="Bolder"),
        text(escape_card(limits_of(template)), size="Small", isSubtle=True, spacing="None"),
    ]
    return row(parts, None if argument is None else button("Run…", "new", argument))


def which_card(question: str, choices: Sequence[tuple[Template, str]]) -> tuple[str, Card]:
    """Return a card with a button for each template; with its argument for ``new``."""
    shown = choices[:MOST_BUTTONS]
    body = [text(sentence_in_card(question), weight="Bolder")]
    body += [template_row(template, argument) for template, argument in shown]
    lines = [
        f"- **{escape_markdown(template.title, LONGEST_TITLE)}**: `new {escape_markdown(argument, 200)}`"
        for template, argument in shown
    ]
    said = "\n".join([question, "", *lines])
    return said, card(body, [button("Show templates", "templates")], instead=said)


def form_card(
    template: Template,
    new: NewReport,
    wrong: Sequence[str],
    regions: Sequence[str],
    *,
    organizations: Sequence[str] = (),
    shorter: NewReport | None = None,
    today: date,
) -> tuple[str, Card]:
    """Return the form of a template with what was entered, and what is wrong with it.

    ``organizations``: sub-partners that are offered; without any the form has no field for them. ``shorter``: the same
    report for as many days as it takes, which has a button of its own.
    """
    body: list[dict[str, Any]] = [
        text(escape_card(template.title, LONGEST_TITLE), size="Medium", weight="Bolder"),
        text(escape_card(limits_of(template)), size="Small", isSubtle=True, spacing="None"),
    ]
    body += [text(escape_card(one, 200), color="Attention", spacing="Small") for one in wrong]
    if template.takes_dates:
        body += [
            _day_field("First day", START, new.start, today),
            _day_field("Last day", END, new.end, today),
        ]
    if FAMILIES[template.family].takes_region:
        listed = dict.fromkeys([*REGIONS, *regions, *filter(None, [new.region])])
        choices = [{"title": "Home region", "value": HOME}, *({"title": one, "value": one} for one in listed)]
        choice = {"type": "Input.ChoiceSet", "id": REGION, "style": "compact", "value": new.region or HOME}
        body.append(_field("Region", choice | {"choices": choices}))
        if organizations:
            body.append(_organization_field(organizations, new.on_behalf_of))
    if template.needs_sites or "siteList" in template.optional:
        site = {"type": "Input.Text", "id": SITES, "placeholder": "acme.webex.com", "maxLength": 400}
        sites = ", ".join(new.sites)
        body.append(_field("Sites", site | ({"value": sites} if sites else {})))
    key, typed = template.key, argument_of(NewReport(template.family, template.id, on_behalf_of=new.on_behalf_of))
    period = f" with a period, for example `new {typed} last month`" if template.takes_dates else ""
    asked = f"**{escape_markdown(template.title, LONGEST_TITLE)}**: {' '.join(wrong)}".rstrip(": ")
    said = f"{asked} Type `new {typed}`{period}."
    actions = [primary(button("Run", "new", key))]
    if shorter is not None and shorter.start and shorter.end:
        actions.append(button(f"Run for {days(shorter.start, shorter.end)}", "new", argument_of(shorter)))
        said = f"{said} Or type `new {argument_of(shorter)}`."
    return said, card(body, actions, instead=said)


def _field(label: str, field: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Container", "spacing": "Small", "items": [text(label, weight="Bolder", size="Small"), field]}


def _organization_field(organizations: Sequence[str], chosen: str) -> dict[str, Any]:
    choices = [{"title": bare_id(one), "value": one} for one in organizations]
    choice = {"type": "Input.ChoiceSet", "id": ORGANIZATION, "style": "compact", "value": chosen or HOME}
    return _field("Organization", choice | {"choices": [{"title": "Our own", "value": HOME}, *choices]})


def _day_field(label: str, name: str, value: date | None, today: date) -> dict[str, Any]:
    field = {"type": "Input.Date", "id": name, "max": today.isoformat()}
    return _field(label, field | ({"value": value.isoformat()} if value else {}))


def confirm_card(title: str, new: NewReport) -> tuple[str, Card]:
    """Return the card that asks whether a guess is right; its button needs no input."""
    what = about(title, new)
    said = f"Run **{escape_markdown(what, 200)}**? Type `new {argument_of(new)}`."
    body = [text("Run this report?"), text(escape_card(what, 200), weight="Bolder")]
    return said, card(body, [primary(button("Run", "new", argument_of(new)))], instead=said)


def ran_card(report: Report, new: NewReport, minutes: int) -> tuple[str, Card]:
    """Return the card that offers a report that was run a moment ago in place of a new one."""
    when = "less than a minute ago" if minutes < 1 else f"{minutes} min ago"
    created = escape_card(created_of(report))
    said = f"**{escape_markdown(title_of(report), LONGEST_TITLE)}** was run for this period {when}."
    body = [
        text(escape_card(about(title_of(report), new), 200), weight="Bolder"),
        text(f"This report was run {when}{f' ({created})' if created else ''}. You can get that one."),
    ]
    that = " ".join([report.id, *(["for", report.on_behalf_of] if report.on_behalf_of else [])])
    get, run = button("Get that one", "report", that), button("Run anyway", "new", argument_of(new, ANYWAY))
    return f"{said} Type `report {that}` to get it.", card(body, [get, run], instead=said)


def again_card(template: Template, same: NewReport, following: NewReport | None) -> tuple[str, Card]:
    """Return the card that offers a template for the same period or the next one, with the same region and sites."""
    title = template.title
    region = f"for region {same.region}" if same.region else ""
    sites = f"for {one_line(', '.join(same.sites), 100)}" if same.sites else ""
    of = " ".join(filter(None, [region, sites, for_organization(same.on_behalf_of)]))
    head = " ".join(filter(None, [f"Run {one_line(title, LONGEST_TITLE)}", of, "again?"]))
    periods = [one for one in (same, following) if one is not None]
    actions = [
        button(
            f"Run for {days(one.start, one.end)}" if one.start and one.end else "Run", "new", argument_of(one, ANYWAY)
        )
        for one in periods
    ]
    if template.takes_dates:
        other = replace(same, start=None, end=None)
        actions.append(button("Another period…", "new", argument_of(other)))
    lines = [f"- `new {argument_of(one, ANYWAY)}`" for one in periods]
    named = f"Run **{escape_markdown(title, LONGEST_TITLE)}**"
    question = " ".join(filter(None, [named, escape_markdown(of, 200), "again?"]))
    said = "\n".join([question, "", *lines])
    return said, card([text(escape_card(head, LONGEST_TITLE + 200), weight="Bolder")], actions, instead=said)
