"""Repeat what a subscription or schedule did not bring: the delivery of its report, or the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db.past_runs import retry_key
from bot.db.runs import Why
from bot.reports.requests import Asker, open_request
from bot.reports.runs import open_run

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.past_runs import PastRun
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.services import Services


def retry(
    tx: Transaction, services: Services, owned: Schedule | Subscription, past: PastRun, event_key: str
) -> str | None:
    """Ask once more for a report that exists, or run it again for the same period, in the name of the owner.

    Return the reference; None when this event has done so before. ``event_key``: of the press or message.
    """
    asker = Asker(
        event_key=retry_key(event_key, past.reference),
        person_id=owned.person_id,
        room_id=owned.room_id,
        room_type=owned.room_type,
        thread_id=None,
        asked_at=services.now(),
        origin=owned.origin,
    )
    if past.report_is_there and past.request is not None:
        opened = open_request(tx, services, asker, past.request.report_id, content=past.request.content)
        return None if opened is None else opened[1]
    run = past.run
    assert run is not None, "it may be retried"
    return open_run(tx, services, asker, run.new_report, run.title, why=Why.RETRY, planned_at=run.planned_at)
