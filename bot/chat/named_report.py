"""Find the report that words name, or let the person choose: for every command that is about one report.

The list is asked only of the families that the person may use, and nothing of it is shown before policy has said where.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from bot.access.policy import Action, Verdict
from bot.chat.new_report_words import read_words
from bot.db import reports, space_settings
from bot.errors import BotError
from bot.messages.elements import button
from bot.messages.new_report import REVERSED
from bot.messages.own_requests import AGAIN, which_one
from bot.messages.report_form import REGIONS, argument_of
from bot.messages.report_list import (
    CHOICE,
    NONE_READY,
    NOT_FOUND,
    NOTHING,
    ONE,
    asked_words,
    choice_note,
    closest_note,
    looked_in,
    not_shown,
    nothing_note,
    reports_card,
    reports_text,
)
from bot.messages.request_card import for_organization
from bot.outbox import Text
from bot.reports.periods import find_reversed
from bot.reports.report_search import find_named, region_in
from bot.text import one_line
from bot.webex.catalog import newest_first
from bot.webex.report import Phase
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date
    from typing import Any

    from bot.chat.invocation import Invocation, Permission
    from bot.errors import WebexError
    from bot.reports.report_search import Named
    from bot.webex.report import Report

log = structlog.get_logger(__name__)

MOST_REGIONS: Final = 4
"""Regions beside the home region that are looked in, each by a call."""
MOST_SHOWN: Final = 5
"""Reports on a card to choose from."""
GET: Final = ("Get", "report")


def named_report(invocation: Invocation, words: Sequence[str], *, row_button: tuple[str, str] = GET) -> Report | None:
    """Return the report that the words name; else answer with those that they may mean, and return None.

    ``row_button``: a title, and the command that is carried out for the report that is chosen. Raises ``Refused``, and
    ``WebexError``.
    """
    named = look_up(invocation, words)
    if named.one is None:
        offer(invocation, words, named, row_button=row_button)
    return named.one


def look_up(
    invocation: Invocation, words: Sequence[str], action: Action = Action.READ, *, elsewhere: bool = True
) -> Named:
    """Return what the words name among the reports with which the person may do this.

    ``elsewhere``: where they name nothing, look in other regions than the home region, too.
    Raises ``Refused`` and ``WebexError``.
    """
    allowed, region, today = invocation.check_person(action), region_in(words), today_of(invocation)
    listed, refused = listed_reports(invocation, allowed.families, region)
    find = partial(find_named, words, today=today)
    named = search_regions(invocation, allowed.families, listed, find) if elsewhere and not region else find(listed)
    return replace(named, refused=refused)


def search_regions(
    invocation: Invocation,
    families: Collection[str],
    at_home: Sequence[Report],
    find: Callable[[Sequence[Report]], Named],
) -> Named:
    """Return what is found among the reports of the home region; when that is nothing, in the other regions.

    These are the ones of which the bot has seen reports with something in them. Raises ``WebexError`` that passes.
    """
    named = find(at_home)
    if named.found.items:
        return named
    home = {one.region for one in at_home}
    asked = [family.value for family, about in FAMILIES.items() if about.takes_region and family.value in families]
    with invocation.services.database.read() as tx:
        seen = [one for family in asked for one in reports.regions(tx, family, REGIONS) if one not in home]
    regions = tuple(seen[:MOST_REGIONS])
    others: list[Report] = []
    for region in regions:
        try:
            others += listed_reports(invocation, asked, region)[0]
        except BotError as error:
            if error.passing:
                raise
            log.info("region_not_listed", region=region, cause=str(error))
    found = find(newest_first(others))
    return replace(found if found.found.items else named, regions=regions)


def find_by_id(invocation: Invocation, report_id: str, families: Collection[str], others: str = "") -> Report:
    """Return a report as Webex has it now, in the families that the person may use; ``others``: for whom the rest is.

    Raises ``NotFound`` and other ``BotError``.
    """
    services = invocation.services
    with services.database.read() as tx:
        place = reports.known_place(tx, report_id)
    if place is None and invocation.on_behalf_of:
        place = Family.PARTNER.value, invocation.on_behalf_of
    if others and invocation.pressed:  # that it isn't found is told to the person alone
        others = services.authorizer.others_alone(invocation.person_id)
    known, on_behalf_of = place or (None, None)
    with invocation.report_call():
        return services.catalog.find(
            report_id,
            known,
            families=families,
            others=others,
            on_behalf_of=on_behalf_of,
            typed=not invocation.pressed,
        )


def listed_reports(
    invocation: Invocation, families: Collection[str], region: str | None = None
) -> tuple[list[Report], dict[Family, WebexError]]:
    """Return the reports of the families, or of the organization that the message names, and the families that refused.

    Those of another organization are stored, so that their IDs alone find them from now on.
    Raises ``WebexError`` and ``NotFound``.
    """
    services, on_behalf_of = invocation.services, invocation.on_behalf_of
    with invocation.report_call():
        listed, refused = services.catalog.everything(families, region, on_behalf_of)
    if on_behalf_of:
        with services.database.begin(durable=False) as tx:
            for one in listed:
                reports.add(tx, one, services.now())
    return listed, refused


def offer(invocation: Invocation, words: Sequence[str], named: Named, *, row_button: tuple[str, str] = GET) -> None:
    """Answer with the newest of the reports that the words may mean, or with what is nearest; each has its button."""
    fitting, nearest = named.found.items, named.found.nearest[:MOST_SHOWN]
    shown = fitting[:MOST_SHOWN] or nearest
    asked = " ".join(filter(None, (asked_words(words, named.days), for_organization(invocation.on_behalf_of))))
    if fitting:
        note, closest = choice_note(asked, len(fitting), len(shown), exact=named.found.exact), ""
        whole = len(fitting) == len(shown) or named.regions  # else the list, which has the home region alone
        buttons = [] if whole else [button("Show all", "reports", invocation.argument(words))]
    else:
        reverse, _ = find_reversed(words, today_of(invocation))
        note, closest = REVERSED if reverse else nothing_note(asked), closest_note(len(nearest))
        run = _run_button(invocation, words) if row_button == GET else []
        buttons = [*run, button("Show reports", "reports", invocation.argument(()))]
    heading = (ONE if len(fitting) == 1 else CHOICE) if fitting else NOT_FOUND
    missing = [not_shown(family, error) for family, error in named.refused.items()]
    note = " ".join(filter(None, [note, looked_in(named.regions), *missing]))

    def make(permission: Permission) -> Text:
        said = " ".join(filter(None, (note, permission.others, closest)))
        card = reports_card(shown, note=said, heading=heading, row_button=row_button, buttons=buttons)
        return Text(reports_text(shown, note=said, word=row_button[1]), card)

    invocation.show("choice", make)


def offer_newest(invocation: Invocation, action: Action = Action.READ, *, row_button: tuple[str, str]) -> None:
    """Answer with the newest reports, each with its button, to a command that says nothing of which it means.

    Raises ``Refused`` and ``WebexError``.
    """
    allowed = invocation.check_person(action)
    listed, refused = listed_reports(invocation, allowed.families)
    _, word = row_button
    shown = [one for one in listed if word != AGAIN or one.phase is Phase.READY][:MOST_SHOWN]
    missing = [not_shown(family, error) for family, error in refused.items()]
    note = " ".join([which_one(word) if shown else NONE_READY if listed else NOTHING, *missing])
    buttons = [button("Show reports", "reports", invocation.argument(()))] if len(listed) > len(shown) else []

    def make(permission: Permission) -> Text:
        said = " ".join(filter(None, (note, permission.others)))
        card = reports_card(shown, note=said, heading=CHOICE, row_button=row_button, buttons=buttons)
        return Text(reports_text(shown, note=said, word=word), card)

    invocation.show("choice", make)


def today_of(invocation: Invocation) -> date:
    """Return the day that it is for who reads the answer: by the time zone of the space."""
    with invocation.services.database.read() as tx:
        zone = space_settings.time_zone_of(tx, invocation.room_id)
    return invocation.services.now().astimezone(zone).date()


def _run_button(invocation: Invocation, words: Sequence[str]) -> list[dict[str, Any]]:
    """Return a button that runs the report that the words name, or offers what can be run, for who may run reports.

    What cannot be found out now is left out.
    """
    services = invocation.services
    try:
        allowed = invocation.decide(Action.CHANGE)
        if allowed.verdict is Verdict.REFUSED:
            return []
        with invocation.report_call():
            templates, _ = services.catalog.templates(allowed.families, invocation.on_behalf_of)
    except BotError as error:
        log.info("templates_not_listed", cause=str(error))
        return []
    wanted = read_words(words, templates, today_of(invocation), invocation.on_behalf_of)
    template = wanted.template or next(iter(wanted.choices), None)
    if template is None:
        return [button("Run a report", "new", invocation.argument(words))]
    return [button(f"Run {one_line(template.title, 40)}", "new", argument_of(wanted.of(template)))]
