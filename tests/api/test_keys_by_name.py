"""Keys are called by their names where people read of them, and bystanders don't cancel what a key asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.cli.main import main
from bot.db import api_keys, request_search
from bot.db.api_keys import Right
from bot.db.origin import Kind, Origin
from bot.db.requests import GROUP, Content, State
from bot.messages.audit_list import COMMANDS
from bot.reports.requests import Asker, open_request
from bot.web.api.application import create_api
from tests.live_bot import texts_of

if TYPE_CHECKING:
    import pytest

    from bot.db.requests import Request
    from bot.emulator.things import Person
    from tests.api.conftest import Api, Caller
    from tests.stepped_bot import SteppedBot


def key_asks(stepped: SteppedBot, report_id: str) -> Request:
    """A key asks for a report in the group's space."""
    with stepped.database.begin() as tx:
        api_keys.create(tx, "nightly", None, list(Right), created_by="command line", now=stepped.clock())
        caller, origin = api_keys.caller_of(1), Origin(Kind.KEY, 1)
        asker = Asker("api:1", caller, stepped.setup.group.id, GROUP, None, stepped.clock(), origin)
        open_request(tx, stepped.services, asker, report_id, content=Content.FILE)
    stepped.work()
    return stepped.request()


def said_to(stepped: SteppedBot, person: Person, words: str) -> str:
    """What the bot answers to words in the group's space, wherever it does."""
    before = {one.id for space in stepped.world.spaces.values() for one in stepped.world.messages(space)}
    stepped.receive(person, words, stepped.setup.group)
    stepped.work()
    new = [
        one
        for space in stepped.world.spaces.values()
        for one in stepped.world.messages(space)
        if one.id not in before and one.person_id == stepped.setup.bot.id
    ]
    return "\n".join([*(one.text or "" for one in new), *(line for one in new for line in texts_of(one.card))])


def test_why_and_audit_name_the_key_in_chat(api: Api, caller: Caller) -> None:
    report = api.live.partner_report("Calling Usage")
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    caller.ended(made["id"])
    ada = api.live.at(api.live.ada)
    assert "For **API key test** in **Admin reports**" in ada.says(f"why {made['reference']}").card().shown
    shown = ada.says("audit").card().shown
    assert "**API key test** asked to have **Calling Usage** delivered in **Admin reports**" in shown
    assert "**API key test** got **Calling Usage** in **Admin reports**" in shown
    assert "post_deliver" not in shown


def test_on_the_command_line(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    request = key_asks(machine, machine.setup.partner_report("Calling Usage").id)
    assert main(["why", request.reference]) == 0
    assert "For API key nightly in" in capsys.readouterr().out
    assert main(["audit"]) == 0
    assert re.search(r"API key nightly +Admin reports +got Calling Usage", capsys.readouterr().out)
    assert main(["why", "--json", request.reference]) == 0
    assert "API key nightly" in capsys.readouterr().out


def test_every_call_of_the_api_is_a_sentence() -> None:
    app = create_api(None)  # type: ignore[arg-type]  # nothing is called
    acts = {
        f"{method.lower()}_{rule.endpoint.rpartition('.')[2]}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.endpoint.startswith("v1.") and method not in {"HEAD", "OPTIONS"}
    }
    assert acts
    assert acts - COMMANDS.keys() == set()


def test_a_bystander_does_not_cancel_what_a_key_asked_for(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="In progress")
    key_asks(stepped, report.id)
    assert "Read-only administrators can't do this" in said_to(stepped, stepped.setup.grace, f"cancel {report.id}")
    assert stepped.request().state is State.OPEN
    assert "Canceled" in said_to(stepped, stepped.setup.ada, f"cancel {report.id}")
    assert stepped.request().state is State.CANCELED


def test_a_bystander_cancels_the_requests_of_people_alone(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="In progress")
    key_asks(stepped, report.id)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    said_to(stepped, stepped.setup.grace, f"cancel {report.id}")
    with stepped.database.read() as tx:
        states = [one.state for one in request_search.about(tx, report.id)[::-1]]
    assert states == [State.OPEN, State.CANCELED]
