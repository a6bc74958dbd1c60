"""``/reports`` and ``/templates``: what Webex lists, and running and deleting reports."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from bot.db import audit, runs
from bot.db.api_keys import Right
from bot.db.origin import Kind, Origin
from bot.db.requests import GROUP
from bot.db.runs import RunState
from bot.reports.requests import Asker
from bot.reports.runs import open_run
from bot.web.api.calls import act, current_key, is_recorded, need, record
from bot.web.api.models import Created, Status
from bot.web.api.problems import Problem
from bot.web.api.repeated import Repeated
from bot.web.api.waiting import ANSWER_PATIENCE, ask, wait_for
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.runs import Run
    from bot.web.api import models
    from bot.web.api.context import ApiContext
    from bot.web.api.models import ReportQuery

NOT_MADE: Final = "A key may delete only reports that it made itself."


def listed(context: ApiContext, query: ReportQuery) -> dict[str, Any]:
    """Return a page of the reports that Webex lists, the newest first. Raises ``Problem``."""
    need(Right.DELIVER)
    question = {"kind": "reports", "family": query.family, "words": query.words, "region": query.region_id}
    items = ask(context, current_key().id, question)["items"]
    start = int(query.cursor or 0)
    end = start + query.max
    return {"items": items[start:end], "next": str(end) if end < len(items) else None}


def get(context: ApiContext, report_id: str) -> dict[str, Any]:
    """Return one report as Webex has it now. Raises ``Problem``."""
    need(Right.DELIVER)
    return ask(context, current_key().id, {"kind": "report", "report_id": report_id})


def delete(context: ApiContext, report_id: str) -> None:
    """Delete a report that this key has made. Raises ``Problem``."""
    need(Right.CREATE)
    key = current_key()
    with context.database.read() as tx:
        run = runs.of_report(tx, report_id)
    if run is None or run.key_id != key.id:
        raise Problem("not-allowed", NOT_MADE)
    question = {
        "kind": "delete",
        "family": run.family,
        "report_id": report_id,
        "key": context.new_reference(),
        "act": act(),
        "caller": key.owner,
    }
    ask(context, key.id, question)
    is_recorded()  # by the worker, with the deletion: it may come after this call has given up


def templates(context: ApiContext, family: str | None) -> dict[str, Any]:
    """Return what can be run. Raises ``Problem``."""
    need(Right.DELIVER)
    return {**ask(context, current_key().id, {"kind": "templates", "family": family}), "next": None}


def create(context: ApiContext, body: models.NewReport, idempotency_key: str | None) -> dict[str, Any]:
    """Run a report, and have it delivered where that is asked; return what is known within some seconds.

    Raises ``Problem`` and ``DatabaseUnavailable``.
    """
    need(Right.CREATE)
    key = current_key()
    if body.start_date and body.end_date and body.end_date < body.start_date:
        raise Problem("invalid-period")
    space_id = None if body.deliver_to is None else body.deliver_to.space_id
    if space_id is not None and not key.may_reach(space_id):
        raise Problem("space-not-allowed")
    repeated = Repeated(context, "reports", idempotency_key, body)
    stored = repeated.answer()
    if stored is None:
        stored = repeated.once(lambda tx: {"reference": _open(tx, context, body, space_id)})
    reference = stored["reference"]

    def known() -> Run | None:
        with context.database.read() as tx:
            run = runs.with_reference(tx, reference)
        return run if run is not None and run.state is not RunState.OPEN else None

    ends = time.monotonic() + ANSWER_PATIENCE
    with context.questions.place(key.id, ANSWER_PATIENCE) as taken:
        run = wait_for(ends if taken else 0.0, known)
    if run is None:
        with context.database.read() as tx:
            run = runs.with_reference(tx, reference)
    assert run is not None
    failed = run.state not in {RunState.OPEN, RunState.CREATED}
    return Created(
        id=run.report_id,
        delivery_id=None if run.room_id is None else run.reference,
        status=Status(run.state.value) if failed else Status.OPEN,
        reason=run.reason,
        reference=run.reference,
        created_at=run.asked_at,
    ).model_dump(mode="json", by_alias=True, exclude_none=True)


def _open(tx: Transaction, context: ApiContext, body: models.NewReport, space_id: str | None) -> str:
    key = current_key()
    new = NewReport(
        family=Family(body.family),
        template_id=str(body.template_id),
        start=body.start_date,
        end=body.end_date,
        region=body.region_id or "",
        sites=body.sites,
    )
    person_id = "" if space_id is None else key.owner
    event_key = f"api:{context.new_reference()}"
    room_type = None if space_id is None else GROUP
    origin = Origin(Kind.KEY, key.id)
    asker = Asker(event_key, person_id, space_id, room_type, None, context.now(), origin)
    reference = open_run(tx, context, asker, new, "")  # the worker learns the template's title
    assert reference is not None
    record(tx, context, audit.ASKED, room_id=space_id, reference=reference)
    return reference
