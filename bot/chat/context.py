"""What a command's handler may use: one object, made in ``wiring.py``, or of fakes in a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.errors import Refused
from bot.ledger.audit import ALLOWED, PRIVATELY
from bot.policy import Act, Verdict
from bot.reports.trouble_line import TroubleLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from bot.chat.living import LivingCard
    from bot.chat.request import Request
    from bot.guard import Guard
    from bot.outbox import Outbox
    from bot.ports import Card, Chat, Directory, Posted, Target
    from bot.queue import Queue
    from bot.reports.catalogue import Catalogue
    from bot.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """The bot's means."""

    store: Store
    queue: Queue
    catalogue: Catalogue
    guard: Guard
    outbox: Outbox
    card: LivingCard
    chat: Chat
    directory: Directory
    now: Callable[[], datetime]
    new_reference: Callable[[], str]
    watch_deadline: timedelta
    poll_interval: float

    def say(self, request: Request, part: str, markdown: str, card: Card | None = None) -> Posted:
        """Answer in the asker's thread; ``part`` names this answer among those to the same request."""
        return self.outbox.say(f"{request.origin}:{part}", request.target, markdown, card)

    def trouble_line(self, request: Request) -> TroubleLine:
        """The line that says in the asker's thread that Webex has trouble; it goes when the request is answered."""
        return TroubleLine(self.outbox, f"{request.origin}:trouble", request.target)

    def asking_reports(self, request: Request) -> AbstractContextManager[None]:
        """Stand around calls to Webex's reports: who gets no answer for too long is told that they are slow."""
        return self.trouble_line(request).unless_answered(timedelta())

    def ask_who(self, request: Request, act: Act = Act.READ) -> None:
        """Ask policy about the person alone, before any row is made: one refusal for a message, however many ids.

        Raises ``Refused``. Where the answer may go is asked for each report, right before its card.
        """
        decision = self.guard.decide(request.person_id, act, room_id=request.room_id, direct=True)
        if decision.verdict is Verdict.REFUSED:
            raise Refused(decision.sentence, reason=decision.reason)

    def allow(self, request: Request, act: Act = Act.READ, *, neutral: str = "") -> Target:
        """Ask policy; gives where the answer may go. Raises ``Refused`` with the sentence for the person.

        Where outsiders would read along, the space gets one neutral sentence and the asker is answered 1:1. With
        ``neutral``, which is such a sentence, that is so in every group space.
        """
        decision = self.guard.decide(request.person_id, act, room_id=request.room_id, direct=request.direct)
        if decision.verdict is Verdict.REFUSED:
            raise Refused(decision.sentence, reason=decision.reason)
        request.course.outcome = ALLOWED
        if decision.verdict is Verdict.PRIVATELY or (neutral and not request.direct):
            request.course.outcome = PRIVATELY
            self.say(request, "privately", decision.sentence or neutral)
            request.course.private = True
        return request.target
