"""The form by which a schedule is made or changed. Pure.

Its fields are of version 1.2 of cards, which each of Webex's clients renders. What is seldom needed stands behind
"More options", and is sent along all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.messages.elements import button, card, primary, row, sentence_in_card, text
from bot.messages.recurrence import DAY_NAMES, QUARTERLY, WORKDAYS, in_words, ordinal
from bot.messages.report_form import CHOOSE, HOME, LONGEST_CHOICE, LONGEST_TITLE, MOST_CHOICES, REGIONS, limits_of
from bot.text import escape_card, escape_markdown, one_line
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.webex.report_templates import Template
    from bot.webex.types import Card

TEMPLATE, REGION, SITES = "template", "region", "sites"
REPEAT, DAYS, DATE, TIME, ZONE = "repeat", "days", "date", "time", "zone"
PERIOD, NAME, NOTE, ONLY_IF = "period", "name", "note", "only_if"
"""Names of the fields."""
CHANGE: Final = "change"
"""In a button's argument, before a reference: the form is of that schedule."""
WEEKLY, BIWEEKLY, MONTHLY = "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY"
"""Of these the days are in another field."""
REPEATS: Final = {
    "FREQ=DAILY": "Every day",
    f"FREQ=WEEKLY;BYDAY={WORKDAYS}": "Every weekday (Monday to Friday)",
    WEEKLY: "Every week on …",
    BIWEEKLY: "Every two weeks on …",
    MONTHLY: "Every month on the …",
    f"FREQ=MONTHLY;BYDAY={WORKDAYS};BYSETPOS=1": "First weekday of the month",
    f"FREQ=MONTHLY;BYDAY={WORKDAYS};BYSETPOS=-1": "Last weekday of the month",
    QUARTERLY: "First day of each quarter",
    "FREQ=HOURLY": "Every hour",
    "FREQ=HOURLY;INTERVAL=6": "Every 6 hours",
    "FREQ=HOURLY;INTERVAL=12": "Every 12 hours",
}
USUAL_TIME: Final = "08:00"
LAST: Final = "last"
"""The date of the last day of a month."""
PERIODS: Final = "yesterday, last 7 days, last week, last month, or fixed days like 2026-05-01 to 2026-05-20"
HOW_OFTEN: Final = "How often should it run?"
WHICH_DAYS: Final = "Which days of the week?"
WHICH_DATE: Final = "Which day of the month?"
WHAT_TIME: Final = "At what time?"
WHICH_PERIOD: Final = f"Which period? For example: {PERIODS}."
LONGEST_NAME, LONGEST_NOTE, LONGEST_FIELD = 60, 300, 200
MORE: Final = "more"
WHICH_TEMPLATE: Final = "Which report should run?"


def details_of(values: Mapping[str, str]) -> str:
    """Return the values of the fields but the template as they can be typed."""
    rule = values.get(REPEAT, "")
    if rule in {WEEKLY, BIWEEKLY} and values.get(DAYS):
        rule = f"{rule};BYDAY={values[DAYS]}"
    date, clock = values.get(DATE, ""), values.get(TIME, "")
    days = in_words(rule) if rule else ""
    if rule == MONTHLY and date:
        days = f"{days} on the {'last day' if date == LAST else ordinal(int(date))}"
    sites = values.get(SITES, "").replace(",", " ")
    region = values.get(REGION, "").replace(HOME, "")
    name, only_if = values.get(NAME, ""), values.get(ONLY_IF, "")
    parts = [days, clock, values.get(ZONE, "") if clock else "", values.get(PERIOD, ""), region, sites]
    parts += [f"only if {only_if}" if only_if else "", f"named {name}" if name else ""]
    return " ".join(" ".join(parts).split())


def choose_card(templates: Sequence[Template], details: str, note: str = "") -> tuple[str, Card]:
    """Return the card on which the template is chosen; ``details``: what was typed besides, as it can be typed."""
    shown = sorted(templates, key=lambda one: (one.title.casefold(), one.family))[:MOST_CHOICES]
    choices = [{"title": f"{one_line(one.title, LONGEST_CHOICE)} ({one.family})", "value": one.key} for one in shown]
    said = (
        f"{note or WHICH_TEMPLATE} Type `schedule` with a title and a time, "
        "for example `schedule calling usage every Monday 08:00`."
    )
    body = [text(WHICH_TEMPLATE, size="Medium", weight="Bolder"), *([text(sentence_in_card(note))] if note else [])]
    if not choices:
        return said, card(body, instead=said)
    field = {"type": "Input.ChoiceSet", "id": TEMPLATE, "style": "compact", "choices": choices, "placeholder": CHOOSE}
    body.append(field)
    return said, card(body, [primary(button("Continue", "schedule", details))], instead=said)


