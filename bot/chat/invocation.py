"""One use of a command, typed or by a button: who, where, with which arguments, and what the audit will say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from bot.access.authorizer import LISTS_LAG
from bot.access.policy import Action, Verdict
from bot.chat.report_ids import named
from bot.db import audit, events, heartbeats, messages
from bot.db.audit import ANSWERED, Channel, Entry
from bot.db.requests import THREAD
from bot.errors import BotError
from bot.messages.elements import for_reader
from bot.messages.sentences import KEEP_TRYING, REPORTS_AWAY
from bot.outbox import Text
from bot.reports.report_calls import report_call
from bot.reports.report_messages import Draft, ReportMessages
from bot.reports.requests import Asker
from bot.webex.ids import same_id
from bot.webex.types import DIRECT, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from bot.access.policy import Decision
    from bot.db.database import Transaction
    from bot.db.events import Event
    from bot.db.requests import Request
    from bot.errors import WebexError
    from bot.outbox import Sent
    from bot.services import Services
    from bot.webex.types import Card

log = structlog.get_logger(__name__)

CHANNELS = {"messages": Channel.CHAT, "attachmentActions": Channel.BUTTON}
"""What people do, by the event's resource, and through which channel; all else is the system's."""
NOT_REACHED = audit.joined(audit.ERROR, "not_reached")
"""The outcome of a report that came after the one at which the handler ended."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What policy allows: where to answer, and about which families of reports."""

    target: Target
    families: tuple[str, ...]
    others: str
    """Which families are not looked up, and, for the person alone, whom they are for; empty when all are."""


@dataclass(slots=True)
class AuditTrail:
    """What the audit will say of an invocation: noted while its handler runs, recorded when its event is settled."""

    outcome: str = ANSWERED
    report_ids: tuple[str, ...] = ()
    """The reports that it is about, each a row of its own."""
    finished: dict[str, str] = field(default_factory=dict)
    """The outcome of each report that is finished, by its ID; what happens to another leaves it as it is."""
    current: str | None = None
    """The report that the handler is at."""
    reference: str | None = None
    tracking: str | None = None
    direct_only: bool = False
    """Policy said that others would read along: every later message about it goes to the person directly."""
    reads_only: bool = False
    """Policy said that the person may neither run nor delete reports of any family."""
    settled: bool = False
    """Its event is settled already."""
    recorded: bool = False
    """Its rows are recorded already, with the requests that it opened."""

    def each(self, report_ids: Iterable[str]) -> Iterator[str]:
        """Yield one report after the other, noting how far it came: an error is only that one's."""
        for report_id in report_ids:
            self.current = report_id
            yield report_id
            self.finished[report_id] = self.outcome
        self.current = None

    def outcome_of(self, report_id: str | None) -> str:
        """Return the outcome of one report, or of the whole invocation."""
        if report_id in self.finished:
            return self.finished[report_id]
        return self.outcome if self.current in {None, report_id} else NOT_REACHED


