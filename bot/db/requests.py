"""Who wants which report in which thread: one row each, open or closed.

    open ──▶ delivered · halted · failed · refused · canceled · expired · unsure

A closed request is never opened again; asking once more is a request of its own. Closing is one conditional UPDATE
whose row count says whether it was this caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, func, select, update

from bot.db import audit, tables
from bot.db.api_keys import caller_of
from bot.db.audit import Channel
from bot.db.delivery_outcomes import count_end
from bot.db.origin import of_columns
from bot.db.trace_ids import trace_id
from bot.webex.ids import same_id
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction
    from bot.db.origin import Origin
    from bot.errors import BotError
    from bot.webex.report_lists import ReportList

_requests = tables.requests.c
_NAMES = tuple(column.name for column in tables.requests.c)
DIRECT, GROUP = "direct", "group"
"""Webex's types of spaces."""
THREAD, PERSON = "thread", "person"
"""Destinations: the thread where the report was asked for, or the person directly."""


class State(StrEnum):
    """State of a request."""

    OPEN = "open"
    DELIVERED = "delivered"
    HALTED = "halted"
    """Its schedule's condition does not hold, so there is nothing to deliver."""
    FAILED = "failed"
    REFUSED = "refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNSURE = "unsure"
    """Webex did not say whether the file was posted, and the bot could not look."""


class Content(StrEnum):
    """What is posted when the report is ready."""

    CARD_AND_FILE = "card_and_file"
    """As people ask for it: a card at once, and the file."""
    FILE = "file"
    CARD = "card"
    """A card, and no file."""


_ROWS = select(tables.requests).order_by(_requests.id)
_this = _requests.id == bindparam("row")
_GET = _ROWS.where(_this)
_OPEN_FOR = _ROWS.where(_requests.report_id == bindparam("report"), _requests.state == tables.OPEN)
_UPDATE = update(tables.requests).where(_this)
_UPDATE_OPEN = _UPDATE.where(_requests.state == tables.OPEN)
_CLOSE = _UPDATE_OPEN.returning(_requests.person_id, _requests.room_id, _requests.room_type, _requests.destination)


@dataclass(frozen=True, slots=True)
class Request:
    """One request for one report."""

    id: int
    reference: str
    event_key: str
    """The event and the report: ``messages:<id>:<report id>``. The same event makes no second request."""
    person_id: str
    room_id: str | None
    room_type: str | None
    thread_id: str | None
    report_id: str
    wants_card: bool
    listed: bool
    """It was made with others by one message: one list card, that of the first, is the answer to all."""
    destination: str
    notice: str | None
    """What the space is told when the destination became the person: one neutral sentence."""
    state: State
    reason: str | None
    """How it ended, in a sentence."""
    revision: int
    """How often its card was refreshed."""
    asked_at: datetime
    deadline_at: datetime
    found_at: datetime | None
    """When Webex showed its report to the bot for this request."""
    failing_since: datetime | None
    last_error: str | None
    closed_at: datetime | None
    closed_by: str | None
    """The event by which a person canceled it."""
    file_message: int | None
    """The row of the message with its file, which may be in the thread of an older request."""
    subscription_id: int | None
    schedule_id: int | None
    key_id: int | None
    content: Content
    cause: str | None
    """Why it ended without its file, in a word: policy's reason, or ``webex_404``."""

    @property
    def origin(self) -> Origin | None:
        """Return what it was made for; None when a person asked just then."""
        return of_columns(subscription_id=self.subscription_id, schedule_id=self.schedule_id, key_id=self.key_id)

    @property
    def came_by_itself(self) -> bool:
        """Return True when a subscription or schedule made it, so nobody is there to ask again."""
        return self.subscription_id is not None or self.schedule_id is not None

    @property
    def asker_id(self) -> str:
        """Return whose name people read: a key of the API may have it delivered to a person."""
        return self.person_id if self.key_id is None else caller_of(self.key_id)

    @property
    def direct(self) -> bool:
        """Return True when it is answered where only the person reads."""
        return self.destination == PERSON or self.room_type == DIRECT or self.room_id is None

    @property
    def by_button(self) -> bool:
        """Return True when it was made by a press."""
        return self.event_key.startswith("attachmentActions:")

    @property
    def target(self) -> Target:
        """Return where its messages go."""
        if self.destination == PERSON or self.room_id is None:
            return Target(person_id=self.person_id, direct=True)
        return Target(room_id=self.room_id, parent_id=self.thread_id, direct=self.room_type == DIRECT)

    @property
    def trace_id(self) -> str:
        """Return by which the log's lines about it are found."""
        return trace_id(self.event_key)

    @property
    def event(self) -> str:
        """Return the event in which it was made, perhaps with others."""
        return self.event_key.rpartition(":")[0]

    def is_answered_with(self, other: Request) -> bool:
        """Return True when the same people read the answers to both, so one file serves both."""
        if self.direct or other.direct:
            return self.direct and other.direct and same_id(self.person_id, other.person_id)
        return same_id(self.room_id, other.room_id)

    def is_in_thread_of(self, other: Request) -> bool:
        """Return True when both are answered in one place, where people see the messages of both beside each other."""
        if not self.is_answered_with(other) or self.destination != other.destination:
            return False
        same_thread = self.thread_id == other.thread_id or same_id(self.thread_id, other.thread_id)
        return self.destination == PERSON or same_thread


