"""Send what shows anything of a report: title, status, size, percentage or file.

Policy is asked here, right before each call, for the person who is served and for the place where it goes. The message
is made after that, so that no other call lies between the look at the members and the post.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from bot.access.authorizer import LISTS_LAG
from bot.access.policy import Action, Verdict
from bot.db import requests
from bot.db.requests import PERSON
from bot.errors import BotError, Refused, WebexError
from bot.messages.elements import for_reader
from bot.outbox import Text
from bot.reports.requests import redirect_to_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.access.policy import Decision
    from bot.db.database import Transaction
    from bot.db.messages import Name
    from bot.db.requests import Request
    from bot.outbox import File, Sent
    from bot.services import Services
    from bot.webex.types import Target

Found = TypeVar("Found")

log = structlog.get_logger(__name__)

LONG_POST: Final = timedelta(seconds=10)
"""A post to a group space that took longer is followed by another look at the members."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message about a report before it is known where it may go."""

    name: Name | str
    content: Text | File
    before: Callable[[Transaction], None] | None = None
    then: Callable[[Transaction, Sent], None] | None = None
    target: Target | None = None
    """Another thread that the same people read."""


class PolicyNotAsked(Refused):
    """I can't find out who may see this."""


class ReportMessages:
    """Send messages about reports, each right after policy has allowed it."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._queue = services.queue
        self._outbox = services.outbox
        self._authorizer = services.authorizer
        self._now = services.now
        self._decisions: dict[str, Decision] = {}
        """The last decision about each person, for their cards: names are in no table."""

    def name_of(self, person_id: str) -> str:
        """Return the display name of a person whom policy was asked about, if Webex has told it."""
        decision = self._decisions.get(person_id)
        return decision.name if decision is not None else ""

    def check_person(self, request: Request, family: str | None) -> None:
        """Raise ``Refused`` when the person may not have the report anywhere; the members are not listed."""
        self._decide(request, family, members=False).raise_if_refused()

    def place(self, request: Request, family: str | None, *, read: bool = True) -> Request:
        """Ask policy now and return the request as it is then: redirected to the person where others would read along.

        Raises ``Refused``, and ``WebexError`` that passes.
        """
        if read:
            with self._database.read() as tx:
                request = requests.get(tx, request.id) or request
        decision = self._decide(request, family)
        decision.raise_if_refused()
        if decision.verdict is not Verdict.DIRECT_ONLY:
            return request
        if request.origin is not None:  # it is for the space, or for nobody
            raise Refused(decision.sentence, reason=decision.reason)
        with self._database.begin() as tx:
            redirect_to_person(tx, self._queue, request, decision.sentence)
            # Whatever the rows say: it must not go where others read along.
            return replace(requests.get(tx, request.id) or request, destination=PERSON)

    def send(self, request: Request, family: str | None, make: Callable[[Request], Draft | None]) -> Request:
        """Ask policy, make the message for the place where it goes now, and send it; nothing when it makes None.

        Raises ``Refused``, ``Unsure`` and ``WebexError``.
        """
        known: Request | None = request  # it was just read; a second look reads it again

        def look() -> tuple[Target, Request]:
            nonlocal known
            now = self.place(known or request, family, read=known is None)
            known = None
            return now.target, now

        def made(now: Request) -> Draft | None:
            draft = make(now)
            return draft and self._for_person(draft, now, family)

        return self.post(look, made)

    def _for_person(self, draft: Draft, request: Request, family: str | None) -> Draft:
        """Return a message without what the person may not do, where nobody else reads it."""
        content, writes = draft.content, self._decisions[request.person_id].writes
        may_write = bool(writes) if family is None else family in writes
        if may_write or not request.target.direct or not isinstance(content, Text):
            return draft
        return replace(draft, content=Text(*for_reader(content.markdown, content.card)))

    def post(self, look: Callable[[], tuple[Target, Found]], make: Callable[[Found], Draft | None]) -> Found:
        """Send what ``make`` makes of what ``look`` finds, to where it finds that it may go now.

        After a long post to a group space it looks again: when the message may not be there, it is deleted and goes
        where it may, or ``look`` raises.
        """
        while True:
            target, found = look()
            draft = make(found)
            if draft is None or self._send(draft, target, lambda: look()[0]):
                return found

    def _send(self, draft: Draft, target: Target, look: Callable[[], Target]) -> bool:
        """Send a message. Return False when it may not be where it was sent any more, and was deleted."""
        began = self._now()
        long: list[Sent] = []

        def stored(tx: Transaction, sent: Sent) -> None:
            if not target.direct and self._now() - began > LONG_POST:
                long.append(sent)  # it may have to go, so nothing follows from it yet
            elif draft.then is not None:
                draft.then(tx, sent)

        self._outbox.send(draft.name, draft.target or target, draft.content, before=draft.before, then=stored)
        if not long:
            return True
        key = draft.name if isinstance(draft.name, str) else draft.name.key
        try:
            stays = look() == target
        except BotError:
            self._delete(key)
            raise
        if not stays:
            self._delete(key)
        elif draft.then is not None:
            with self._database.begin() as tx:
                draft.then(tx, long[0])
        return stays

    def edit(self, request: Request, family: str, key: str, markdown: str) -> bool:
        """Edit a message. Return False when it isn't there.

        Raises ``Refused`` when nothing of the report may be shown there now, and ``BotError``.
        """
        decision = self._decide(request, family)
        if decision.verdict is not Verdict.ALLOWED:
            raise Refused(decision.sentence, reason=decision.reason)
        return self._outbox.edit(key, markdown)

    def _decide(self, request: Request, family: str | None, *, members: bool = True) -> Decision:
        try:
            decision = self._authorizer.decide(
                request.person_id,
                Action.READ,
                room_id=request.room_id,
                direct=request.direct,
                later=request.origin is not None or self._now() - request.asked_at > LISTS_LAG,
                family=family,
                members=members,
                origin=request.origin,
            )
        except WebexError as error:
            if error.passing:
                raise
            raise PolicyNotAsked(error.sentence) from error
        self._decisions[request.person_id] = decision
        return decision

    def _delete(self, key: str) -> None:
        try:
            self._outbox.delete(key)
        except BotError as error:
            log.warning("message_delete_failed", key=key, cause=str(error))
        log.info("members_changed_during_post", key=key)
