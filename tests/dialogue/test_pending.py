"""``pending``: what a person waits for, where, since when and until when, each with Cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.emulator.cards import problems
from bot.text import when
from bot.webex.space_names import MOST_ASKED
from tests.live_bot import actions_of, texts_of

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

FAMILIES = ["partner", "organization"]


def report_of(stepped: SteppedBot, family: str, title: str) -> Any:
    setup = stepped.setup
    return (setup.partner_report if family == "partner" else setup.organization_report)(title, status="waiting")


def asked(stepped: SteppedBot, words: str, **where: Any) -> Message:
    """Return what Ada is answered."""
    before = len(stepped.said(where.get("space")))
    stepped.receive(stepped.setup.ada, words, **where)
    stepped.work()
    (said,) = stepped.said(where.get("space"))[before:]
    return said


def shown(message: Message) -> str:
    return "\n".join(texts_of(message.card))


@pytest.mark.parametrize("family", FAMILIES)
def test_directly_it_is_everything_with_the_names_of_spaces(stepped: SteppedBot, family: str) -> None:
    group = stepped.setup.group
    here, there = report_of(stepped, family, "Calling Usage"), report_of(stepped, family, "Quality")
    asked(stepped, f"report {here.id}")
    asked(stepped, f"report {there.id}", space=group)

    said = asked(stepped, "pending")

    one, two = stepped.request(1), stepped.request(2)
    days = "Jan 1–31, 2026 · US" if family == "partner" else "Jan 1–31, 2026"
    assert problems(said.card) == []
    assert shown(said).splitlines() == [
        "You're waiting for 2 reports",
        "I'll post each file as soon as it's ready.",
        "Calling Usage",
        "● In progress",
        f"{days} · requested directly, {when(one.asked_at)} · until {when(one.deadline_at)}",
        "Quality",
        "● In progress",
        f"{days} · requested in **Admin reports**, {when(two.asked_at)} · until {when(two.deadline_at)}",
    ]
    assert [action["data"]["argument"] for action in actions_of(said.card)] == [here.id, there.id]
    assert "Quality" in (said.markdown or "")


@pytest.mark.parametrize("family", FAMILIES)
def test_cancel_ends_the_one_that_was_pressed_wherever_it_is(stepped: SteppedBot, family: str) -> None:
    group, ada = stepped.setup.group, stepped.setup.ada
    report = report_of(stepped, family, "Calling Usage")
    asked(stepped, f"report {report.id}")
    asked(stepped, f"report {report.id}", space=group)
    said = asked(stepped, "pending")

    stepped.pressed(ada, said, actions_of(said.card)[1]["data"])
    stepped.work()

    assert stepped.request(1).state is State.OPEN
    assert stepped.request(2).state is State.CANCELED
    answer = stepped.said()[-1]
    assert answer.text == "Canceled. I won't post Calling Usage in the space where you asked for it."


@pytest.mark.parametrize("family", FAMILIES)
def test_in_a_space_it_is_what_was_asked_there(stepped: SteppedBot, family: str) -> None:
    group = stepped.setup.group
    secret, here = report_of(stepped, family, "Secret Merger"), report_of(stepped, family, "Quality")
    asked(stepped, f"report {secret.id}")
    stepped.receive(stepped.setup.grace, f"report {secret.id}")
    asked(stepped, f"report {here.id}", space=group)

    said = asked(stepped, "pending", space=group)

    assert shown(said).startswith("You're waiting for 1 report in this space\n")
    assert "Quality" in shown(said)
    assert "Secret" not in shown(said) + (said.markdown or "")


def test_it_is_nobody_elses_business(stepped: SteppedBot) -> None:
    setup = stepped.setup
    asked(stepped, f"report {setup.partner_report(status='waiting').id}", space=setup.group)
    stepped.receive(setup.grace, "pending", setup.group)
    stepped.receive(setup.nora, "pending")
    stepped.work()

    assert stepped.said(setup.group)[-1].text == "You have no pending requests in this space."
    (refused,) = stepped.said(person=setup.nora)
    assert "Only Webex administrators" in (refused.text or "")


def test_before_outsiders_it_is_answered_directly(stepped: SteppedBot) -> None:
    setup = stepped.setup
    asked(stepped, f"report {setup.partner_report('Secret Merger', status='waiting').id}")
    stepped.receive(setup.ada, "pending", setup.outside)
    stepped.work()

    (neutral,) = stepped.said(setup.outside)
    assert "external people" in (neutral.text or "")
    assert stepped.said()[-1].text == "You have no pending requests in this space."


def test_a_report_of_a_family_that_was_taken_away_is_not_listed(stepped: SteppedBot) -> None:
    setup = stepped.setup
    asked(stepped, f"report {setup.partner_report('Secret Merger', status='waiting').id}")
    stepped.world.people[setup.ada.id].roles[:] = ["id_full_admin"]
    stepped.clock.turn(301)

    said = asked(stepped, "pending")

    assert "Secret" not in (said.markdown or said.text or "")


def test_few_spaces_are_asked_for_their_names_and_once(stepped: SteppedBot) -> None:
    setup = stepped.setup
    for number in range(MOST_ASKED + 2):
        space = stepped.world.add_space(f"Space {number}", [setup.ada, setup.bot])
        asked(stepped, f"report {setup.partner_report(f'Report {number}', status='waiting').id}", space=space)
    before = stepped.calls("GET", "/v1/rooms/*")

    said = asked(stepped, "pending")

    assert stepped.calls("GET", "/v1/rooms/*") - before == MOST_ASKED
    assert f"You're waiting for {MOST_ASKED + 2} reports" in shown(said)
    assert f"These are the oldest {MOST_ASKED}." in shown(said)
    assert problems(said.card) == []
    asked(stepped, "pending")
    assert stepped.calls("GET", "/v1/rooms/*") - before == MOST_ASKED


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_space_whose_name_cannot_be_had_is_another_space(stepped: SteppedBot, status: int) -> None:
    setup = stepped.setup
    asked(stepped, f"report {setup.partner_report(status='waiting').id}", space=setup.group)
    stepped.emulator.faults.add(method="GET", path="/v1/rooms/*", status=status, times=None)

    assert "requested in another space, " in shown(asked(stepped, "pending"))


def test_hostile_names_do_not_break_out(stepped: SteppedBot) -> None:
    setup = stepped.setup
    space = stepped.world.add_space("**[x](https://evil.example)** <@all>", [setup.ada, setup.bot])
    report = setup.partner_report("[y](https://evil.example) <@personEmail:a@b.c>", status="waiting")
    asked(stepped, f"report {report.id}", space=space)

    said = asked(stepped, "pending")

    assert problems(said.card) == []
    assert "](https" not in shown(said) + (said.markdown or "")
    assert "<@" not in (said.markdown or "")


def test_pending_in_a_dialogue(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    ada = live.at(live.ada)
    line = ada.says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    card = ada.says("pending").card()
    ada.presses(card, "Cancel")

    line.hears("Canceled")
    assert "You have no pending requests." in ada.says("pending").answer().words
