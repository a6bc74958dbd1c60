"""The card follows its request: one stands for it, and says what is true now.

Webex takes no edit of a card, so it is renewed: the new one is posted, then the old one taken back. In this order a
kill leaves two for a moment, never none, and the next try goes on where the last one ended: the posts' keys say what is
there, ``deliveries.card_key`` which of them is the card. A card is a courtesy: whatever goes wrong with it is a line in
the log and never holds the file up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.chat.ended import ENDS, ended_card
from bot.chat.shown import request_card, shows
from bot.db import messages as message_rows
from bot.db import requests
from bot.db.requests import OPEN, State, card_of
from bot.errors import BotError, WebexError
from bot.messages.request_card import report_card, report_text
from bot.outbox import Unsure
from bot.reports.report_messages import ReportMessages, Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.messages import Post
    from bot.db.requests import Delivery
    from bot.services import Services
    from bot.webex.report import Report
    from bot.webex.types import Card

log = structlog.get_logger(__name__)

DONE = "done"
"""In the key of the card that says that the file follows."""


class LivingCard:
    """Renews the cards of requests."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._outbox = services.outbox
        self._messages = ReportMessages(services)
        self._now = services.now

    def found(self, delivery: Delivery, report: Report) -> None:
        """Have the card, and those of who joined, say that the report is done. Never raises; again is harmless."""

        def renew() -> None:
            with self._database.read() as tx:
                leader = requests.get(tx, delivery.id)
                joined = requests.joined_to(tx, delivery)
            if leader is not None:
                self._quietly(leader, lambda: self._found(leader, report))
            for one in joined:
                self._quietly(one, lambda one=one: self._found(one, report, leader))  # type: ignore[misc]

        self._quietly(delivery, renew)

    def delivered(self, delivery: Delivery, report: Report) -> None:
        """The file is there: a card that could not be made to say so goes. Never raises; again is harmless."""

        def go() -> None:
            with self._database.read() as tx:
                leader = requests.get(tx, delivery.id)
                joined = requests.joined_to(tx, delivery)
            pairs = [(leader, None), *((one, leader) for one in joined)]
            for one, before in pairs:
                if one is None or not one.carded or one.state not in OPEN:
                    continue
                old = self._card(one)
                if old is None or old.state != message_rows.SENT:
                    continue
                others_read_along = one.private and not old.direct
                if others_read_along or old.shows not in {None, shows(report, before)}:
                    self.take_back(old.key)

        self._quietly(delivery, go)

    def ending(self, delivery: Delivery, sentence: str) -> Card | None:
        """Make the card that says how it ended; None where a sentence does, since no card is there to be replaced.

        Raises ``DatabaseUnavailable``, and ``WebexError`` that will pass.
        """
        if delivery.state not in ENDS:
            return None
        old = self._card(delivery) if delivery.carded else None
        if old is None or old.state != message_rows.SENT or (delivery.private and not old.direct):
            # Whatever is uncertain is offered once more.
            return ended_card(delivery, sentence) if delivery.state is State.UNKNOWN else None
        return None if self._outbox.stays(old.key) else ended_card(delivery, sentence)

    def ended(self, delivery: Delivery, key: str) -> None:
        """Take the card back, since what was said under ``key`` tells the end. Never raises; again is harmless."""
        if delivery.carded:
            self._quietly(delivery, lambda: self.becomes(delivery, key))

    def end(self, delivery: Delivery, sentence: str) -> None:
        """Say in its own thread how it ended, by a card in the place of the one there, if there is one.

        Raises ``BotError``.
        """
        key = f"delivery:{delivery.id}:end"
        said = False

        def make(now: Delivery) -> Words | None:
            nonlocal said
            card = self.ending(now, sentence)
            said = card is not None
            return Words(key, f"{sentence} (reference {now.reference})", card) if said else None

        now = self._messages.say(delivery, make)
        if said:
            self.ended(now, key)

    def becomes(self, delivery: Delivery, key: str) -> None:
        """Have the post of that key be the card of the request, and take back the one before. Raises ``BotError``."""
        current: Delivery | None = delivery
        while current is not None and card_of(current) != key:
            self.take_back(card_of(current))
            with self._database.begin(durable=False) as tx:
                if requests.change_card(tx, current, key):
                    return
                current = requests.get(tx, delivery.id)  # somebody pressed "Refresh" meanwhile: that one goes, too

    def take_back(self, key: str) -> None:
        """Take back a card that a new one stands in for; where Webex refuses it stays, and does no harm."""
        try:
            gone = self._outbox.take_back(key)
        except WebexError as error:
            log.info("old_card_stays", cause=str(error))
        else:
            if not gone:
                log.info("old_card_stays")

    def renew(self, delivery_id: int, report: Report, leader: Delivery | None) -> None:
        """Have the card say where the file comes, since that is another place now. Never raises; again is harmless."""
        with self._database.read() as tx:
            one = requests.get(tx, delivery_id)
        if one is not None:
            self._quietly(one, lambda: self._renew(one, report, leader, "leads" if leader is None else "joins"))

    def _found(self, one: Delivery, report: Report, leader: Delivery | None = None) -> None:
        if one.state in OPEN and one.state is not State.ASKED:
            self._renew(one, report, leader, DONE)

    def _renew(self, one: Delivery, report: Report, leader: Delivery | None, what: str) -> None:
        """Post the card that is right now, unless the one there is, and have it be the card of the request."""
        if not one.carded:
            return
        right = shows(report, leader)
        old = self._card(one)
        if old is not None and old.state != message_rows.DELETED:
            in_place = old.direct or not one.private
            if (old.shows == right and in_place) or self._outbox.stays(old.key):
                return
        key = ""

        def make(now: Delivery) -> Words:
            nonlocal key
            first = leader if now.leader_id is not None else None  # who went 1:1 has left the one that they joined
            shown = request_card(report, self._now(), now, first)
            key = f"delivery:{now.id}:card:{what}" + (":privately" if now.private else "")
            return Words(key, report_text(report, shown), report_card(report, shown), shows(report, first))

        self.becomes(self._messages.say(one, make), key)

    def _card(self, one: Delivery) -> Post | None:
        with self._database.read() as tx:
            return message_rows.present(tx, card_of(one))

    @staticmethod
    def _quietly(delivery: Delivery, do: Callable[[], None]) -> None:
        try:
            do()
        except Unsure:
            log.warning("card_perhaps_renewed", reference=delivery.reference)
        except BotError as error:
            log.warning("card_not_renewed", reference=delivery.reference, cause=str(error))
        except Exception:  # not even a bug here is worth the file
            log.exception("card_crashed", reference=delivery.reference)
