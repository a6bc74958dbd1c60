"""What a command's handler may use: one object, made in ``wiring.py``, or of fakes in a test."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.access.authorizer import LISTS_LAG
from bot.access.policy import Act, Verdict
from bot.db.audit import ALLOWED, DIRECT_ONLY
from bot.errors import Refused, WebexError
from bot.reports.trouble_line import TroubleLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from bot.access.authorizer import Authorizer
    from bot.access.policy import Decision
    from bot.chat.invocation import Request
    from bot.chat.living import LivingCard
    from bot.db.database import Database
    from bot.outbox import Outbox
    from bot.queue import Queue
    from bot.reports.report_messages import ReportMessages, Words
    from bot.webex.catalog import Catalog
    from bot.webex.chat import Chat
    from bot.webex.people import Directory
    from bot.webex.types import Card, Posted, Target

MOST_ASKING: Final = 10
"""People for whom reports are asked for at once, of the worker's sixteen threads."""
LONGEST_FOR_ROOM: Final = 1.0
"""Seconds for which a thread waits to be one of them; then its job comes again."""
NOT_LONG: Final = timedelta()


@dataclass(frozen=True, slots=True)
class Permission:
    """What policy allows: where to answer, and about which families of reports."""

    target: Target
    families: tuple[str, ...]
    others: str
    """For whom the families are that are not looked up; empty when all are."""


@dataclass(frozen=True, slots=True)
class Context:
    """The bot's means."""

    database: Database
    queue: Queue
    catalog: Catalog
    guard: Authorizer
    outbox: Outbox
    messages: ReportMessages
    card: LivingCard
    chat: Chat
    directory: Directory
    now: Callable[[], datetime]
    new_reference: Callable[[], str]
    watch_deadline: timedelta
    poll_interval: float
    kept_days: int = 0
    """``AUDIT_DAYS``."""
    asking: threading.BoundedSemaphore = field(default_factory=partial(threading.BoundedSemaphore, MOST_ASKING))

    def say(self, request: Request, part: str, markdown: str, card: Card | None = None) -> Posted:
        """Answer in the asker's thread; ``part`` names this answer among those to the same request."""
        return self.outbox.say(f"{request.origin}:{part}", request.target, markdown, card)

    def trouble_line(self, request: Request) -> TroubleLine:
        """The line that says in the asker's thread that Webex has trouble; it goes when the request is answered."""
        return TroubleLine(self.outbox, f"{request.origin}:trouble", request.target)

    @contextmanager
    def asking_reports(self, line: TroubleLine, waited: timedelta = NOT_LONG) -> Iterator[None]:
        """Stand around calls to Webex's reports for a person, whose line says so when they get no answer for too long.

        Raises ``WebexError`` that passes where too many are being made: reports that hang leave room for first answers.
        """
        if not self.asking.acquire(timeout=LONGEST_FOR_ROOM):
            raise WebexError("GET /reports", None, message="others wait for Webex's reports", reached=False)
        try:
            with line.unless_answered(waited):
                yield
        finally:
            self.asking.release()

    def ask_who(self, request: Request, act: Act = Act.READ) -> Decision:
        """Ask policy before any row is made: one refusal for a message, however many ids.

        Gives the families that it is about. Raises ``Refused``. Who would read along is asked for each report,
        right before its card.
        """
        decision = self.guard.decide(
            request.person_id, act, room_id=request.room_id, direct=request.direct, members=False
        )
        if decision.verdict is Verdict.REFUSED:
            raise Refused(decision.sentence, reason=decision.reason, details=decision.details)
        return decision

    def show(self, request: Request, make: Callable[[Permission], Words]) -> None:
        """Answer with what shows anything of a report: policy is asked, and then the words are made and posted.

        Raises ``Refused``, ``Unsure`` and ``WebexError``.
        """

        def look() -> tuple[Target, Permission]:
            allowed = self.allow(request)
            return allowed.target, allowed

        self.messages.post(look, make)

    def allow(self, request: Request, act: Act = Act.READ, *, neutral: str = "") -> Permission:
        """Ask policy; gives where the answer may go, and what about. Raises ``Refused`` with what to tell the person.

        Where outsiders would read along, the space gets one neutral sentence and the asker is answered 1:1. With
        ``neutral``, which is such a sentence, that is so in every group space.
        """
        later = request.sent_at is not None and self.now() - request.sent_at > LISTS_LAG
        direct = request.direct or request.trail.private
        decision = self.guard.decide(request.person_id, act, room_id=request.room_id, direct=direct, later=later)
        if decision.verdict is Verdict.REFUSED:
            raise Refused(decision.sentence, reason=decision.reason, details=decision.details)
        request.trail.outcome = DIRECT_ONLY if request.trail.private else ALLOWED
        if decision.verdict is Verdict.DIRECT_ONLY or (neutral and not direct):
            request.trail.outcome = DIRECT_ONLY
            self.say(request, "privately", decision.sentence or neutral)
            request.trail.private = True
        return Permission(request.target, decision.families, decision.others)
