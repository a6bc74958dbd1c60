"""An owner goes, and an administrator inherits: from the typed word to the file that comes in the new owner's name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import origins
from bot.db.origin import Kind, OriginState, PauseCause
from bot.db.tables import requests as requests_table
from bot.emulator.things import Template
from tests.live_bot import ADMIN_OF_BOTH, BotMessage

if TYPE_CHECKING:
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Family, Message, Person
    from tests.stepped_bot import SteppedBot

SUNDAY = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)
TITLES: dict[Family, str] = {"partner": "Calling Usage", "organization": "Meeting Details"}


@pytest.fixture
def olga(stepped: SteppedBot) -> Person:
    stepped.clock.time = SUNDAY
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))
    person = stepped.world.add_person("Olga Owner", stepped.setup.acme, roles=ADMIN_OF_BOTH)
    stepped.world.join(stepped.setup.group, person)
    return person


def here(stepped: SteppedBot, person: Person, text: str) -> None:
    stepped.receive(person, text, stepped.setup.group)
    stepped.work()


def owned(stepped: SteppedBot) -> Subscription | Schedule:
    with stepped.database.read() as tx:
        (found,) = origins.going(tx)
    return found


def turn_to(stepped: SteppedBot, moment: datetime) -> None:
    """Turn the clock to a moment, from one job that waits for its time to the next."""
    stepped.work()
    while (wait := stepped.next_wait()) is not None and stepped.clock() + timedelta(seconds=wait) < moment:
        stepped.wait(wait + 0.001)
    stepped.clock.time = moment
    stepped.work()


def in_group(stepped: SteppedBot) -> list[Message]:
    return stepped.said(stepped.setup.group)


@pytest.mark.parametrize("family", sorted(TITLES))
def test_a_schedule_whose_owner_lost_the_role_is_taken_over_and_runs_in_the_new_owners_name(
    stepped: SteppedBot, olga: Person, family: Family
) -> None:
    here(stepped, olga, f"schedule {TITLES[family].lower()} every day 8:00 UTC yesterday")
    assert owned(stepped).person_id == olga.id
    olga.roles.clear()
    turn_to(stepped, SUNDAY + A_DAY)
    assert (owned(stepped).state, owned(stepped).pause_cause) == (OriginState.PAUSED, PauseCause.NOT_ALLOWED)
    assert stepped.world.reports == {}

    offer = BotMessage(in_group(stepped)[-1])
    stepped.pressed(stepped.setup.ada, offer.message, offer.buttons["Take over"])
    stepped.work()
    assert owned(stepped).person_id == stepped.setup.ada.id

    turn_to(stepped, SUNDAY + A_DAY + timedelta(hours=17))
    (report,) = stepped.world.reports.values()
    assert (report.family, report.title) == (family, TITLES[family])
    stepped.world.set_report(report.id, status="done")
    turn_to(stepped, stepped.clock() + timedelta(minutes=3))
    assert [one for one in in_group(stepped) if one.files]
    with stepped.database.read() as tx:
        (asked,) = tx.execute(requests_table.select()).all()
    assert asked.person_id == stepped.setup.ada.id


@pytest.mark.parametrize("family", sorted(TITLES))
def test_a_subscription_whose_owner_left_is_taken_over_and_announces_what_comes(
    stepped: SteppedBot, olga: Person, family: Family
) -> None:
    here(stepped, olga, f"subscribe {TITLES[family].lower()}")
    stepped.world.leave(stepped.setup.group, olga)
    turn_to(stepped, SUNDAY + timedelta(minutes=5))
    stepped.world.add_report(family=family, title=TITLES[family], status="done")
    turn_to(stepped, SUNDAY + timedelta(minutes=10))
    assert owned(stepped).pause_cause is PauseCause.NOT_ALLOWED
    assert not [one for one in in_group(stepped) if one.files]
    assert "You've left the space." in (stepped.said(person=olga)[-1].text or "")

    offer = BotMessage(in_group(stepped)[-1])
    assert "Its owner has left this space." in offer.shown
    stepped.pressed(stepped.setup.grace, offer.message, offer.buttons["Take over"])
    stepped.work()
    assert owned(stepped).person_id == stepped.setup.grace.id
    stepped.world.add_report(family=family, title=TITLES[family], status="done")
    turn_to(stepped, SUNDAY + timedelta(minutes=20))
    assert len([one for one in in_group(stepped) if one.files]) == 1


@pytest.mark.parametrize("kind", [Kind.SUBSCRIPTION, Kind.SCHEDULE])
def test_what_is_paused_says_so_in_the_lists(stepped: SteppedBot, olga: Person, kind: Kind) -> None:
    word = (
        "subscribe calling usage"
        if kind is Kind.SUBSCRIPTION
        else "schedule calling usage every day 8:00 UTC yesterday"
    )
    here(stepped, olga, word)
    with stepped.database.begin() as tx:
        reason = "Its owner may no longer get these reports."
        assert origins.pause(tx, owned(stepped).origin, PauseCause.NOT_ALLOWED, reason)
    here(stepped, stepped.setup.ada, f"{kind.value}s")
    listed = BotMessage(in_group(stepped)[-1])
    assert "aused. Its owner may no longer get these reports." in listed.shown
    if kind is Kind.SCHEDULE:
        stepped.pressed(stepped.setup.ada, listed.message, listed.buttons["Show"])
        stepped.work()
    shown = BotMessage(in_group(stepped)[-1])
    assert "Take over" in shown.buttons
    assert "Resume" not in shown.buttons
