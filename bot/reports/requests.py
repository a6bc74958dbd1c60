"""Opens, closes and redirects requests: each changes rows, and the request's thread follows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bot.db import hook_calls, hooks, requests
from bot.db.origin import Kind
from bot.db.requests import PERSON, Content, State
from bot.errors import BotError, WebexError
from bot.messages.sentences import SENT_DIRECTLY, SPACE_CLOSED_NOTICE
from bot.outbound import events
from bot.queue import tasks
from bot.webex.ids import id_key
from bot.webex.report import Phase
from bot.webex.report_lists import ReportList
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from bot.db.database import Database, Transaction
    from bot.db.origin import Origin
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.runs import Run, RunState
    from bot.errors import Refused
    from bot.outbox import Outbox
    from bot.queue import Queue
    from bot.webex.report import Report

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 500
"""Requests for one report among which those are looked for that a webhook is told of."""
HOOK: Final = "hook"
"""How the event key begins of what a hook's call asked for: ``hook:12``."""
WITHOUT_REPORT: Final = frozenset({State.FAILED.value, State.REFUSED.value, State.EXPIRED.value, State.UNSURE.value})
SLICE: Final = 10
"""Requests that one transaction closes, each with its audit row and job: it holds SQLite's only write lock."""


def list_of(row: ReportRow | Report) -> ReportList:
    """Return Webex's list that a report is in; its key is that of the job that watches it."""
    return ReportList(row.family, row.region or None, row.on_behalf_of or None)


def deliver_key(family: str, report_id: str) -> str:
    """Return the key of the job that delivers a report."""
    return f"{family}:{report_id}"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a report, and where: a message, a button, a subscription, or a schedule."""

    event_key: str
    """The event that asks; the same event asks for the same report once."""
    person_id: str
    room_id: str | None
    room_type: str | None
    thread_id: str | None
    asked_at: datetime
    origin: Origin | None = None
    """The subscription or schedule in whose name it is asked for; None when a person asks just now."""

    @property
    def columns(self) -> dict[str, int]:
        """Return the column of a request or run that says what it was made for."""
        return {} if self.origin is None else {f"{self.origin.kind.value}_id": self.origin.id}


class Opener(Protocol):
    """What is needed to open requests and runs: the worker's services have it, and the web process."""

    @property
    def queue(self) -> Queue:
        """Return the queue of jobs."""
        ...

    @property
    def new_reference(self) -> Callable[[], str]:
        """Return what makes references."""
        ...

    @property
    def watch_deadline(self) -> timedelta:
        """Return for how long a report is waited for."""
        ...

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...


def open_request(
    tx: Transaction,
    services: Opener,
    asker: Asker,
    report_id: str,
    *,
    wants_card: bool = True,
    listed: bool = False,
    content: Content = Content.CARD_AND_FILE,
    reference: str = "",
) -> tuple[int, str] | None:
    """Open a request and have its report looked up. Return its row and reference; None when the event made it before.

    Every way in makes its requests here. ``reference``: one that people have already.
    """
    now, reference = services.now(), reference or services.new_reference()
    values = {
        "reference": reference,
        "event_key": f"{asker.event_key}:{report_id}",
        "person_id": asker.person_id,
        "room_id": asker.room_id,
        "room_type": asker.room_type,
        "thread_id": asker.thread_id,
        "report_id": report_id,
        "wants_card": wants_card,
        "listed": listed,
        "asked_at": min(asker.asked_at, now),
        "deadline_at": now + services.watch_deadline,
        "content": content.value,
    }
    request_id = requests.add(tx, values | asker.columns)
    if request_id is None:
        return None
    services.queue.put(tx, tasks.LOOKUP, str(request_id), person=id_key(asker.person_id))
    return request_id, reference


def put_thread(tx: Transaction, queue: Queue, request: Request) -> None:
    """Have a request's thread show what its rows say, and the list that it is in."""
    first = requests.first_listed(tx, request) if request.listed else request
    for one in dict.fromkeys((request.id, first.id)):
        queue.put(tx, tasks.THREAD, str(one), person=id_key(request.person_id))


def put_outcome(tx: Transaction, queue: Queue, origin: Origin | None) -> None:
    """Have it acted on how something ended that was made for a subscription or schedule, if it was."""
    if origin is not None and origin.kind is not Kind.KEY:
        queue.put(tx, tasks.OUTCOME, origin.key)


def tell_end(tx: Transaction, queue: Queue, ended: Request | Run, state: State | RunState, now: datetime) -> None:
    """Have it acted on how a request or run ended, and tell webhooks, in the transaction that ends it.

    Where no report came of a hook's call, its space is told too.
    """
    put_outcome(tx, queue, ended.origin)
    events.tell_end(tx, queue, ended, state, now)
    kind, _, call_id = ended.event_key.partition(":")
    if kind == HOOK and state.value in WITHOUT_REPORT:
        call = hook_calls.get(tx, int(call_id.partition(":")[0]))
        if call is not None:
            queue.put(tx, tasks.HOOK, str(call.id), lock=hooks.caller_of(call.hook_id))


