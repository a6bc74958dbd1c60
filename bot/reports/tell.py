"""Says how a delivery ended other than with its file: by a card in the place of the one there, or in a sentence.

It names the report, so policy is asked here too; what says nothing of the report is a sentence, and its card goes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.db import requests
from bot.db.requests import CLOSED, State
from bot.errors import Refused, WebexError
from bot.outbox import Unsure
from bot.reports.progress import take_back_line
from bot.reports.report_messages import Words
from bot.reports.trouble_line import answered, line_for_file
from bot.reports.whereto import target_of
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Database
    from bot.db.requests import Delivery
    from bot.outbox import Outbox
    from bot.reports.report_messages import ReportMessages
    from bot.reports.request_card import RequestCard

log = structlog.get_logger(__name__)

PATIENCE = timedelta(hours=1)
"""How long it is tried to tell somebody although Webex refuses it."""


class Tell:
    """Tells the asker, once: in the thread, or 1:1 when others would read along or the space is closed to the bot.

    Those who joined a delivery have ended with it: each of their cards says so, too.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        messages: ReportMessages,
        card: RequestCard,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._messages = messages
        self._card = card
        self._now = now

    def run(self, key: str) -> None:
        """Say it. Raises ``WebexError`` while Webex has trouble."""
        with self._database.read() as tx:
            delivery = requests.get(tx, int(key))
            joined = requests.joined_to(tx, delivery) if delivery else []
        if delivery is None or delivery.state not in CLOSED or not delivery.reason:
            return
        try:
            self._tell(delivery, delivery.reason)
            for one in joined:
                if one.carded and one.state is delivery.state:
                    self._tell(one, delivery.reason)
        except WebexError as error:
            # It is all that the person gets: what ends other things at once is tried again here for a while.
            error.passing |= delivery.settled_at is not None and self._now() - delivery.settled_at < PATIENCE
            raise

    def _tell(self, delivery: Delivery, reason: str) -> None:
        key = f"delivery:{delivery.id}:end"
        try:
            try:
                delivery = self._say(delivery, key, reason)
            except Unsure:
                # It is all that the person gets: said twice, perhaps, is better than not at all.
                key = f"{key}:once-more"
                delivery = self._say(delivery, key, reason)
        except Unsure:
            log.warning("perhaps_told", reference=delivery.reference)
            return  # the card stays: perhaps it is all that there is
        except WebexError as error:
            if error.status not in SPACE_CLOSED:
                raise
            key = f"{key}:privately"
            elsewhere = not (delivery.private or delivery.room_type == DIRECT)
            why = "Webex did not let me answer in the space where you asked. " if elsewhere else ""
            with self._database.begin() as tx:
                requests.note(tx, delivery.id, private=True)
            delivery = self._say(replace(delivery, private=True), key, f"{why}{reason}")
        self._card.ended(delivery, key)
        take_back_line(self._outbox, delivery)
        line_for_file(self._outbox, delivery).take_back()
        answered(self._database, self._outbox, delivery)

    def _say(self, delivery: Delivery, key: str, sentence: str) -> Delivery:
        """Say it where it may be said; gives the delivery as it is then."""
        closing = f"(reference {delivery.reference})"

        def make(now: Delivery) -> Words:
            return Words(key, f"{sentence} {closing}", self._card.ending(now, sentence))

        if delivery.state is not State.REFUSED:  # else the sentence tells of no report
            try:
                return self._messages.say_end(delivery, make)
            except Refused as refused:
                sentence = refused.sentence
        self._outbox.say(key, target_of(delivery), f"{sentence} {closing}")
        return delivery

    def on_failure(self, key: str, sentence: str) -> None:
        """There is nobody left to tell but the log."""
        log.error("nobody_could_be_told", delivery=key, sentence=sentence)
