"""The demo's world: two companies, five people, a bot, four kinds of spaces, and a report of every fate."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.emulator import ids
from bot.emulator.report import Report
from bot.emulator.sample_csv import sample
from bot.emulator.things import (
    FULL_ADMIN,
    PARTNER_FULL_ADMIN,
    PARTNER_READONLY_ADMIN,
    READONLY_ADMIN,
    Family,
    Person,
    Space,
    Template,
)
from bot.emulator.world import World

PARTNER_READY_SECONDS = 20.0
ORGANIZATION_READY_SECONDS = 12.0
CREATED_HOURS_AGO = 3


@dataclass(frozen=True)
class Demo:
    """What a demo needs to start the bot and to speak of the world."""

    bot: Person
    bot_token: str
    admin: Person
    admin_token: str
    people: dict[str, Person]
    spaces: dict[str, Space]
    reports: list[Report]


def furnish(world: World) -> Demo:
    """Fill an empty world; people are keyed by first name in small letters, spaces by title."""
    acme = world.add_organization("Acme Corp", is_partner=True)
    acme.sites = ("acme.webex.com",)
    globex = world.add_organization("Globex")
    ada = world.add_person(
        "Ada Lovelace", acme, roles=[FULL_ADMIN, PARTNER_FULL_ADMIN], note="full and partner full administrator"
    )
    grace = world.add_person("Grace Hopper", acme, roles=[READONLY_ADMIN], note="read-only administrator")
    hedy = world.add_person("Hedy Lamarr", acme, roles=[PARTNER_READONLY_ADMIN], note="partner read-only administrator")
    nora = world.add_person("Nora Jones", acme, note="no role")
    ethan = world.add_person("Ethan Hunt", globex, note="external: Globex")
    bot = world.add_bot("Report Bot", acme, note="the bot")
    spaces = [_direct(world, person, bot) for person in (ada, grace, hedy, nora, ethan)]
    spaces.append(world.add_space("Admin reports", [ada, grace, hedy, nora, bot], note="only people of Acme Corp"))
    spaces.append(world.add_space("Calling team", [ada, nora, bot], note="subscribed to calling usage"))
    spaces.append(world.add_space("Project with Globex", [ada, ethan, bot], note="has external people"))
    _add_templates(world)
    return Demo(
        bot=bot,
        bot_token=world.add_token(bot, "bot"),
        admin=ada,
        admin_token=world.add_token(ada, "integration"),
        people={person.first_name.lower(): person for person in (ada, grace, hedy, nora, ethan)},
        spaces={space.title: space for space in spaces},
        reports=_add_reports(world, ada),
    )


def _direct(world: World, person: Person, bot: Person) -> Space:
    space = world.direct_space(person, bot)
    space.note = f"1:1, {person.note}"
    return space


def _add_templates(world: World) -> None:
    rows: list[tuple[Family, int, str, str, str]] = [
        ("partner", 130, "Calling Usage", "Teams", "call history"),
        ("partner", 320, "License Consumption", "Teams", "license consumption"),
        ("organization", 1, "Active Hosts", "Meetings", "active hosts"),
        ("organization", 2, "Meeting Details", "Meetings", "meeting details"),
        ("organization", 120, "App Version", "Teams", "app version"),
        ("organization", 500, "Calling Detailed Call History", "Calling", "call history"),
    ]
    for family, number, title, service, kind in rows:
        world.add_template(Template(number, family, title, service, sample=kind))
    audio = Template(20, "organization", "Audio Usage", "Meetings", 93, needs_sites=True, sample="meeting details")
    activation = Template(400, "organization", "User Activation and License Details", "Teams", takes_dates=False)
    activation.sample = "app version"
    for template in (audio, activation):
        world.add_template(template)


def _last_month(world: World) -> tuple[date, int]:
    """(first day, number of days) of the month before the world's today."""
    today = datetime.fromtimestamp(world.clock(), UTC).date()
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last.day


def _add_reports(world: World, admin: Person) -> list[Report]:
    first, days = _last_month(world)

    def add(family: Family, title: str, kind: str, rows: int, note: str, **more: Any) -> Report:
        cluster = ids.CLUSTER_TEAM if family == "partner" else ids.CLUSTER_US
        unique = hashlib.md5(f"{family} {title}".encode(), usedforsecurity=False).hexdigest()
        return world.add_report(
            family=family,
            title=title,
            content=sample(kind, rows, first, days),
            start=first.isoformat(),
            end=(first + timedelta(days=days - 1)).isoformat(),
            site_list="acme.webex.com" if family == "organization" else "",
            created=world.clock() - CREATED_HOURS_AGO * 3600,
            created_by=admin.id,
            report_id=ids.webex_id("REPORT", unique, cluster),
            kind=kind,
            note=note,
            **more,
        )

    return [
        add("partner", "Calling Usage", "call history", 2400, "a zip", as_zip=True),
        add(
            "partner",
            "License Consumption",
            "license consumption",
            124,
            "a plain CSV",
            template_id=320,
            checksum="sha256",
        ),
        add(
            "partner",
            "Partner Meeting Details",
            "meeting details",
            1800,
            f"ready {PARTNER_READY_SECONDS:.0f} s after the first request",
            status="In progress",
            ready_after_seconds=PARTNER_READY_SECONDS,
            as_zip=True,
            template_id=2,
        ),
        add(
            "organization",
            "Meeting Details",
            "meeting details",
            950,
            "a zip",
            as_zip=True,
            service="Meetings",
            template_id=2,
        ),
        add(
            "organization",
            "Active Hosts",
            "active hosts",
            180,
            f"ready {ORGANIZATION_READY_SECONDS:.0f} s after the first request",
            status="waiting",
            ready_after_seconds=ORGANIZATION_READY_SECONDS,
            service="Meetings",
            template_id=1,
        ),
        add(
            "organization",
            "Detailed Call History",
            "call history",
            300,
            "failed at Webex",
            status="failed",
            service="Calling",
            template_id=500,
        ),
        add(
            "organization",
            "App Version",
            "app version",
            0,
            "only a header line",
            template_id=120,
        ),
        add(
            "partner",
            "Created in Partner Hub",
            "call history",
            50,
            "not available to bots",
            made_in_portal=True,
        ),
    ]
