"""How a delivery ends other than with its file: the move on record, and a job that tells the person (``tell.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import requests
from bot.errors import BotError
from bot.queue import tasks
from bot.webex.ids import id_key
from bot.webex.types import DIRECT, Target

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.requests import Delivery, State
    from bot.errors import Refused
    from bot.outbox import Outbox
    from bot.queue import Queue

log = structlog.get_logger(__name__)


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
    if not requests.move(tx, delivery, state, now, why=why, error=error, reason=sentence):
        return False
    queue.put(tx, tasks.TELL, str(delivery.id), person=id_key(delivery.asker_id))
    log.info("delivery_ended", reference=delivery.reference, state=state.value, cause=str(error) if error else why)
    return True


def refusal_of(outbox: Outbox, delivery: Delivery, refused: Refused) -> str:
    """Give what to end a refused request with; what names roles is said to the asker directly, never before others.

    Raises ``WebexError`` while Webex has trouble.
    """
    if not refused.details:
        return refused.sentence
    said = f"{refused.sentence} {refused.details}"
    if delivery.private or delivery.room_type == DIRECT:
        return said
    told = say_directly(
        outbox, f"delivery:{delivery.id}:refused", delivery.asker_id, f"{said} (reference {delivery.reference})"
    )
    return f"{refused.sentence} {SENT_DIRECTLY}" if told else refused.sentence


SENT_DIRECTLY = "I've sent you the details directly."


def say_directly(outbox: Outbox, key: str, person_id: str, words: str) -> bool:
    """Say something to a person 1:1 besides an answer. False: Webex refuses it, and the answer is all that they get."""
    try:
        outbox.say(key, Target(person_id=person_id, direct=True), words)
    except BotError as error:
        if error.passing:
            raise
        log.info("details_not_sent", cause=str(error))
        return False
    return True
