"""How a delivery ends other than with its file: the move on record, and a job that tells the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot import tasks
from bot.errors import WebexError
from bot.ledger import deliveries
from bot.ledger.deliveries import CLOSED, State
from bot.ports import Target
from bot.reports.whereto import target_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.errors import BotError
    from bot.ledger.deliveries import Delivery
    from bot.outbox import Outbox
    from bot.queue import Queue
    from bot.store import Store, Transaction

log = structlog.get_logger(__name__)

GONE = frozenset({403, 404})
"""How Webex answers when the bot was removed from the space, or the space is no more."""


def end(  # noqa: PLR0917 read at every call as "end this, so, because"
    tx: Transaction,
    queue: Queue,
    delivery: Delivery,
    state: State,
    sentence: str,
    now: datetime,
    *,
    why: str = "",
    error: BotError | None = None,
) -> bool:
    """End a delivery and put the job that says so. False: it was moved by somebody else meanwhile.

    ``why`` is the short cause for the audit, by default that of ``error``.
    """
    if not deliveries.move(tx, delivery, state, now, why=why, error=error, reason=sentence):
        return False
    queue.put(tx, tasks.TELL, str(delivery.id))
    log.info("delivery_ended", reference=delivery.reference, state=state.value)
    return True


class Tell:
    """Says how a delivery ended, once: in its thread, or to the asker 1:1 when the space is closed to the bot."""

    def __init__(self, store: Store, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._store = store
        self._outbox = outbox
        self._now = now

    def run(self, key: str) -> None:
        """Say it. Raises ``WebexError`` while Webex has trouble."""
        with self._store.read() as tx:
            delivery = deliveries.get(tx, int(key))
        if delivery is None or delivery.state not in CLOSED or not delivery.reason:
            return
        said = f"{delivery.reason} (reference {delivery.reference})"
        try:
            self._outbox.say(f"delivery:{delivery.id}:end", target_of(delivery), said)
        except WebexError as error:
            if error.status not in GONE:
                raise
            self._outbox.say(
                f"delivery:{delivery.id}:end:privately",
                Target(person_id=delivery.asker_id, direct=True),
                f"I could not answer in the space where you asked: I am not in it any more. {said}",
            )

    def give_up(self, key: str, sentence: str) -> None:
        """There is nobody left to tell but the log."""
        log.error("nobody_could_be_told", delivery=key, sentence=sentence)
