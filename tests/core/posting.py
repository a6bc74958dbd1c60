"""What the tests of the outbox share: where things are said, and what is there afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.db import messages
from bot.webex.types import Target

if TYPE_CHECKING:
    from bot.db.messages import Message as SentMessage
    from bot.emulator.things import Message
    from tests.core.workbench import Workbench

GENTLY = 120.0
"""Seconds after which every retry is due."""


def later(bench: Workbench) -> None:
    """Let time pass, and the sweep come by."""
    bench.wait(GENTLY)
    bench.sweep.once()
    bench.work()


def state_of(bench: Workbench, key: str) -> SentMessage:
    with bench.database.read() as tx:
        found = messages.get(tx, key)
    assert found is not None
    return found


def thread(bench: Workbench) -> Target:
    """A thread in the group space, begun by Ada."""
    root = bench.world.say(bench.stage.ada, bench.stage.group, "hello")
    return Target(room_id=bench.stage.group.id, parent_id=root.id)


def one_to_one(bench: Workbench) -> Target:
    return Target(person_id=bench.stage.ada.id, direct=True)


def nowhere_to_look(bench: Workbench) -> Target:
    """A group space without a thread: Webex does not let a bot list its messages."""
    return Target(room_id=bench.stage.group.id)


PLACES: dict[str, Any] = {"thread": thread, "1:1": one_to_one}


def said(bench: Workbench, words: str) -> list[Message]:
    everywhere = bench.said(bench.stage.group) + bench.said()
    return [one for one in everywhere if words in (one.text or "")]
