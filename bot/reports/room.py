"""Make room for a schedule's report where Webex keeps no more: delete the oldest that the same schedule is done with.

A run deletes one report at most. Which one is stored before Webex is asked, so a kill makes it delete the same one once
more, which Webex answers with 404.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import audit, reports, runs
from bot.db.audit import Channel
from bot.errors import BotError, WebexError
from bot.messages import deletion
from bot.reports import quota
from bot.reports.delete import delete_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.database import Transaction
    from bot.db.runs import Run
    from bot.services import Services

log = structlog.get_logger(__name__)

DELETE: Final = "delete"
"""The act in the audit."""
WAIT: Final = 300.0
"""Seconds until it is looked again whether somebody has deleted something."""
AT_ONCE: Final = 1.0
_REFUSED: Final = frozenset({400, 403, 409, 422})
_FULL = re.compile(r"\b(as many|maximum|max|limit|quota|too many|exceed\w*)\b")


class NoRoom(BotError):
    """Webex keeps no more reports."""

    passing = True

    def __init__(self, run: Run, wait: float = WAIT) -> None:
        most, deleted_one = quota.MOST_REPORTS, run.makes_room is not None
        super().__init__(deletion.no_room_for_schedule(run.family, most, deleted_one=deleted_one))
        self.retry_after = wait


def says_full(error: WebexError) -> bool:
    """Return True when Webex refuses a report because it keeps no more; no status is published for that, nor words."""
    return error.status in _REFUSED and _FULL.search(error.message.casefold()) is not None


def make_room(services: Services, run: Run, check: Callable[[], object]) -> None:
    """Return when Webex should take the report of a schedule's run. Raises ``NoRoom``, which passes, and ``BotError``.

    ``check``: asks policy whether the owner may delete.
    """
    if run.makes_room is not None:
        _delete(services, run, run.makes_room, check)
    listed = services.catalog.listing(run.family, run.region, run.on_behalf_of)
    with services.database.read() as tx:
        there = [one for one in listed if not _is_deleted(tx, one.id)]
    if not quota.room_for_one(there, run.new_report.family):
        _delete_oldest(services, run, {one.id for one in there}, check)


def make_room_once(services: Services, run: Run, check: Callable[[], object]) -> NoRoom:
    """Delete a report since Webex has refused to take another, and return the error that has it tried again."""
    listed = services.catalog.listing(run.family, run.region, run.on_behalf_of)
    _delete_oldest(services, run, {one.id for one in listed}, check)
    return NoRoom(run, AT_ONCE)


def _delete_oldest(services: Services, run: Run, listed: set[str], check: Callable[[], object]) -> None:
    with services.database.begin() as tx:
        now_is = runs.get(tx, run.id)
        if now_is is None or now_is.makes_room is not None:  # it has deleted one, and another took the place
            raise NoRoom(now_is or run)
        awaited = {one.report_id for one in reports.awaited(tx)}
        own = [one for one in runs.done_with(tx, run) if one in listed and one not in awaited]
        if not own:
            raise NoRoom(run)
        runs.set_makes_room(tx, run.id, own[0])
    _delete(services, run, own[0], check)


def _delete(services: Services, run: Run, report_id: str, check: Callable[[], object]) -> None:
    with services.database.read() as tx:
        if _is_deleted(tx, report_id):
            return
    check()
    entry = audit.Entry(
        channel=Channel.SYSTEM,
        act=DELETE,
        outcome=audit.DELETED,
        person_id=run.person_id,
        room_id=audit.place(run.room_id, run.room_type),
        report_id=report_id,
        reference=run.reference,
    )
    event, person = f"{run.event_key}:room", run.person_id
    delete_report(services, run.family, report_id, event_key=event, person_id=person, entry=entry)
    log.info("room_made", reference=run.reference, family=run.family)


def _is_deleted(tx: Transaction, report_id: str) -> bool:
    row = reports.get(tx, report_id)
    return row is not None and row.deleted_at is not None