@dataclass(frozen=True, slots=True)
class Invocation:
    """Who wants what, and where. Nothing in it is believed: IDs are looked up, and policy is asked, every time."""

    services: Services = field(repr=False, compare=False)
    event_key: str
    """The event that it came with (``messages:<id>``); what is said because of it carries this in its key."""
    person_id: str
    room_id: str
    room_type: str
    parent_id: str | None
    """The root of the thread to answer in; None at the top level of the space."""
    word: str
    rest: tuple[str, ...] = ()
    on_behalf_of: str = ""
    """The sub-partner organization that the words or the form name: a partner report of it is meant."""
    mentions_others: bool = False
    """The message mentions someone beside the bot; such a mention is no word."""
    mentioned: tuple[str, ...] = ()
    """The IDs of those whom it mentions beside the bot, in their order. Not believed either."""
    pressed: str | None = None
    """The message id of the card whose button was pressed."""
    reference: str = ""
    """The reference in a button's data: of the request whose card it is on. Not believed either."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """What was entered in the card's form, by the names of its fields; what is no text is left out."""
    channel: Channel = Channel.CHAT
    sent_at: datetime | None = None
    """When it was written or pressed, by Webex's clock; None when Webex does not tell."""
    event_row: int = 0
    """The row of its event."""
    trail: AuditTrail = field(default_factory=AuditTrail, compare=False)

    @property
    def direct(self) -> bool:
        """Return True when it came from a 1:1 space."""
        return self.room_type == DIRECT

    @property
    def is_late(self) -> bool:
        """Return True when some time has passed since it was written or pressed: the person may have left the space."""
        return self.sent_at is not None and self.services.now() - self.sent_at > LISTS_LAG

    @property
    def target(self) -> Target:
        """Return where the answer goes."""
        if self.trail.direct_only:
            return Target(person_id=self.person_id, direct=True)
        return Target(room_id=self.room_id, parent_id=self.parent_id, direct=self.direct)

    @property
    def asker(self) -> Asker:
        """Return who asks and where, for the requests that it opens."""
        asked_at = self.sent_at or self.services.now()
        return Asker(self.event_key, self.person_id, self.room_id, self.room_type, self.parent_id, asked_at)

    def argument(self, words: Iterable[str]) -> str:
        """Return words as the argument of a button, with the organization that the message names."""
        return " ".join([*words, *(("for", self.on_behalf_of) if self.on_behalf_of else ())])

    def settle(self, tx: Transaction) -> None:
        """Settle its event, in the transaction that writes its last row."""
        events.settle(tx, self.event_row, events.DONE, self.word.casefold(), self.services.now())
        self.services.queue.finish(tx)
        self.trail.settled = True

    def concerns(self, tx: Transaction, request: Request) -> bool:
        """Return True when a button of a request's card may be pressed here: in its space, or where the card stands."""
        pressed = messages.by_message(tx, self.pressed) if self.pressed else None
        if pressed is not None and pressed.request_id is not None:
            return pressed.request_id == request.id
        return request.destination == THREAD and same_id(request.room_id, self.room_id)

    def say(self, part: str, markdown: str, card: Card | None = None) -> Sent:
        """Answer in the person's thread; ``part`` names this answer among those to the same invocation."""
        content = self._for_person(Text(markdown, card))
        return self.services.outbox.send(f"{self.event_key}:{part}", self.target, content)

    def _for_person(self, content: Text) -> Text:
        """Return a message without what the person may not do, where nobody else reads it."""
        if not self.trail.reads_only or not self.target.direct:
            return content
        return Text(*for_reader(content.markdown, content.card))

    def answer_press_directly(self) -> None:
        """Have a press that comes to nothing answered to the person directly: in a space it is no one else's matter."""
        if self.pressed:
            self.trail.direct_only = True

    def continue_directly(self, neutral: str) -> None:
        """Tell the space one neutral sentence; what is said from now on goes to the person directly."""
        self.trail.outcome = audit.DIRECT_ONLY
        self.say("privately", neutral)
        self.trail.direct_only = True

    def tell_trouble(self, sentence: str = REPORTS_AWAY) -> None:
        """Say in the thread that Webex has trouble; it is deleted once there is an answer. Raises no ``BotError``."""
        try:
            self.say("trouble", f"{sentence} {KEEP_TRYING}")
        except BotError as error:
            log.info("trouble_not_told", cause=str(error))

    def delete_trouble(self) -> None:
        """Delete the message about trouble, since there is an answer."""
        try:
            self.services.outbox.delete(f"{self.event_key}:trouble")
        except BotError as error:
            log.info("message_delete_failed", cause=str(error))

    def delete_question(self, part: str) -> None:
        """Delete the card that asked and whose button was pressed, since the answer stands in its place."""
        with self.services.database.read() as tx:
            pressed = messages.by_message(tx, self.pressed) if self.pressed else None
        if pressed is not None and pressed.request_id is None and pressed.key.endswith(f":{part}"):
            self.services.outbox.delete(pressed)

    def delete_form(self, part: str) -> None:
        """Delete the form that was pressed, if one was: what was entered stands in the answer."""
        if self.inputs:
            self.delete_question(part)

    def report_call(self) -> AbstractContextManager[None]:
        """Watch over calls to Webex's reports: when they give no answer for too long, say so."""
        return report_call(self.services, self.tell_trouble)

    def decide(self, action: Action, family: str | None = None, *, members: bool = False) -> Decision:
        """Ask policy about the person here, and note nothing; ``members``: also who reads along."""
        return self.services.authorizer.decide(
            self.person_id, action, room_id=self.room_id, direct=self.direct, family=family, members=members
        )

    def check_person(self, action: Action = Action.READ, family: str | None = None) -> Decision:
        """Ask policy about the person before any row is made: one refusal for a message, however many IDs.

        Return a decision that says which families the person may use. Raises ``Refused``. Who would read along is asked
        for each report, right before its card. ``family``: of the report that it is about.
        """
        decision = self.decide(action, family)
        decision.raise_if_refused()
        self.trail.outcome, self.trail.reads_only = audit.ALLOWED, not decision.writes
        return decision

    def may(self, action: Action, family: str | None = None) -> bool:
        """Return True when policy allows the person an action on a family, or on some; who reads along is not asked."""
        return self.decide(action, family).verdict is not Verdict.REFUSED

    def space_names(self, room_ids: Iterable[str]) -> dict[str, str]:
        """Return the names of the spaces that the person is in, by their IDs; without those not to be had now."""
        names = self.services.space_names
        if not self.is_late:
            names.saw(self.room_id, self.person_id)
        return names.of(room_ids, reader=self.person_id)

    def may_be_shown(self) -> bool:
        """Return True when policy lets the person see reports here, before everyone who is here. It tells nobody."""
        return self.decide(Action.READ, members=True).verdict is Verdict.ALLOWED

    def authorize(self, action: Action = Action.READ, *, neutral: str = "") -> Permission:
        """Ask policy; return where the answer may go, and what about. Raises ``Refused`` with what to tell the person.

        Where outsiders would read along, the space gets one neutral sentence and the person is answered directly. With
        ``neutral``, which is such a sentence, that is so in every group space.
        """
        direct = self.direct or self.trail.direct_only
        decision = self.services.authorizer.decide(
            self.person_id, action, room_id=self.room_id, direct=direct, later=self.is_late
        )
        decision.raise_if_refused()
        self.trail.outcome = audit.DIRECT_ONLY if self.trail.direct_only else audit.ALLOWED
        self.trail.reads_only = not decision.writes
        if decision.verdict is Verdict.DIRECT_ONLY or (neutral and not direct):
            self.continue_directly(decision.sentence or neutral)
        return Permission(self.target, decision.families, decision.others)

    def show(
        self,
        part: str,
        content: Text | Callable[[Permission], Text],
        action: Action = Action.READ,
        *,
        then: Callable[[Transaction, Sent], None] | None = None,
    ) -> None:
        """Answer as ``say`` does with what shows anything of a report: policy is asked right before, then it is made.

        Raises ``Refused``, ``Unsure`` and ``WebexError``.
        """

        def look() -> tuple[Target, Permission]:
            permission = self.authorize(action)
            return permission.target, permission

        def make(permission: Permission) -> Draft:
            made = content if isinstance(content, Text) else content(permission)
            return Draft(f"{self.event_key}:{part}", self._for_person(made), then=then)

        ReportMessages(self.services).post(look, make)

    def named_reports(self) -> list[str]:
        """Return the report IDs in it; the audit's rows are about them, also when policy refuses it."""
        ids = named(self.rest, self.services.now().date())
        self.trail.report_ids = tuple(ids)
        return ids

    def entries(self, act: str) -> list[Entry]:
        """Return the audit's rows about this invocation; ``act`` is the command's word."""
        if self.trail.recorded:
            return []
        ids = self.trail.report_ids or (None,)
        return [self.entry(act, report_id, self.trail.outcome_of(report_id)) for report_id in ids]

    def entry(self, act: str, report_id: str | None, outcome: str | None = None, reference: str | None = None) -> Entry:
        """Return a row about this invocation; the error's reference stands only where the error does."""
        said = outcome or self.trail.outcome
        return Entry(
            channel=self.channel,
            act=act,
            outcome=said,
            person_id=self.person_id or None,
            room_id=audit.place(self.room_id, self.room_type),
            report_id=report_id,
            reference=reference or (self.trail.reference if said == self.trail.outcome else None),
            tracking=self.trail.tracking if said == self.trail.outcome else None,
        )


def is_replayed(event: Event, sent_at: datetime | None) -> bool:
    """Return True for an event that comes more than a day after what it announces: Webex repeats none so late."""
    return sent_at is not None and event.received_at is not None and event.received_at - sent_at > heartbeats.LONGEST


def entry_of(event: Event, outcome: str, error: WebexError | None = None) -> Entry:
    """Return the audit's row about an event that became no invocation: unreadable, or over a limit."""
    return Entry(
        channel=CHANNELS.get(event.resource, Channel.SYSTEM),
        act=audit.REQUEST,
        outcome=outcome,
        person_id=event.person_id,
        room_id=audit.place(event.room_id, event.room_type),
        tracking=audit.tracking_of(error),
    )