def put_watch(tx: Transaction, queue: Queue, row: ReportRow | Report, *, after: float) -> None:
    """Have the list that a report is in watched."""
    queue.put(tx, tasks.WATCH, list_of(row).key, after=after)


def put_delivery(tx: Transaction, queue: Queue, family: str, report_id: str, person_id: str) -> None:
    """Have a report delivered to everyone who waits for it, in the turn of one of them; one job a report."""
    key = deliver_key(family, report_id)
    queue.put(tx, tasks.DELIVER, key, lock=f"deliver:{key}", person=id_key(person_id))


def close(
    tx: Transaction,
    queue: Queue,
    request: Request,
    state: State,
    now: datetime,
    *,
    reason: str | None = None,
    cause: str = "",
    error: BotError | None = None,
    closed_by: str | None = None,
) -> bool:
    """Close a request without its file, and have its thread say so. Return False when it was closed before.

    Of the others whose file it would have brought, the next one's card says so.
    """
    if not requests.close(tx, request, state, now, reason=reason, cause=cause, error=error, closed_by=closed_by):
        return False
    put_thread(tx, queue, request)
    tell_end(tx, queue, request, state, now)
    for other in requests.open_for(tx, request.report_id):
        if other.id > request.id and request.is_answered_with(other):
            put_thread(tx, queue, other)
    _log_closed(request, state, cause, error)
    return True


def close_all(
    database: Database,
    queue: Queue,
    report_id: str,
    now: datetime,
    *,
    reason: str,
    cause: str = "",
    error: BotError | None = None,
) -> None:
    """Close every open request for a report as failed, some at a time."""
    while True:
        with database.begin() as tx:
            waiting = requests.waiting_for(tx, report_id, SLICE)
            for one in waiting:
                if requests.close(tx, one, State.FAILED, now, reason=reason, cause=cause, error=error):
                    put_thread(tx, queue, one)
                    tell_end(tx, queue, one, State.FAILED, now)
                    _log_closed(one, State.FAILED, cause, error)
        if len(waiting) < SLICE:
            return


def _log_closed(request: Request, state: State, cause: str, error: BotError | None) -> None:
    said = str(error) if error else cause
    log.info("request_closed", reference=request.reference, trace_id=request.trace_id, state=state.value, cause=said)


def redirect_to_person(tx: Transaction, queue: Queue, request: Request, notice: str | None) -> None:
    """Have a request answered to the person directly, and its thread follow: ``notice`` is what the space is told.

    The requests of one message have one card, so they go together.
    """
    for one in requests.find(tx, requests.of_event(request.event)) if request.listed else [request]:
        requests.set_values(tx, one.id, destination=PERSON, notice=notice)
        put_thread(tx, queue, one)


def redirect_from_closed_space(tx: Transaction, queue: Queue, request: Request) -> None:
    """Have a request answered to the person directly, since its space is closed to the bot."""
    redirect_to_person(tx, queue, request, None if request.room_type == requests.DIRECT else SPACE_CLOSED_NOTICE)


def deliver_to_waiting(tx: Transaction, queue: Queue, report: Report, now: datetime) -> None:
    """Have a report delivered to everyone who waits for it, since Webex says that it is ready; tell webhooks."""
    if report.phase is Phase.READY:
        events.tell_ready(tx, queue, report, lambda: requests.waiting_for(tx, report.id, MOST_WAITING), now)
    waiting = requests.waiting_for(tx, report.id, MOST_WAITING)
    for first in waiting[:1]:
        put_delivery(tx, queue, report.family.value, report.id, first.person_id)
    trace_ids = list(dict.fromkeys(one.trace_id for one in waiting))
    tx.after_commit(partial(log.info, "report_ready", family=report.family.value, trace_ids=trace_ids))


def cause_of_post(request: Request, error: BotError) -> str:
    """Return the word for a space that takes no post for a subscription or schedule; else the error's own will do."""
    closed = isinstance(error, WebexError) and error.status in SPACE_CLOSED
    return "space_closed" if closed and request.origin is not None else ""


def reason_for(outbox: Outbox, request: Request, refused: Refused) -> str:
    """Return the answer to a refused request; what names roles is sent to the person directly, never shown to others.

    The owner of a subscription or schedule is told by the task of its outcomes. Raises ``WebexError`` that passes.
    """
    if not refused.details or request.origin is not None:
        return refused.sentence
    said = f"{refused.sentence} {refused.details}"
    if request.direct:
        return said
    key = f"request:{request.id}:refused"
    told = send_directly(outbox, key, request.person_id, f"{said} (reference {request.reference})")
    return f"{refused.sentence} {SENT_DIRECTLY}" if told else refused.sentence


def send_directly(outbox: Outbox, key: str, person_id: str, markdown: str) -> bool:
    """Send something to a person besides an answer. Return False when Webex refuses it."""
    try:
        outbox.send(key, Target(person_id=person_id, direct=True), markdown)
    except BotError as error:
        if error.passing:
            raise
        log.info("details_not_sent", cause=str(error))
        return False
    return True
