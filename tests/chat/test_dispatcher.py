"""An event becomes an invocation: where it was written, and which of its words are report IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import messages
from bot.db.events import Event

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot


def as_webex_shows(message: Message, **more: Any) -> dict[str, Any]:
    """Return the message as ``GET /messages/{id}`` gives it, without the type of its space."""
    return {
        "id": message.id,
        "roomId": message.room_id,
        "personId": message.person_id,
        "text": message.text,
        **more,
    }


def is_direct(stepped: SteppedBot, message: Message) -> bool:
    with stepped.database.read() as tx:
        post = messages.by_message(tx, message.id)
    assert post is not None
    return post.direct


@pytest.mark.parametrize("direct", [True, False])
def test_the_event_tells_the_type_of_the_space_where_the_message_does_not(stepped: SteppedBot, direct: bool) -> None:
    """1:1 is where the bot may list the messages, and where nobody else reads along."""
    space = None if direct else stepped.setup.group
    message = stepped.receive(stepped.setup.ada, "help", space)
    body = as_webex_shows(message, html=message.html)
    stepped.emulator.faults.add(method="GET", path=f"/v1/messages/{message.id}", status=200, body=body, times=None)

    stepped.work()

    (answer,) = stepped.said(space)
    assert is_direct(stepped, answer) is direct


def asked(stepped: SteppedBot, text: str) -> list[str]:
    """Return the report ids that a 1:1 message asks for."""
    stepped.receive(stepped.setup.ada, text)
    stepped.work()
    with stepped.database.read() as tx:
        rows = tx.connection.exec_driver_sql("SELECT report_id FROM requests ORDER BY id").all()
    return [row.report_id for row in rows]


@pytest.mark.parametrize("form", ["report {} please", "please get report {}", "report the {} thanks!", "get report {}"])
def test_politeness_is_no_report_id(stepped: SteppedBot, form: str) -> None:
    report = stepped.setup.partner_report()
    assert asked(stepped, form.format(report.id)) == [report.id]
    assert not [one for one in stepped.said() if "please" in (one.text or "")]


def test_what_is_no_word_is_asked_for_like_any_id(stepped: SteppedBot) -> None:
    """IDs are opaque: what is letters alone is looked for in titles, and so is the rest at first."""
    assert asked(stepped, "report abc") == []
    assert asked(stepped, "report abc1") == ["abc1"]


@pytest.mark.parametrize("asked_to_wait", [{}, {"Retry-After": "600"}], ids=["", "for ten minutes"])
def test_a_bot_that_does_not_know_its_identity_answers_nothing(
    stepped: SteppedBot, asked_to_wait: dict[str, str]
) -> None:
    stepped.emulator.faults.add(method="GET", path="/v1/people/me", status=503, headers=asked_to_wait)
    stepped.receive(stepped.setup.ada, "help")
    for _ in range(20):
        stepped.wait(30)
    assert stepped.said() == []

    stepped.emulator.faults.clear()
    stepped.wait(600)
    (answer,) = stepped.said()
    assert answer.card


def test_another_new_member_is_not_welcomed(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(method="GET", path="/v1/people/me", status=503, headers={"Retry-After": "600"})
    stepped._keep(Event("memberships", "created", "added", stepped.setup.outside.id, "group", stepped.setup.ethan.id))
    for _ in range(20):
        stepped.wait(30)
    assert stepped.said(stepped.setup.outside) == []
