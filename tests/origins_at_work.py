"""Subscriptions and schedules at work, without the commands and tasks that make and run them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.db.requests import Content
from bot.db.runs import Why
from bot.emulator.things import Template
from bot.reports.requests import Asker, open_request
from bot.reports.runs import open_run
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from tests.origin_rows import add_schedule, add_subscription

if TYPE_CHECKING:
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Space
    from tests.stepped_bot import SteppedBot

    Owned = Schedule | Subscription

TEMPLATES = {Family.PARTNER: ("130", "Calling Usage"), Family.ORGANIZATION: ("2", "Meeting Details")}
PATHS = {Family.PARTNER: "/v1/partner/reports", Family.ORGANIZATION: "/v1/reports"}
PLANNED = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def on_a_monday(stepped: SteppedBot) -> None:
    """Have the templates, and make it the morning on which a schedule runs."""
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))
    stepped.clock.time = PLANNED + timedelta(minutes=2)


def space_of(stepped: SteppedBot, place: str) -> Space:
    return stepped.setup.group if place == "group" else stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)


def schedule(stepped: SteppedBot, family: Family = Family.PARTNER, place: str = "group", **values: Any) -> Owned:
    template, title = TEMPLATES[family]
    values = {"name": "Weekly usage", "family": family.value, "template_id": template, "title": title} | values
    return add_schedule(stepped.database, stepped.setup.ada, space_of(stepped, place), stepped.clock(), **values)


def subscription(stepped: SteppedBot, place: str = "group", **values: Any) -> Owned:
    return add_subscription(stepped.database, stepped.setup.ada, space_of(stepped, place), stepped.clock(), **values)


def asker(stepped: SteppedBot, owned: Owned, what: str) -> Asker:
    key = f"{owned.origin.key}:{what}"
    return Asker(key, owned.person_id, owned.room_id, owned.room_type, None, stepped.clock(), owned.origin)


def runs_now(stepped: SteppedBot, owned: Owned, why: Why = Why.DUE, planned_at: datetime = PLANNED) -> None:
    """Have a schedule run as its own task does, and wait for what comes of it."""
    family = Family(owned.family or "")
    new = NewReport(family, TEMPLATES[family][0], start=date(2026, 11, 16), end=date(2026, 11, 22))
    key = f"{planned_at:%m%d%H%M}:{why}"
    with stepped.database.begin() as tx:
        title = TEMPLATES[family][1]
        assert open_run(tx, stepped.services, asker(stepped, owned, key), new, title, why=why, planned_at=planned_at)
    settles(stepped)


def settles(stepped: SteppedBot) -> None:
    stepped.work()
    for _ in range(4):
        stepped.wait(61)


def announces(stepped: SteppedBot, owned: Owned, report_id: str, content: Content = Content.FILE) -> None:
    with stepped.database.begin() as tx:
        assert open_request(tx, stepped.services, asker(stepped, owned, "ready"), report_id, content=content)
    settles(stepped)
