"""What the tests of messages share: where they are sent, and what is there afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import messages
from bot.errors import WebexError
from bot.webex.types import Target

if TYPE_CHECKING:
    from bot.db.messages import Message as Row
    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot

GENTLY = 120.0
"""Seconds after which every retry is due."""
POST: dict[str, Any] = {"method": "POST", "path": "/v1/messages"}
LIST: dict[str, Any] = {"method": "GET", "path": "/v1/messages*"}
DELETE: dict[str, Any] = {"method": "DELETE", "path": "/v1/messages/*"}
LOST: dict[str, Any] = {**POST, "cut": "after", "times": 1}
"""Webex posts the message, and its answer is lost."""
NOT_POSTED: dict[str, Any] = {**POST, "cut": "before", "times": 1}
"""Webex posts nothing, and the bot cannot know that."""


def row_of(stepped: SteppedBot, key: str) -> Row:
    """Return the row of a message that was not deleted."""
    with stepped.database.read() as tx:
        found = messages.get(tx, key)
    assert found is not None
    return found


def fails(stepped: SteppedBot, key: str, target: Target, words: str = "Hello", **fault: Any) -> None:
    """Send a message while Webex has this fault."""
    stepped.emulator.faults.add(**fault)
    with pytest.raises(WebexError):
        stepped.outbox.send(key, target, words)


def thread(stepped: SteppedBot) -> Target:
    """Return a thread in the group space, begun by Ada."""
    root = stepped.world.say(stepped.setup.ada, stepped.setup.group, "hello")
    return Target(room_id=stepped.setup.group.id, parent_id=root.id)


def directly(stepped: SteppedBot) -> Target:
    """Ada's 1:1 space, by her ID."""
    return Target(person_id=stepped.setup.ada.id, direct=True)


def nowhere_to_look(stepped: SteppedBot) -> Target:
    """Return a group space without a thread: Webex does not let a bot list its messages."""
    return Target(room_id=stepped.setup.group.id)


PLACES: dict[str, Any] = {"thread": thread, "directly": directly}


def sent(stepped: SteppedBot, words: str) -> list[Message]:
    """Return the bot's messages with these words, in the group space and directly to Ada."""
    everywhere = stepped.said(stepped.setup.group) + stepped.said()
    return [one for one in everywhere if words in (one.text or "")]