def read(row: Sequence[Any]) -> Request:
    """Return a row that begins with the table's columns as an object."""
    values = dict(zip(_NAMES, row, strict=False))
    content = Content(values["content"] or Content.CARD_AND_FILE)
    return Request(**values | {"state": State(values["state"]), "content": content})


def add(tx: Transaction, values: dict[str, Any]) -> int | None:
    """Insert a request and return its row's ID, or None when this event has made it before."""
    return tx.insert_once(tables.requests, values, conflict=["event_key"])


def get(tx: Transaction, request_id: int) -> Request | None:
    """Return the request of a row."""
    return tx.first(read, _GET, {"row": request_id})


def find(tx: Transaction, *where: ColumnElement[bool], most: int | None = None) -> list[Request]:
    """Return the requests for which all of this holds, oldest first, at most so many."""
    return [read(row) for row in tx.execute(_ROWS.where(*where).limit(most))]


def closed_by(tx: Transaction, report_id: str, event_key: str) -> list[Request]:
    """Return the requests for a report that an event has canceled."""
    return find(tx, _requests.report_id == report_id, _requests.closed_by == event_key)


def with_reference(tx: Transaction, reference: str) -> Request | None:
    """Return the request that a reference names."""
    return next(iter(find(tx, _requests.reference == reference)), None)


def ended(tx: Transaction, references: Collection[str]) -> set[str]:
    """Return which of the requests that these references name are open no longer."""
    where = (_requests.reference.in_(references), _requests.state != tables.OPEN)
    return set(tx.execute(select(_requests.reference).where(*where)).scalars())


def open_for(tx: Transaction, report_id: str) -> list[Request]:
    """Return the open requests for a report, oldest first."""
    return [read(row) for row in tx.execute(_OPEN_FOR, {"report": report_id})]


def reports_of(tx: Transaction, origin: Origin, report_ids: Collection[str]) -> set[str]:
    """Return those of these reports for which a subscription or schedule has made a request."""
    made = (_requests[f"{origin.kind.value}_id"] == origin.id, _requests.report_id.in_(report_ids))
    return set(tx.execute(select(_requests.report_id).where(*made)).scalars())


def delivered(tx: Transaction, report_ids: Collection[str]) -> list[Request]:
    """Return the requests for these reports that were delivered, oldest first."""
    return find(tx, _requests.report_id.in_(report_ids), _requests.state == State.DELIVERED.value)


def open_of(tx: Transaction, origin: Origin) -> list[Request]:
    """Return the open requests that a subscription or schedule has made, oldest first."""
    return find(tx, _requests[f"{origin.kind.value}_id"] == origin.id, _requests.state == tables.OPEN)


def waiting_for(tx: Transaction, report_id: str, most: int) -> list[Request]:
    """Return the oldest open requests whose report was found, at most so many."""
    return find(tx, _requests.state == tables.OPEN, of_report(report_id), most=most)


def older(tx: Transaction, request: Request) -> Request | None:
    """Return the oldest open request whose file serves this one too, if there is one."""
    return next((one for one in open_for(tx, request.report_id) if _serves(one, request)), None)


def _serves(one: Request, request: Request) -> bool:
    brings_file = one.found_at is not None and one.content is not Content.CARD
    return one.id < request.id and brings_file and one.is_answered_with(request)


def of_event(event: str) -> ColumnElement[bool]:
    """Return the condition that a request was made by an event."""
    return _requests.event_key.between(f"{event}:", f"{event};")  # the character after the colon


def first_listed(tx: Transaction, request: Request) -> Request:
    """Return the request whose card is the list that a request is in."""
    return next(iter(find(tx, of_event(request.event))), request)


def unfound(tx: Transaction, most: int) -> list[Request]:
    """Return the oldest open requests whose report was not found yet, at most so many."""
    return find(tx, _requests.state == tables.OPEN, _requests.found_at.is_(None), most=most)


def set_values(tx: Transaction, request_id: int, **values: Any) -> None:
    """Change columns of one request without closing it."""
    tx.execute(_UPDATE, {"row": request_id, **values})


def set_found(tx: Transaction, request_id: int, now: datetime) -> None:
    """Store that Webex has shown the report of a request, unless it was closed meanwhile."""
    tx.execute(_UPDATE_OPEN, {"row": request_id, "found_at": now, "failing_since": None, "last_error": None})


