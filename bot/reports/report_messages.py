"""Post what shows anything of a report: title, status, size, percentage or file.

Policy is asked here, right before each call, for the person who is served and for the place where it goes. Words are
made after that, so that no other call lies between the look at the members and the post.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from bot.access.authorizer import LISTS_LAG
from bot.access.policy import Act, Verdict
from bot.db import requests
from bot.errors import BotError, Refused, WebexError
from bot.reports.privately import go_private
from bot.reports.whereto import target_of
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.access.policy import Decision
    from bot.db.requests import Delivery
    from bot.outbox import Outbox
    from bot.services import Services
    from bot.webex.types import Card, Target
    from bot.webex.upload import PendingUpload

Found = TypeVar("Found")

log = structlog.get_logger(__name__)

LONG_POST: Final = timedelta(seconds=10)
"""A post to a group space that took longer is followed by another look at the members."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words, or a card with its fallback text."""

    key: str
    markdown: str
    card: Card | None = None
    shows: str = ""
    target: Target | None = None
    """Another thread that the same people read."""

    def post(self, outbox: Outbox, target: Target) -> None:
        """Post them once."""
        outbox.say(self.key, self.target or target, self.markdown, self.card, shows=self.shows)


@dataclass(frozen=True, slots=True)
class File:
    """A file with its line; ``begun`` is an upload of it that is under way."""

    key: str
    path: Path
    name: str
    content_type: str
    markdown: str
    begun: PendingUpload | None

    def post(self, outbox: Outbox, target: Target) -> None:
        """Post it once."""
        outbox.send(
            self.key,
            target,
            self.path,
            name=self.name,
            content_type=self.content_type,
            markdown=self.markdown,
            begun=self.begun,
        )


class PolicyNotAsked(Refused):
    """I cannot find out who may see this."""


class ReportMessages:
    """Posts messages about reports, each right after policy has allowed it."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._outbox = services.outbox
        self._authorizer = services.authorizer
        self._now = services.now

    def check_person(self, delivery: Delivery) -> None:
        """Raise ``Refused`` when the person may not have the report anywhere; the members are not listed."""
        _raise_if_refused(self._decide(delivery, members=False))

    def place(self, delivery: Delivery, family: str | None = None) -> Delivery:
        """Ask policy now. Gives the request as it is then: answered 1:1 where others would read along.

        Raises ``Refused``, and ``WebexError`` that passes.
        """
        with self._database.read() as tx:
            delivery = requests.get(tx, delivery.id) or delivery
        decision = self._decide(delivery, family)
        _raise_if_refused(decision)
        if decision.verdict is Verdict.DIRECT_ONLY:
            return go_private(self._database, self._outbox, delivery, decision.sentence, self._now())
        return delivery

    def say(
        self, delivery: Delivery, make: Callable[[Delivery], Words | File | None], family: str | None = None
    ) -> Delivery:
        """Ask policy, make the message for the place where it goes now, and post it; nothing when it makes None.

        Raises ``Refused``, ``Unsure`` and ``WebexError``.
        """

        def look() -> tuple[Target, Delivery]:
            now = self.place(delivery, family)
            return target_of(now), now

        return self.post(look, make)

    def say_end(self, delivery: Delivery, make: Callable[[Delivery], Words]) -> Delivery:
        """Say how a request ended. Of one that learned of no report policy isn't asked where nobody reads along."""
        if delivery.family is None and (delivery.private or delivery.room_type == DIRECT):
            make(delivery).post(self._outbox, target_of(delivery))
            return delivery
        return self.say(delivery, make)

    def post(self, look: Callable[[], tuple[Target, Found]], make: Callable[[Found], Words | File | None]) -> Found:
        """Post what ``make`` makes of what ``look`` finds, to where it finds that it may go now.

        After a long post to a group space it looks again: when the message may not be there, it is deleted and goes
        where it may, or ``look`` raises.
        """
        while True:
            target, found = look()
            began = self._now()
            message = make(found)
            if message is None:
                return found
            message.post(self._outbox, target)
            if target.direct or self._now() - began <= LONG_POST:
                return found
            try:
                stays = look()[0] == target
            except BotError:
                self._take_back(message.key)
                raise
            if stays:
                return found
            self._take_back(message.key)

    def update(self, delivery: Delivery, key: str, markdown: str) -> bool:
        """Edit what stands under a key (True), or post it (False); only where the request is answered now.

        Raises ``Refused`` when nothing of the report may be shown there now, and ``BotError``.
        """
        decision = self._decide(delivery)
        if decision.verdict is not Verdict.ALLOWED:
            raise Refused(decision.sentence, reason=decision.reason)
        if self._outbox.edit(key, markdown):
            return True
        self._outbox.say(key, target_of(delivery), markdown)
        return False

    def _decide(self, delivery: Delivery, family: str | None = None, *, members: bool = True) -> Decision:
        try:
            return self._authorizer.decide(
                delivery.asker_id,
                Act.READ,
                room_id=delivery.room_id,
                direct=delivery.private or delivery.room_type == DIRECT,
                later=self._now() - delivery.asked_at > LISTS_LAG,
                family=family or delivery.family,
                members=members,
            )
        except WebexError as error:
            if error.passing:
                raise
            raise PolicyNotAsked(error.sentence) from error

    def _take_back(self, key: str) -> None:
        try:
            gone = self._outbox.take_back(key)
        except BotError as error:
            gone = False
            log.warning("message_delete_failed", post=key, cause=str(error))
        log.info("members_changed_during_post", post=key, deleted=gone)


def _raise_if_refused(decision: Decision) -> None:
    if decision.verdict is Verdict.REFUSED:
        raise Refused(decision.sentence, reason=decision.reason, details=decision.details)
