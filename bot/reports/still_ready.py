"""Find out that Webex calls a report ready as long as its file is wanted, and act on it when it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.db import messages, reports, requests
from bot.db.requests import State
from bot.messages import sentences
from bot.reports.lookup import BY_WEBEX
from bot.reports.requests import close, close_all, put_watch
from bot.reports.watch import details_interval
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.reports import ReportRow
    from bot.services import Services
    from bot.webex.report import Report

CHECKS_FOR_A_LINK: Final = 6
"""How often the link of a report that is ready is looked for, before that is told: a quarter of an hour."""


def is_still_ready(services: Services, report: Report, row: ReportRow | None) -> bool:
    """Return True when Webex still says that the report is ready; otherwise its row says what it is."""
    now = services.now()
    missing = row.missing if row is not None else 0
    if report.phase is Phase.READY and (report.download_url or missing >= CHECKS_FOR_A_LINK):
        if not report.taken_for_ready and (row is None or row.phase is not Phase.READY):
            with services.database.begin(durable=False) as tx:
                reports.save(tx, report, now)
        return True
    with services.database.begin() as tx:
        reports.save(tx, report, now)
        if report.phase is not Phase.FAILED:
            _wait_again(tx, services, report, missing)
    if report.phase is Phase.FAILED:
        reason = sentences.failed(report.title)
        close_all(services.database, services.queue, report.id, now, reason=reason, cause=BY_WEBEX)
    return False


def _wait_again(tx: Transaction, services: Services, report: Report, missing: int) -> None:
    """Watch a report that the list calls ready and the details do not, or that has no link; each check later."""
    now, queue = services.now(), services.queue
    wait = timedelta(seconds=details_interval(missing, services.poll_interval))
    values = {"missing": missing + 1, "next_check_at": now + wait, "phase": Phase.PENDING.value}
    reports.set_values(tx, report.id, **values)
    waiting = requests.open_for(tx, report.id)
    requests.recovers(tx, [one.id for one in waiting if one.failing_since is not None])
    for one in waiting:
        if messages.has_file(tx, one.id):
            # Its file may be in the space already, so it cannot wait for another one.
            reason = sentences.generating_again(report.title)
            close(tx, queue, one, State.FAILED, now, reason=reason, cause=BY_WEBEX)
    put_watch(tx, queue, report, after=services.poll_interval)
