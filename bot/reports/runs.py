"""Open runs: each is a row and a job, made by a command, a button, or a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.db import runs
from bot.queue import tasks
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.runs import Why
    from bot.reports.requests import Asker, Opener
    from bot.webex.report import Report
    from bot.webex.report_templates import NewReport

JUST_CREATED: Final = 120.0
"""Seconds for which Webex may not know yet a report that it has created."""


def open_run(
    tx: Transaction,
    services: Opener,
    asker: Asker,
    new: NewReport,
    title: str,
    *,
    why: Why | None = None,
    planned_at: datetime | None = None,
    reference: str = "",
) -> str | None:
    """Open a run and have its report created. Return its reference; None when the event made it before.

    ``why`` and ``planned_at``: of a schedule's run. ``reference``: one that people have already.
    """
    reference = reference or services.new_reference()
    values = {
        "reference": reference,
        "event_key": asker.event_key,
        "person_id": asker.person_id,
        "room_id": asker.room_id,
        "room_type": asker.room_type,
        "thread_id": asker.thread_id,
        "title": title,
        "asked_at": min(asker.asked_at, services.now()),
        "why": None if why is None else why.value,
        "planned_at": planned_at,
    }
    run_id = runs.add(tx, values | runs.values_of(new) | asker.columns)
    if run_id is None:
        return None
    services.queue.put(tx, tasks.CREATE, str(run_id), person=id_key(asker.person_id))
    return reference


def is_report_of(report: Report, new: NewReport, title: str) -> bool:
    """Return True when a report is of this template and period; organization reports do not tell their template."""
    same_organization = report.on_behalf_of == new.on_behalf_of
    same_template = report.template_id == new.template_id if report.template_id else report.title == title
    same_region = not new.region or report.region in {"", new.region}
    same_sites = not new.sites or not report.sites or _folded(report.sites) == _folded(new.sites)
    same_days = new.start is None or (report.start, report.end) == (new.start, new.end)
    same_place = report.family is new.family and same_organization and same_region and same_sites
    return same_place and same_template and same_days


def _folded(sites: Iterable[str]) -> set[str]:
    return {one.casefold() for one in sites}


def was_just_created(tx: Transaction, report_id: str, now: datetime) -> bool:
    """Return True for a report that the bot has created a moment ago: Webex may not know it everywhere yet."""
    run = runs.of_report(tx, report_id)
    return run is not None and run.closed_at is not None and (now - run.closed_at).total_seconds() < JUST_CREATED
