"""One request, whichever door it came through: a typed word or a button's press."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.chat.report_ids import named
from bot.db import audit, heartbeats
from bot.db.audit import ANSWERED, Door, Entry
from bot.webex.types import DIRECT, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from bot.db.events import Event
    from bot.errors import WebexError

DOORS = {"messages": Door.CHAT, "attachmentActions": Door.BUTTON}
"""Which door an event stands for; what people neither wrote nor pressed is the system's."""
NOT_REACHED = audit.joined(audit.ERROR, "not_reached")
"""The outcome of a report that came behind the one at which the request ended."""


@dataclass(slots=True)
class AuditTrail:
    """What the audit will say of a request: noted while it is carried out, written when its event is settled."""

    outcome: str = ANSWERED
    report_ids: tuple[str, ...] = ()
    """The reports that it is about, each a row of its own."""
    finished: dict[str, str] = field(default_factory=dict)
    """The outcome of each report that was done with, by its id; what happens to another leaves it as it is."""
    in_hand: str | None = None
    """The report that is being seen to."""
    reference: str | None = None
    tracking: str | None = None
    private: bool = False
    """Policy said that others would read along: every later word about it goes to the asker 1:1."""
    written: bool = False
    """Its rows are there already: they were written with what it began."""

    def each(self, report_ids: Iterable[str]) -> Iterator[str]:
        """One report after the other, noting how far it came: an error ends the request, and is only that one's."""
        for report_id in report_ids:
            self.in_hand = report_id
            yield report_id
            self.finished[report_id] = self.outcome
        self.in_hand = None

    def outcome_of(self, report_id: str | None) -> str:
        """What came of one report, or of the whole request."""
        if report_id in self.finished:
            return self.finished[report_id]
        return self.outcome if self.in_hand in {None, report_id} else NOT_REACHED


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants what, and where. Nothing in it is believed: ids are looked up, and policy is asked, every time."""

    origin: str
    """The event that it came with (``messages:<id>``); what is said because of it carries this in its key."""
    person_id: str
    room_id: str
    room_type: str
    parent_id: str | None
    """The root of the thread to answer in."""
    word: str
    rest: tuple[str, ...] = ()
    mentions_others: bool = False
    """Whether the message mentions somebody beside the bot; such a mention is no word."""
    pressed: str | None = None
    """The message id of the card whose button was pressed."""
    door: Door = Door.CHAT
    sent_at: datetime | None = None
    """When it was written or pressed, by Webex's clock; None when Webex does not tell."""
    trail: AuditTrail = field(default_factory=AuditTrail, compare=False)

    @property
    def direct(self) -> bool:
        """Whether it came from a 1:1 space."""
        return self.room_type == DIRECT

    @property
    def target(self) -> Target:
        """Where the answer goes."""
        if self.trail.private:
            return Target(person_id=self.person_id, direct=True)
        return Target(room_id=self.room_id, parent_id=self.parent_id, direct=self.direct)

    def named_reports(self) -> list[str]:
        """Return the report IDs in it; the audit's rows are about them, also when policy refuses it."""
        ids = named(self.rest)
        self.trail.report_ids = tuple(ids)
        return ids

    def entries(self, act: str) -> list[Entry]:
        """The audit's rows about this request, as its course is now; ``act`` is the command's word."""
        if self.trail.written:
            return []
        ids = self.trail.report_ids or (None,)
        return [self.entry(act, report_id, self.trail.outcome_of(report_id)) for report_id in ids]

    def entry(self, act: str, report_id: str | None, outcome: str | None = None, reference: str | None = None) -> Entry:
        """One row about this request; the error's reference stands only where the error does."""
        said = outcome or self.trail.outcome
        return Entry(
            door=self.door,
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


def unread(event: Event, outcome: str, error: WebexError | None = None) -> Entry:
    """The audit's row about an event that never became a request: unreadable, or one too many."""
    return Entry(
        door=DOORS.get(event.resource, Door.SYSTEM),
        act=audit.REQUEST,
        outcome=outcome,
        person_id=event.person_id,
        room_id=audit.place(event.room_id, event.room_type),
        tracking=audit.tracking_of(error),
    )