def which_card(templates: Sequence[Template], details: str) -> tuple[str, Card]:
    """Return the card that asks which of several templates is meant."""
    body = [text(WHICH_TEMPLATE, weight="Bolder")]
    lines = []
    for one in templates:
        argument = f"{one.key} {details}".rstrip()
        parts = [
            text(escape_card(one.title, LONGEST_TITLE), weight="Bolder"),
            text(escape_card(limits_of(one)), size="Small", isSubtle=True, spacing="None"),
        ]
        body.append(row(parts, button("Schedule…", "schedule", argument)))
        lines.append(f"- **{escape_markdown(one.title, LONGEST_TITLE)}**: `schedule {escape_markdown(argument, 200)}`")
    said = "\n".join([WHICH_TEMPLATE, "", *lines])
    return said, card(body, instead=said)


def form_card(
    template: Template, values: Mapping[str, str], wrong: Sequence[str], regions: Iterable[str], *, argument: str
) -> tuple[str, Card]:
    """Return the form with these values, and what is wrong with them; ``argument``: of its button."""
    changes = argument.startswith(f"{CHANGE} ")
    title = "Change a schedule" if changes else "New schedule"
    called = (values.get(NAME) if changes else "") or template.title
    what = f"{one_line(template.title, LONGEST_TITLE)} · " if called != template.title else ""
    body = [
        text(f"{title}: {escape_card(called, LONGEST_TITLE)}", size="Medium", weight="Bolder"),
        text(escape_card(f"{what}{limits_of(template)}"), size="Small", isSubtle=True, spacing="None"),
        *(text(escape_card(one, 250), color="Attention", spacing="Small") for one in wrong),
        *_times(values),
    ]
    if template.takes_dates:
        body += _field("Period of each run", _input(PERIOD, values, "last week"))
        body.append(text(f"{PERIODS.capitalize()}.", size="Small", isSubtle=True, spacing="None"))
    if FAMILIES[template.family].takes_region:
        listed = dict.fromkeys([*REGIONS, *regions, *filter(lambda one: one and one != HOME, [values.get(REGION)])])
        choices = {HOME: "Home region", **{one: one for one in listed if one}}
        body += _field("Region", _choice(REGION, choices, values.get(REGION) or HOME))
    if template.needs_sites:
        body += _field("Sites", _input(SITES, values, "acme.webex.com"))
    body += [
        {
            "type": "ActionSet",
            "actions": [{"type": "Action.ToggleVisibility", "title": "More options", "targetElements": [MORE]}],
        },
        _more(template, values),
    ]
    asked = f"**{escape_markdown(template.title, LONGEST_TITLE)}**: {' '.join(wrong)}".rstrip(": ")
    period = " last week" if template.takes_dates else ""
    what = argument if changes else template.key
    said = f"{asked} Type it in full, for example `schedule {what} every Monday 08:00{period}`."
    return said, card(body, [primary(button("Save" if changes else "Schedule", "schedule", argument))], instead=said)


def _times(values: Mapping[str, str]) -> list[dict[str, Any]]:
    repeats, chosen = dict(REPEATS), values.get(REPEAT, "")
    if chosen and chosen not in repeats:
        repeats[chosen] = one_line(in_words(chosen).capitalize(), LONGEST_CHOICE)
    days = _choice(DAYS, DAY_NAMES, values.get(DAYS, "")) | {"isMultiSelect": True, "style": "expanded"}
    dates = {str(number): ordinal(number) for number in range(1, 32)} | {LAST: "Last day"}
    clock = {"type": "Input.Time", "id": TIME, "value": values.get(TIME) or USUAL_TIME}
    return [
        *_field("Repeat", _choice(REPEAT, repeats, chosen or WEEKLY)),
        *_field("Days of the week, for “Every week” and “Every two weeks”", days),
        *_field("Day of the month, for “Every month”", _choice(DATE, dates, values.get(DATE) or "1")),
        text("In months without that day, it runs on the last day.", size="Small", isSubtle=True, spacing="None"),
        *_field("Time", clock),
        *_field("Time zone", _input(ZONE, values, "Europe/Berlin")),
    ]


def _more(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    items = [
        *_field("Name", _input(NAME, values, "Weekly usage", LONGEST_NAME)),
        *_field("Note", _input(NOTE, values, "For the Monday meeting", LONGEST_NOTE)),
        *_field("Post it only if", _input(ONLY_IF, values, "not blank, changed, more than 100 rows")),
    ]
    if "siteList" in template.optional and not template.needs_sites:
        items += _field("Sites", _input(SITES, values, "acme.webex.com"))
    return {"type": "Container", "id": MORE, "isVisible": False, "items": items}


def _field(label: str, field: dict[str, Any]) -> list[dict[str, Any]]:
    return [text(label, weight="Bolder", size="Small", spacing="Small"), field | {"spacing": "None"}]


def _input(name: str, values: Mapping[str, str], example: str, longest: int = LONGEST_FIELD) -> dict[str, Any]:
    field = {"type": "Input.Text", "id": name, "placeholder": example, "maxLength": longest}
    return field | ({"value": values[name]} if values.get(name) else {})


def _choice(name: str, choices: Mapping[str, str], value: str) -> dict[str, Any]:
    listed = [{"title": title, "value": one} for one, title in choices.items()]
    return {"type": "Input.ChoiceSet", "id": name, "style": "compact", "choices": listed, "value": value}
