"""Delete a report in Webex, and end what waits for it here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import audit, messages, reports, requests
from bot.db.requests import State
from bot.errors import WebexError
from bot.files import storage
from bot.files.fetch import held_name
from bot.messages.sentences import REPORT_DELETED
from bot.reports.report_calls import write_call
from bot.reports.requests import SLICE, close

if TYPE_CHECKING:
    from bot.services import Services

log = structlog.get_logger(__name__)

CAUSE: Final = "report_deleted"
"""The audit's word for a request whose report was deleted."""


def delete_report(
    services: Services,
    family: str,
    report_id: str,
    *,
    event_key: str,
    person_id: str,
    entry: audit.Entry | None = None,
) -> int:
    """Delete a report and return how many requests for it ended. It may be called again: 404 counts as deleted.

    ``event_key``: the event by which this person confirmed it. ``entry``: for the audit, where nobody confirmed it.
    Raises ``Refused`` where the admin token may not delete, and ``WebexError``.
    """
    with services.database.read() as tx:
        row = reports.get(tx, report_id)
    try:
        with write_call(family):
            services.catalog.delete(family, report_id, row.on_behalf_of if row is not None else None)
    except WebexError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    log.info("report_deleted", family=family)
    with services.database.begin() as tx:
        reports.set_deleted(tx, report_id, services.now(), person_id)
        if entry is not None:
            audit.record(tx, entry, services.now())
    _end_requests(services, report_id, event_key)
    with services.database.read() as tx:
        ended = len(requests.closed_by(tx, report_id, event_key))
        is_posted = any(messages.has_file(tx, one.id) for one in requests.open_for(tx, report_id))
    if not is_posted:  # else maintenance removes it some minutes later
        storage.remove(services.folder / held_name(family, report_id))
    return ended


def _end_requests(services: Services, report_id: str, event_key: str) -> None:
    """Close the open requests for a report as canceled, and have their threads say why.

    One whose file is being posted goes on.
    """
    with services.database.read() as tx:
        waiting = [
            one
            for one in requests.open_for(tx, report_id)
            if one.found_at is not None and not messages.has_file(tx, one.id)
        ]
    for start in range(0, len(waiting), SLICE):
        with services.database.begin() as tx:
            for one in waiting[start : start + SLICE]:
                now, queue = services.now(), services.queue
                close(tx, queue, one, State.CANCELED, now, reason=REPORT_DELETED, cause=CAUSE, closed_by=event_key)
