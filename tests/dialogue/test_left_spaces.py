"""The name of a space that a person has left: Webex would refuse it to them, so the bot doesn't tell it either."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.db.origin import Kind
from bot.webex.space_names import REMEMBERED_SECONDS
from tests.live_bot import ADMIN_OF_BOTH
from tests.origin_rows import add_schedule, add_subscription

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person
    from tests.stepped_bot import SteppedBot

NAMED = ["pending", "cancel", "why {request}", "subscriptions", "schedules", "schedules {schedule}"]
"""Each tells in a 1:1 space where something is."""


class Stage:
    """Olga waits for two reports in a group space, and has a subscription and a schedule there."""

    def __init__(self, stepped: SteppedBot) -> None:
        self.stepped, self.setup = stepped, stepped.setup
        self.olga = stepped.world.add_person("Olga Owner", self.setup.acme, roles=ADMIN_OF_BOTH)
        self.space = stepped.world.add_space("Finance", [self.olga, self.setup.nora, self.setup.bot])
        for title in ("Calling Usage", "Calling Quality"):
            self.says(f"report {self.setup.partner_report(title, status='waiting').id}", here=True)
        about = (stepped.database, self.olga, self.space, stepped.clock())
        self.subscription = add_subscription(*about, family="partner")
        self.schedule = add_schedule(*about, name="Weekly usage")
        self.references = {"request": stepped.request(1).reference, "schedule": self.schedule.reference}

    def says(self, words: str, *, here: bool = False) -> str:
        """Return what Olga is told directly, or in the space."""
        before = len(self.told())
        self.stepped.receive(self.olga, words, self.space if here else None)
        self.stepped.work()
        return shown(self.told()[before:])

    def told(self, person: Person | None = None) -> list[Message]:
        return self.stepped.said(person=person or self.olga)

    def leaves(self) -> None:
        """Olga leaves the space, which is then renamed."""
        self.stepped.world.leave(self.space, self.olga)
        self.space.title = "Layoffs in March"
        self.stepped.clock.turn(REMEMBERED_SECONDS + 1)


@pytest.fixture
def stage(stepped: SteppedBot) -> Stage:
    return Stage(stepped)


def shown(messages: list[Message]) -> str:
    return "\n".join(f"{one.text} {one.markdown} {json.dumps(one.card)}" for one in messages)


@pytest.mark.parametrize("words", NAMED)
def test_where_it_is_is_told_by_name_while_one_is_there(stage: Stage, words: str) -> None:
    assert "Finance" in stage.says(words.format_map(stage.references))

    stage.leaves()

    said = stage.says(words.format_map(stage.references))
    assert "another space" in said
    assert "Layoffs" not in said
    assert "Finance" not in said


@pytest.mark.parametrize("words", NAMED)
def test_whose_membership_cannot_be_had_now_is_told_no_name(stage: Stage, words: str) -> None:
    stage.stepped.clock.turn(REMEMBERED_SECONDS + 1)
    stage.stepped.emulator.faults.add("GET", "/v1/memberships", status=503, times=None)

    assert "Finance" not in stage.says(words.format_map(stage.references))


@pytest.mark.parametrize("kind", [Kind.SUBSCRIPTION, Kind.SCHEDULE])
@pytest.mark.parametrize("left", [False, True])
def test_an_owner_is_told_of_a_change_by_name_while_they_are_there(stage: Stage, kind: Kind, left: bool) -> None:
    owned = stage.subscription if kind is Kind.SUBSCRIPTION else stage.schedule
    if left:
        stage.leaves()
    before = len(stage.told())
    stage.stepped.receive(stage.setup.ada, f"pause {owned.reference}")
    stage.stepped.work()

    said = shown(stage.told()[before:])

    assert "paused" in said
    assert ("Finance" in said) is not left
    assert "Layoffs" not in said


@pytest.mark.parametrize("left", [False, True])
def test_a_press_that_is_refused_late_names_the_space_to_who_is_there(stage: Stage, left: bool) -> None:
    reader = stage.setup.grace
    stage.stepped.world.join(stage.space, reader)
    card = next(one for one in stage.stepped.said(stage.space) if one.card)
    stage.stepped.pressed(reader, card, {"command": "run", "argument": "again"})
    if left:
        stage.stepped.world.leave(stage.space, reader)
        stage.space.title = "Layoffs in March"
    stage.stepped.clock.turn(600)
    stage.stepped.work()

    said = shown(stage.told(reader))

    assert "Read-only administrators can't do this" in said
    assert ("Finance" in said) is not left
    assert "Layoffs" not in said


def test_a_full_administrator_reads_the_names_of_all_spaces(stage: Stage) -> None:
    """The audit log says who did what in which space; what it's about is told so everywhere."""
    for words in ("subscriptions all", "schedules all", f"why {stage.references['request']}"):
        before = len(stage.told(stage.setup.ada))
        stage.stepped.receive(stage.setup.ada, words)
        stage.stepped.work()
        assert "Finance" in shown(stage.told(stage.setup.ada)[before:]), words


def test_who_has_just_written_or_been_seen_there_costs_no_call(stage: Stage) -> None:
    """Their requests have asked for the members; an answer goes to the space itself."""
    before = stage.stepped.calls("GET", "/v1/memberships")
    stage.says("pending")
    assert stage.stepped.calls("GET", "/v1/memberships") == before

    stage.stepped.clock.turn(REMEMBERED_SECONDS + 1)
    stage.says("pending", here=True)
    assert stage.stepped.calls("GET", "/v1/memberships") == before + 1, "who reads along"

    stage.stepped.clock.turn(REMEMBERED_SECONDS + 1)
    stage.says("pending")
    stage.says("why")
    assert stage.stepped.calls("GET", "/v1/memberships") == before + 2, "one look is remembered"
