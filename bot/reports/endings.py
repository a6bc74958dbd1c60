"""How a delivery ends other than with its file: the move on record, and a job that tells the person (``tell.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot import tasks
from bot.ledger import deliveries

if TYPE_CHECKING:
    from datetime import datetime

    from bot.errors import BotError
    from bot.ledger.deliveries import Delivery, State
    from bot.queue import Queue
    from bot.store import Transaction

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
    log.info("delivery_ended", reference=delivery.reference, state=state.value, cause=str(error) if error else why)
    return True
