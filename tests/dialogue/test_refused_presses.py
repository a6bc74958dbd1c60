"""A press that is refused answers the presser directly: the room, and the card in it, stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.chat.registry import registry
from bot.db.requests import State
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person
    from tests.stepped_bot import SteppedBot

WORDS = sorted(registry.words - {"help"})
WITH_REPORT = ["again", "cancel", "refresh", "report", "why"]
FAMILIES = ["partner", "organization"]
OTHER_ROLE = {"partner": FULL_ADMIN, "organization": PARTNER_FULL_ADMIN}
"""The role of someone who may use the other family only."""
ROLES = {
    "partner": "Partner Full Administrator or Partner Read-only Administrator",
    "organization": "Full Administrator or Read-only Administrator",
}


def card_of(stepped: SteppedBot, family: str, status: str) -> Message:
    """Return the card of a report that Ada asked for in the group space."""
    setup = stepped.setup
    made = setup.partner_report if family == "partner" else setup.organization_report
    report = made("Secret Merger", status=status)
    stepped.receive(setup.ada, f"report {report.id}", setup.group)
    stepped.work()
    return next(one for one in stepped.said(setup.group) if one.card)


def press(stepped: SteppedBot, person: Person, card: Message, word: str, argument: str, **more: str) -> str:
    """Press a button in the group space, and return what the presser is told; nothing changes in the room."""
    room = [(one.id, one.text) for one in stepped.said(stepped.setup.group)]
    before = len(stepped.said(person=person))
    stepped.pressed(person, card, {"command": word, "argument": argument} | more)
    stepped.work()

    assert [(one.id, one.text) for one in stepped.said(stepped.setup.group)] == room
    told = stepped.said(person=person)[before:]
    assert len(told) == 1
    return told[0].text or ""


@pytest.mark.parametrize("word", WORDS)
def test_who_may_nothing_is_told_so_alone(stepped: SteppedBot, word: str) -> None:
    card = card_of(stepped, "partner", "waiting")
    request = stepped.request()

    told = press(stepped, stepped.setup.nora, card, word, request.report_id, reference=request.reference)

    assert "Only " in told
    assert "administrator" in told
    assert "Secret Merger" not in told
    assert stepped.request().state is State.OPEN


@pytest.mark.parametrize("status", ["waiting", "done"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("word", WITH_REPORT)
def test_who_may_use_the_other_family_only_is_told_so_alone(
    stepped: SteppedBot, word: str, family: str, status: str
) -> None:
    setup = stepped.setup
    olga = stepped.world.add_person("Olga", setup.acme, roles=[OTHER_ROLE[family]])
    stepped.world.join(setup.group, olga)
    card = card_of(stepped, family, status)
    request = stepped.request()

    told = press(stepped, olga, card, word, request.report_id, reference=request.reference)

    assert "Secret Merger" not in told
    assert stepped.request().state is request.state
    assert f"I didn't look for {family} reports: they need the role {ROLES[family]}." in told
    assert "Nobody is waiting" not in told


@pytest.mark.parametrize("word", ["again", "report"])
def test_the_card_of_a_report_stays_when_a_press_on_it_is_refused(stepped: SteppedBot, word: str) -> None:
    setup = stepped.setup
    report = setup.partner_report("Secret Merger", status="waiting")
    stepped.receive(setup.ada, f"refresh {report.id}", setup.group)
    stepped.work()
    (card,) = stepped.said(setup.group)
    olga = stepped.world.add_person("Olga", setup.acme, roles=[FULL_ADMIN])
    stepped.world.join(setup.group, olga)

    assert "couldn't find that organization report. Deleted reports" in press(stepped, olga, card, word, report.id)


def test_a_read_only_administrator_is_told_alone_what_is_not_for_them(stepped: SteppedBot) -> None:
    card = card_of(stepped, "partner", "done")

    assert "Only full administrators" in press(stepped, stepped.setup.grace, card, "audit", "")
    told = press(stepped, stepped.setup.grace, card, "delete", stepped.request().report_id)
    assert "Read-only administrators can't do this." in told


def test_where_the_presser_cannot_be_reached_the_thread_has_one_sentence(stepped: SteppedBot) -> None:
    setup = stepped.setup
    card = card_of(stepped, "partner", "waiting")
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=403, times=1)
    before = len(stepped.said(setup.group))

    stepped.pressed(setup.nora, card, {"command": "refresh", "argument": stepped.request().report_id})
    stepped.work()

    (said,) = stepped.said(setup.group)[before:]
    assert (said.text or "").startswith("Only Webex administrators can get this report. (reference ")


@pytest.mark.parametrize("word", ["again", "refresh", "report"])
def test_a_press_that_webex_answers_with_an_error_is_answered_alone(stepped: SteppedBot, word: str) -> None:
    """Such as on an old card, whose report was deleted since."""
    setup = stepped.setup
    card = card_of(stepped, "partner", "done")
    request: Any = stepped.request()
    stepped.world.set_report(request.report_id, deleted=True)

    told = press(stepped, setup.ada, card, word, request.report_id)

    assert "couldn't find that report. Deleted reports" in told
