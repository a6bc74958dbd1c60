"""``/deliveries``: a report's file, posted to a space or a person; each is a request, or a run until it has one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from bot.db import audit, messages, requests, runs, tables
from bot.db.api_keys import Right
from bot.db.origin import Kind, Origin
from bot.db.requests import GROUP, Content, State
from bot.db.runs import Run, RunState
from bot.reports.requests import Asker, close, open_request
from bot.web.api.calls import current_key, need, record
from bot.web.api.models import Delivery, Status
from bot.web.api.problems import Problem
from bot.web.api.repeated import Repeated
from bot.web.api.waiting import ask

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.db.database import Transaction
    from bot.db.requests import Request
    from bot.web.api.context import ApiContext
    from bot.web.api.models import NewDelivery, Page
    from bot.web.api.polls import Polls

NOT_HERE: Final = "This key has made no delivery with this ID."
BEING_POSTED: Final = "Its file is being posted."
CANCELED: Final = "Canceled by the API."

_requests = tables.requests.c
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_OF_A_TIME: Final = 100
"""Deliveries of one microsecond that a cursor can tell apart."""
LATEST: Final = (10**16 - 1) * MOST_OF_A_TIME
"""A cursor that is after all deliveries."""


def deliver(context: ApiContext, body: NewDelivery, idempotency_key: str | None) -> dict[str, Any]:
    """Open a delivery and return it. Raises ``Problem`` and ``DatabaseUnavailable``."""
    need(Right.DELIVER)
    key = current_key()
    if body.space_id is not None and not key.may_reach(body.space_id):
        raise Problem("space-not-allowed")
    if body.person_email is not None and key.spaces is not None:
        raise Problem("not-allowed", "Only a key for all spaces may deliver to a person.")
    repeated = Repeated(context, "deliveries", idempotency_key, body)
    if (stored := repeated.answer()) is not None:
        return stored
    report_id, person_id = body.report_id, key.owner
    if body.title is not None or body.person_email is not None:
        found = ask(context, key.id, {"kind": "delivery", "title": body.title, "email": body.person_email})
        report_id, person_id = found.get("report_id", report_id), found.get("person_id", person_id)
    assert report_id is not None
    wanted = report_id
    origin, room_type = Origin(Kind.KEY, key.id), None if body.space_id is None else GROUP
    event_key = f"api:{context.new_reference()}"
    asker = Asker(event_key, person_id, body.space_id, room_type, None, context.now(), origin)

    def make(tx: Transaction) -> dict[str, Any]:
        content = Content.CARD if body.card_only else Content.FILE
        opened = open_request(tx, context, asker, wanted, content=content)
        made = None if opened is None else requests.get(tx, opened[0])
        assert made is not None
        record(tx, context, audit.ASKED, report_id=wanted, room_id=body.space_id, reference=made.reference)
        return of_request(tx, made)

    return repeated.once(make)


def get(context: ApiContext, polls: Polls, delivery_id: str, wait: float) -> dict[str, Any]:
    """Return a delivery, at its end if that comes within so many seconds. Raises ``Problem``."""
    need(Right.DELIVER)
    found = _find(context, delivery_id)
    if found["status"] != Status.OPEN or not wait:
        return found
    polls.wait(found["reference"], wait)
    return _find(context, delivery_id)


def ended(context: ApiContext, references: Collection[str]) -> set[str]:
    """Return which of these deliveries are open no longer."""
    with context.database.read() as tx:
        return requests.ended(tx, references) | runs.ended(tx, references)


def _find(context: ApiContext, delivery_id: str) -> dict[str, Any]:
    with context.database.read() as tx:
        return _found(tx, delivery_id)


def _found(tx: Transaction, delivery_id: str) -> dict[str, Any]:
    key_id = current_key().id
    request = requests.with_reference(tx, delivery_id)
    if request is not None and request.key_id == key_id:
        return of_request(tx, request)
    run = runs.with_reference(tx, delivery_id)
    if run is not None and run.key_id == key_id and run.room_id is not None:
        return of_run(run)
    raise Problem("not-found", NOT_HERE)


def listed(context: ApiContext, page: Page) -> dict[str, Any]:
    """Return the key's deliveries, the newest first; a cursor is a point in time and how many of it were given."""
    need(Right.DELIVER)
    key_id = current_key().id
    microseconds, given = divmod(int(page.cursor or LATEST), MOST_OF_A_TIME)
    until = EPOCH + timedelta(microseconds=microseconds)
    most = given + page.max + 1
    of_key = select(tables.requests).where(_requests.key_id == key_id, _requests.asked_at <= until)
    with context.database.read() as tx:
        rows = tx.execute(of_key.order_by(_requests.asked_at.desc(), _requests.reference.desc()).limit(most))
        found: list[Request | Run] = [*map(requests.read, rows)]
        found += runs.undelivered_of_key(tx, key_id, until, most)
        found.sort(key=lambda one: (one.asked_at, one.reference), reverse=True)
        shown = found[given : given + page.max]
        items = [of_run(one) if isinstance(one, Run) else of_request(tx, one) for one in shown]
    if len(found) <= given + page.max:
        return {"items": items, "next": None}
    last = shown[-1].asked_at
    same = sum(one.asked_at == last for one in found[: given + page.max])
    return {"items": items, "next": str((last - EPOCH) // timedelta(microseconds=1) * MOST_OF_A_TIME + same)}


def cancel(context: ApiContext, delivery_id: str) -> None:
    """Cancel a delivery. Raises ``Problem`` when it has ended otherwise."""
    need(Right.DELIVER)
    now = context.now()
    with context.database.begin() as tx:
        found = _found(tx, delivery_id)
        request = requests.with_reference(tx, delivery_id)
        if request is not None:
            posted = messages.has_file(tx, request.id)
            if not posted and close(tx, context.queue, request, State.CANCELED, now, reason=CANCELED, cause="api"):
                found["status"] = Status.CANCELED
        elif (run := runs.with_reference(tx, delivery_id)) is not None and runs.close(
            tx, run.id, RunState.CANCELED, now, reason=CANCELED, cause="api"
        ):
            found["status"] = Status.CANCELED
        if found["status"] == Status.CANCELED:
            record(tx, context, State.CANCELED.value, report_id=found["reportId"], reference=delivery_id)
            return
    raise Problem("too-late", BEING_POSTED if found["status"] == Status.OPEN else f"It is {found['status']}.")


def of_request(tx: Transaction, request: Request) -> dict[str, Any]:
    """Return a delivery as the API gives it."""
    message = messages.posted(tx, request.id, request.file_message)
    status = Status.REFUSED if request.state is State.HALTED else Status(request.state.value)
    return _given(
        Delivery(
            id=request.reference,
            status=status,
            report_id=request.report_id,
            space_id=request.room_id,
            card_only=request.content is Content.CARD,
            created_at=request.asked_at,
            closed_at=request.closed_at,
            reason=request.reason,
            reference=request.reference,
            message_id=message,
        )
    )


def of_run(run: Run) -> dict[str, Any]:
    """Return a delivery whose report Webex has not created yet, or will not."""
    status = Status.OPEN if run.state in {RunState.OPEN, RunState.CREATED} else Status(run.state.value)
    return _given(
        Delivery(
            id=run.reference,
            status=status,
            report_id=run.report_id,
            space_id=run.room_id,
            card_only=False,
            created_at=run.asked_at,
            closed_at=run.closed_at,
            reason=run.reason,
            reference=run.reference,
            message_id=None,
        )
    )


def _given(delivery: Delivery) -> dict[str, Any]:
    return delivery.model_dump(mode="json", by_alias=True)
