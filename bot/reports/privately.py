"""A delivery that may not be seen in the space: one neutral sentence there, everything else to the asker 1:1.

What stood there of its report is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import messages, requests
from bot.errors import BotError, WebexError
from bot.outbox import Unsure
from bot.reports.whereto import target_of
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import Target

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Database
    from bot.db.requests import Delivery
    from bot.outbox import Outbox

log = structlog.get_logger(__name__)

REMOVED = "Webex does not let me post in the space where you asked, perhaps since I was removed. So I answer you here."
CLOSED = "Webex does not let me post the answer in this space, so I send it to you 1:1."


def go_private(database: Database, outbox: Outbox, delivery: Delivery, sentence: str, now: datetime) -> Delivery:
    """Say so in the space, or to the asker when the bot is no longer in it; gives the delivery as it is then.

    Raises ``WebexError`` for everything but a space that is closed to the bot.
    """
    try:
        outbox.say(f"delivery:{delivery.id}:privately", target_of(delivery), sentence)
    except WebexError as error:
        if error.status not in SPACE_CLOSED:
            raise
        outbox.say(f"delivery:{delivery.id}:removed", Target(person_id=delivery.asker_id, direct=True), REMOVED)
    except Unsure:
        log.info("perhaps_said", reference=delivery.reference)  # said or not, the sentence is not worth the report
    with database.begin() as tx:
        # Those who joined were promised the file in this space: each gets it 1:1 now, if policy lets them.
        requests.let_go(tx, delivery, now)
        requests.leave(tx, delivery, now)
        requests.note(tx, delivery.id, private=True)
        private = requests.get(tx, delivery.id) or delivery
        public = messages.public_about(tx, delivery.id, requests.card_of(delivery))
    for key in public:
        try:
            outbox.take_back(key)
        except BotError as error:
            log.info("message_delete_failed", post=key, cause=str(error))
    return private
