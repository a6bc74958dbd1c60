"""An event becomes an invocation: where it was written, and which of its words are report IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import messages
from bot.db.events import Event

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.core.workbench import Workbench


def as_webex_shows(message: Message, **more: Any) -> dict[str, Any]:
    """Return the message as ``GET /messages/{id}`` gives it, without the type of its space."""
    return {
        "id": message.id,
        "roomId": message.room_id,
        "personId": message.person_id,
        "text": message.text,
        **more,
    }


def is_direct(bench: Workbench, message: Message) -> bool:
    with bench.database.read() as tx:
        post = messages.by_message(tx, message.id)
    assert post is not None
    return post.direct


@pytest.mark.parametrize("direct", [True, False])
def test_the_event_tells_the_type_of_the_space_where_the_message_does_not(bench: Workbench, direct: bool) -> None:
    """1:1 is where the bot may list the messages, and where nobody else reads along."""
    space = None if direct else bench.stage.group
    message = bench.hears(bench.stage.ada, "help", space)
    body = as_webex_shows(message, html=message.html)
    bench.emulator.faults.add(method="GET", path=f"/v1/messages/{message.id}", status=200, body=body, times=None)

    bench.work()

    (answer,) = bench.said(space)
    assert is_direct(bench, answer) is direct


def asked(bench: Workbench, text: str) -> list[str]:
    """Return the report ids that a 1:1 message asks for."""
    bench.hears(bench.stage.ada, text)
    bench.work()
    with bench.database.read() as tx:
        rows = tx.connection.exec_driver_sql("SELECT report_id FROM requests ORDER BY id").all()
    return [row.report_id for row in rows]


@pytest.mark.parametrize("form", ["report {} please", "please get report {}", "report the {} thanks!", "get report {}"])
def test_politeness_is_no_report_id(bench: Workbench, form: str) -> None:
    report = bench.stage.partner_report()
    assert asked(bench, form.format(report.id)) == [report.id]
    assert not [one for one in bench.said() if "please" in (one.text or "")]


def test_a_short_word_alone_is_asked_for_like_any_id(bench: Workbench) -> None:
    """Ids are opaque: only beside one that looks like it is a plain word taken for politeness."""
    assert asked(bench, "report abc") == ["abc"]


@pytest.mark.parametrize("asked_to_wait", [{}, {"Retry-After": "600"}], ids=["", "for ten minutes"])
def test_a_bot_that_does_not_know_its_identity_answers_nothing(bench: Workbench, asked_to_wait: dict[str, str]) -> None:
    bench.emulator.faults.add(method="GET", path="/v1/people/me", status=503, headers=asked_to_wait)
    bench.hears(bench.stage.ada, "help")
    for _ in range(20):
        bench.wait(30)
    assert bench.said() == []

    bench.emulator.faults.clear()
    bench.wait(600)
    (answer,) = bench.said()
    assert answer.card


def test_another_new_member_is_not_welcomed(bench: Workbench) -> None:
    bench.emulator.faults.add(method="GET", path="/v1/people/me", status=503, headers={"Retry-After": "600"})
    bench._keep(Event("memberships", "created", "added", bench.stage.outside.id, "group", bench.stage.ethan.id))
    for _ in range(20):
        bench.wait(30)
    assert bench.said(bench.stage.outside) == []
