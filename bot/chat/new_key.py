"""Make a key of the HTTP API in chat: it is shown once, on a message that is deleted after a minute.

Nothing but that message has the key. It is stored, as a hash, by the transaction that stores that the message was
posted: a key whose message may or may not have been posted was never valid, and a retry makes another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot import tracing
from bot.db import api_keys, audit, events
from bot.db.trace_ids import trace_id
from bot.messages import api_keys as sentences
from bot.outbox import Text
from bot.queue import tasks
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation
    from bot.db.api_keys import Right
    from bot.db.database import Transaction
    from bot.outbox import Sent
    from bot.services import Services

log = structlog.get_logger(__name__)

SHOWN_FOR: Final = 60.0
"""Seconds."""


def message_name(event_key: str) -> str:
    """Return the name of the message that shows the key that an event has made."""
    return f"{event_key}:key"


def show_new_key(
    invocation: Invocation, name: str, spaces: Sequence[str] | None, rights: Sequence[Right], reaches: str
) -> None:
    """Make a key and show it to the person directly. Raises ``WebexError`` and ``Unsure``."""
    services, shown_on = invocation.services, message_name(invocation.event_key)
    services.outbox.delete(shown_on)  # of an earlier try, whose key was never stored
    key = api_keys.new_key()

    def hide_later(tx: Transaction) -> None:
        event = events.get(tx, invocation.event_row)
        lock = None if event is None else event.lock  # so that an earlier try's job does not delete this message
        services.queue.drop(tx, tasks.HIDE_KEY, [invocation.event_key])
        services.queue.put(tx, tasks.HIDE_KEY, invocation.event_key, lock=lock, after=SHOWN_FOR)

    def stored(tx: Transaction, _: Sent) -> None:
        api_keys.store(tx, key, name, spaces, rights, created_by=invocation.person_id, now=services.now())
        invocation.trail.outcome = "created"
        for entry in invocation.entries(audit.KEYS):
            audit.record(tx, entry, services.now())
        invocation.trail.recorded = True
        invocation.settle(tx)

    said = Text(sentences.new_key(key, name, [one.value for one in rights], reaches))
    target = Target(person_id=invocation.person_id, direct=True)
    services.outbox.send(shown_on, target, said, before=hide_later, then=stored)


class HideKey:
    """The task that deletes a message with a key; the key is the event in which it was made."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> None:
        """Delete the message, also after a kill at any point. Raises ``WebexError`` that passes."""
        tracing.begin(trace_id(key))
        self._services.outbox.delete(message_name(key))

    def on_failure(self, key: str, sentence: str) -> None:
        """Log that it may still be there."""
        log.error("key_message_not_deleted", event=key, sentence=sentence)
