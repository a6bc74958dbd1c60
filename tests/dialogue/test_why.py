"""``why <id>``: the history of a request in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator.things import FULL_ADMIN

if TYPE_CHECKING:
    from bot.emulator.things import Person, Space
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot


def test_why_tells_a_delivered_report_step_by_step(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)

    card = ada.says(f"why {report.id}").card()

    for step in (
        "**Ada Lovelace** asked in **Admin reports** on",
        "→ access check passed →",
        "→ ready ",
        " posted ",
        "([open message](webexteams://im?space=",
        "Partner report",
        "SHA-256",
    ):
        assert step in card.shown
    assert set(card.buttons) == {"Send again"}


def test_why_tells_where_a_watch_stands_and_when_it_ends(live: LiveBot) -> None:
    report = live.partner_report(status="manual_processing")
    ada = live.at(live.ada)
    reference = ada.says(f"report {report.id}").card().words.rpartition("Reference ")[2].strip(". ")
    live.on_record(report.id, State.OPEN)

    card = ada.says(f"why {reference.upper()}").card()

    assert "manual_processing" in card.shown.replace("\\", "")
    assert "I'll stop waiting on" in card.shown
    assert "**Ada Lovelace** asked directly on" in card.shown
    assert card.buttons == {}


def test_why_tells_nothing_to_who_may_not_ask(live: LiveBot) -> None:
    report = live.partner_report()
    live.at(live.ada, live.group).says(f"report {report.id}").file()

    heard = live.at(live.nora, live.group).says(f"why {report.id}").answer()

    assert heard.card is None
    assert "Only Webex administrators" in heard.words


def test_why_of_what_nobody_asked_for_says_so(live: LiveBot) -> None:
    report = live.partner_report()
    ada = live.at(live.ada)
    assert "Nobody has requested" in ada.says(f"why {report.id}").answer().words
    assert "I couldn't find a request “abc2345” here" in ada.says("why (reference abc2345)").answer().words


def test_why_with_the_reference_of_an_error_says_what_it_was(live: LiveBot) -> None:
    ada = live.at(live.ada)
    live.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=400)
    failed = ada.says(f"refresh {live.partner_report().id}").hears("(reference ")
    reference = failed.words.rpartition("(reference ")[2].partition(")")[0]

    told = ada.says(f"why {reference}").answer().message.markdown or ""
    assert "Ada Lovelace** checked the status of report …" in told
    assert "Error: not found" in told
    assert "couldn't find a request" in live.at(live.grace).says(f"why {reference}").answer().words, (
        "that is another one's"
    )


def test_why_in_a_space_tells_nothing_of_what_was_asked_elsewhere(live: LiveBot) -> None:
    report = live.partner_report("Secret Merger Usage")
    ada = live.at(live.ada)
    ada.says(f"report {report.id}").file()
    live.on_record(report.id, State.DELIVERED)

    answer = live.at(live.ada, live.group).says(f"why {report.id}").answer()

    assert "Nobody has requested" in answer.words
    assert "Secret Merger" not in answer.words
    assert "Secret Merger" in ada.says(f"why {report.id}").card().shown


def test_why_of_a_request_that_joined_another_one_tells_as_much(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    first = live.at(live.ada, live.group).says(f"report {report.id}")
    first.card()
    live.on_record(report.id, State.OPEN)
    grace = live.at(live.grace, live.group)
    grace.says(f"report {report.id}").card()
    live.emulator.world.set_report(report.id, status="done")
    first.file()
    live.on_record(report.id, State.DELIVERED)

    shown = grace.says(f"why {report.id}").card().shown

    for step in (
        "one file serves both",
        "last status from Webex: done",
        "SHA-256",
        " posted ",
    ):
        assert shown.count(step) == (1 if step == "one file serves both" else 2)


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_full_administrator_finds_any_request_by_its_reference_directly(stepped: SteppedBot, family: str) -> None:
    setup = stepped.setup
    report = (setup.partner_report if family == "partner" else setup.organization_report)("Calling Usage")
    stepped.receive(setup.grace, f"report {report.id}", setup.group)
    stepped.work()
    reference = stepped.request().reference

    told = asked(stepped, setup.ada, f"why {reference}")

    assert "**Grace Hopper** asked in **Admin reports** on" in told
    assert "Calling Usage" in told
    others = stepped.world.add_space("Elsewhere", [setup.ada, setup.bot])
    assert "couldn't find a request" in asked(stepped, setup.ada, f"why {reference}", others), "others read along"
    assert "couldn't find a request" not in asked(stepped, setup.grace, f"why {reference}"), "it is hers"


def test_who_may_not_audit_finds_their_own_requests_only(stepped: SteppedBot) -> None:
    setup = stepped.setup
    report = setup.partner_report("Calling Usage")
    stepped.receive(setup.ada, f"report {report.id}")
    stepped.work()

    for words in (stepped.request().reference, report.id):
        told = asked(stepped, setup.grace, f"why {words}")
        assert "Ada" not in told
        assert "Calling Usage" not in told


def test_a_full_administrator_finds_no_request_of_a_family_that_they_may_not_use(stepped: SteppedBot) -> None:
    setup = stepped.setup
    olga = stepped.world.add_person("Olga", setup.acme, roles=[FULL_ADMIN])
    stepped.receive(setup.ada, f"report {setup.partner_report('Secret Merger').id}")
    stepped.work()

    told = asked(stepped, olga, f"why {stepped.request().reference}")

    assert "couldn't find a request" in told
    assert "Secret" not in told


def test_a_full_administrator_reads_the_reference_of_anybodys_error(stepped: SteppedBot) -> None:
    setup = stepped.setup
    stepped.receive(setup.nora, "reports", setup.group)
    stepped.work()
    reference = (stepped.said(setup.group)[-1].text or "").partition("(reference ")[2].strip(")")

    told = asked(stepped, setup.ada, f"why {reference}")

    assert "**Nora Jones** listed the reports in **Admin reports**. Refused: not an administrator." in told
    assert "Nora" not in asked(stepped, setup.grace, f"why {reference}")


def test_names_of_others_cost_one_call_and_are_remembered(stepped: SteppedBot) -> None:
    setup = stepped.setup
    report = setup.partner_report("Calling Usage")
    stepped.receive(setup.grace, f"report {report.id}", setup.group)
    stepped.work()
    stepped.clock.turn(301)
    stepped.emulator.calls.clear()
    for _ in range(2):
        asked(stepped, setup.ada, f"why {report.id}", setup.group)

    assert stepped.calls("GET", "/v1/people") == 1
    assert stepped.calls("GET", f"/v1/rooms/{setup.group.id}") == 1


def test_why_is_answered_without_names_while_webex_does_not_tell_them(stepped: SteppedBot) -> None:
    setup = stepped.setup
    report = setup.partner_report("Calling Usage")
    stepped.receive(setup.grace, f"report {report.id}", setup.group)
    stepped.work()
    stepped.clock.turn(301)
    asked(stepped, setup.ada, "reports")
    for path in ("/v1/people", "/v1/rooms/*"):
        stepped.emulator.faults.add(method="GET", path=path, status=503, times=None)

    told = asked(stepped, setup.ada, f"why {report.id}", setup.group)

    assert "**Name not available** asked in another space on" in told


def asked(stepped: SteppedBot, person: Person, words: str, space: Space | None = None) -> str:
    """Return everything that a person is answered."""
    before = len(stepped.said(space, person))
    stepped.receive(person, words, space)
    stepped.work()
    (said,) = stepped.said(space, person)[before:]
    return f"{said.markdown or said.text} {said.card}"


def test_why_of_a_report_that_webex_could_not_generate_offers_to_run_it_again(live: LiveBot) -> None:
    report = live.partner_report(status="failed")
    ada = live.at(live.ada)
    ada.says(f"report {report.id}").card()
    live.on_record(report.id, State.FAILED)

    card = ada.says(f"why {report.id}").card()

    assert "Run it again." in card.shown
    assert set(card.buttons) == {"Run again"}


@pytest.mark.parametrize(("word", "button"), [("stop", "Cancel"), ("status", "Refresh")])
def test_usual_words_for_a_command_are_guessed(live: LiveBot, word: str, button: str) -> None:
    said = live.at(live.ada).says(word).card()

    assert [one["data"]["command"] for one in said.actions][:1] == [button.lower()]
