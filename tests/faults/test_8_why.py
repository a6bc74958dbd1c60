"""Issue 4, item 8: the story of a request, in the chat and on the command line."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from bot.cli.main import main
from bot.db import requests
from bot.db.requests import State
from bot.queue import tasks
from bot.text import when
from bot.webex.ids import message_link

if TYPE_CHECKING:
    import pytest

    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot

CHECKED = "access check passed"


def delivered(stepped: SteppedBot, **where) -> tuple[str, Message]:
    """A report that Ada asked for and got; the report's id and the message with its file."""
    report = stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.ada, f"report {report.id}", **where)
    stepped.work()
    assert stepped.request().state is State.DELIVERED
    (file,) = (one for one in stepped.said(where.get("space")) if one.files)
    return report.id, file


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def bare(an_id: str) -> str:
    return base64.urlsafe_b64decode(an_id + "=" * (-len(an_id) % 4)).decode().rpartition("/")[2]


def test_the_command_line_tells_it_step_by_step_with_a_link_to_the_message(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    report_id, file = delivered(machine, space=machine.setup.group)

    capsys.readouterr()
    assert main(["why", report_id]) == 0

    out = capsys.readouterr().out
    first, *lines = out.splitlines()
    assert first == f"Request {machine.request().reference} for “Calling Usage”"
    columns = [(line[:20].strip(), line[20:].strip()) for line in lines]
    asked = when(machine.request().asked_at)
    assert columns[0] == (asked, "Ada Lovelace asked in Admin reports")
    assert ("", "Access check passed") in columns
    assert (asked, "Ready") in columns
    assert any(at and what.endswith(" posted") for at, what in columns)
    assert f"webexteams://im?space={bare(file.room_id)}&message={bare(file.id)}" in out
    for name in (machine.setup.ada.id, machine.setup.group.id, report_id):
        assert name not in out


def test_json_is_one_object_a_request_the_newest_first(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    report_id, file = delivered(machine)
    machine.receive(machine.setup.ada, f"again {report_id}")
    machine.work(until=tasks.LOOKUP)

    capsys.readouterr()
    assert main(["why", "--json", report_id]) == 0

    newest, oldest = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (newest["state"], newest["message"]) == ("open", None)
    assert oldest["state"] == "delivered"
    assert oldest["file_size"] == file.files[0].size
    assert oldest["file_sha256"] == file.files[0].sha256
    assert oldest["message"].endswith(bare(file.id))
    assert oldest["history"][0].startswith("user …")
    assert oldest["person_id"] == machine.setup.ada.id
    assert oldest["room_id"] == "1:1"
    assert machine.calls("GET", "/v1/people") == 0


def test_a_reference_is_enough_in_any_case(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    delivered(machine)

    assert main(["why", machine.request().reference.upper()]) == 0
    assert " posted" in capsys.readouterr().out


def test_what_nobody_asked_for_is_a_sentence_and_exit_code_1(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", "nothing"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "reportbot: No request for a report with this ID was found, nor one with this reference. "
        "Requests are kept for 365 days.\n"
    )


def test_what_was_refused_is_told_of_by_its_id_too(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    report = machine.setup.partner_report()
    machine.receive(machine.setup.nora, f"report {report.id}")
    machine.work()

    assert main(["why", report.id]) == 0
    out = capsys.readouterr().out
    assert "Nora Jones requested report …" in out
    assert "in a direct message. Refused: not an administrator. " in out


def test_what_was_asked_in_a_space_and_answered_directly_says_both(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    space = machine.setup.group
    report = machine.setup.partner_report(status="waiting")
    machine.receive(machine.setup.ada, f"report {report.id}", space)
    machine.work()
    machine.world.leave(space, machine.setup.ada)
    machine.world.set_report(report.id, status="done")
    machine.wait(60)

    assert main(["why", report.id]) == 0
    out = capsys.readouterr().out
    assert "Ada Lovelace asked in Admin reports" in out
    assert "Access check passed, for a direct answer only" in out


def test_what_webex_could_not_generate_is_run_again_and_not_sent_again(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calls", status="failed")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    stepped.receive(stepped.setup.ada, f"why {report.id}")
    stepped.work()

    card = stepped.said()[-1].card
    assert "Run again" in str(card)
    assert "Send again" not in str(card)


def test_a_watch_says_when_it_goes_on_and_what_hinders_it(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    report = machine.setup.partner_report(status="waiting")
    machine.receive(machine.setup.ada, f"report {report.id}")
    machine.work()
    with machine.database.begin() as tx:
        requests.fails(tx, requests.of_report(report.id), "Webex isn't responding right now.", machine.clock())

    assert main(["why", report.id]) == 0

    out = capsys.readouterr().out
    assert "In progress" in out
    assert "Next check within 10 s. I'll stop waiting on" in out
    assert "Webex has been returning errors since" in out
    assert "Webex isn't responding right now. I'm retrying automatically." in out


def test_the_chat_shows_the_same_with_the_link_and_send_again(stepped: SteppedBot) -> None:
    report_id, file = delivered(stepped, space=stepped.setup.group)
    stepped.receive(stepped.setup.ada, f"why {report_id}", stepped.setup.group)
    stepped.work()

    (card,) = (one for one in stepped.said(stepped.setup.group) if one.card and CHECKED in str(one.card))

    link = f"[open message](webexteams://im?space={bare(file.room_id)}&message={bare(file.id)})"
    assert link in str(card.card)
    assert link in (card.markdown or "")
    assert "Send again" in str(card.card)


def test_a_link_is_only_made_of_ids_that_can_be_read() -> None:
    room, message = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
    rooms = encoded(f"ciscospark://us/ROOM/{room}"), encoded(f"ciscospark://urn:TEAM:eu-central-1_k/ROOM/{room}")

    for one in rooms:
        assert message_link(one, encoded(f"ciscospark://us/MESSAGE/{message}")) == (
            f"webexteams://im?space={room}&message={message}"
        )
    for wrong in (None, "", "abc", room, encoded(f"ciscospark://us/ROOM/{message}"), encoded("ciscospark://us/x)(/y")):
        assert message_link(rooms[0], wrong) is None
    assert message_link(None, encoded(f"ciscospark://us/MESSAGE/{message}")) is None
    assert message_link(rooms[0], encoded(f"ciscospark://us/MESSAGE/{message})[x](https://evil.example")) is None