def close(
    tx: Transaction,
    request: Request,
    state: State,
    now: datetime,
    *,
    reason: str | None = None,
    cause: str = "",
    error: BotError | None = None,
    file_message: int | None = None,
    closed_by: str | None = None,
) -> bool:
    """Close a request and add its row to the audit. Return False when it was closed before.

    ``reason``: a sentence for the person. ``cause``: a short word for the audit, by default that of ``error``.
    """
    values = {"row": request.id, "state": state.value, "reason": reason, "closed_at": now, "revision": 0}
    word = cause or (audit.cause_of(error) if error else "")
    values |= {"file_message": file_message, "closed_by": closed_by, "failing_since": None, "last_error": None}
    row = tx.execute(_CLOSE, values | {"cause": word or None}).one_or_none()
    if row is None:
        return False
    count_end(tx, state.value, word)
    if state is State.DELIVERED:
        word = "directly" if row.destination == PERSON else ""
    entry = audit.Entry(
        channel=Channel.SYSTEM,
        act=audit.DELIVERY,
        outcome=audit.joined(state.value, word),
        person_id=row.person_id,  # as the row has it now: the person may have been forgotten since it was read
        room_id=audit.place(row.room_id, row.room_type),
        report_id=request.report_id,
        reference=request.reference,
        tracking=audit.tracking_of(error),
    )
    audit.record(tx, entry, now)
    return True


def fails(tx: Transaction, where: ColumnElement[bool], error: str, now: datetime) -> None:
    """Store that open requests cannot go on for now, since when, and the last error in a sentence."""
    changed = _requests.failing_since.is_(None) | (_requests.last_error != error)
    values = {"failing_since": func.coalesce(_requests.failing_since, now), "last_error": error}
    tx.execute(update(tables.requests).where(_requests.state == tables.OPEN, where, changed).values(**values))


def not_failing_so(tx: Transaction, where: ColumnElement[bool], error: str) -> list[int]:
    """Return the open requests among these for which a failure is not stored yet, or another one."""
    changed = _requests.failing_since.is_(None) | (_requests.last_error != error)
    return list(tx.execute(select(_requests.id).where(_requests.state == tables.OPEN, where, changed)).scalars())


def recovers(tx: Transaction, request_ids: Collection[int]) -> None:
    """Store that requests can go on."""
    values = {"failing_since": None, "last_error": None}
    tx.execute(update(tables.requests).where(_requests.id.in_(request_ids)).values(**values))


def are(request_ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that it is one of these requests."""
    return _requests.id.in_(request_ids)


def of_report(report_id: str) -> ColumnElement[bool]:
    """Return the condition that a request is for a report that was found."""
    return (_requests.report_id == report_id) & _requests.found_at.is_not(None)


def of_list(which: ReportList) -> ColumnElement[bool]:
    """Return the condition that a request waits for a report of one of Webex's lists."""
    reports = tables.reports.c
    listed = exists().where(
        reports.report_id == _requests.report_id,
        reports.phase != "ready",
        reports.family == which.family,
        reports.region.is_not_distinct_from(which.region),
        reports.on_behalf_of.is_not_distinct_from(which.on_behalf_of),
    )
    return _requests.found_at.is_not(None) & listed


def failing(where: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Return the conditions for the open requests among these that cannot go on for now."""
    return [_requests.state == tables.OPEN, _requests.failing_since.is_not(None), where]


def overdue(where: ColumnElement[bool], now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions for the open requests among these whose deadline has passed."""
    return [_requests.state == tables.OPEN, _requests.deadline_at <= now, where]


def untold(tx: Transaction, since: datetime, most: int) -> list[Request]:
    """Return open requests that fail since then or longer, and whose person was not told of it."""
    told = exists().where(
        tables.messages.c.request_id == _requests.id,
        tables.messages.c.slot == "trouble",
        tables.messages.c.state != tables.DELETED,
    )
    asked = (_requests.subscription_id.is_(None), _requests.schedule_id.is_(None))  # else nobody waits for it
    failing = (_requests.state == tables.OPEN, _requests.failing_since <= since, *asked)
    return find(tx, *failing, ~told, most=most)


def failing_since(tx: Transaction, since: datetime, now: datetime, most: int) -> list[Request]:
    """Return open requests that fail since then or longer, and whose deadline has passed."""
    late = (_requests.state == tables.OPEN, _requests.failing_since <= since, _requests.deadline_at <= now)
    return find(tx, *late, most=most)


def in_thread(tx: Transaction, report_id: str, room_id: str, thread_id: str | None) -> Request | None:
    """Return the newest request for a report that has its card in a thread."""
    found = find(
        tx,
        _requests.report_id == report_id,
        _requests.thread_id.is_(None) if thread_id is None else _requests.thread_id == thread_id,
        _requests.destination == THREAD,
        _requests.wants_card.is_(True),
        _requests.listed.is_(False),
    )
    return next((one for one in reversed(found) if same_id(one.room_id, room_id)), None)


def goes_to(one: Request, room_id: str, person_id: str) -> bool:
    """Return True when a request is answered in a space, or directly to this person."""
    return same_id(one.person_id, person_id) if one.destination == PERSON else same_id(one.room_id, room_id)
