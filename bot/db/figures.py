"""Read what the metrics show of the database, in a few cheap queries: each scrape asks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot.db import alerts, api_tables, heartbeats, key_values, schedules, tables
from bot.db.outbound_events import EventState
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Select

    from bot.db.database import Transaction

_requests, _runs, _reports = tables.requests.c, tables.runs.c, tables.reports.c
_webhooks, _outbound = api_tables.webhooks.c, api_tables.outbound_events.c

_OPEN_REQUESTS = select(func.count()).where(_requests.state == tables.OPEN)
_OPEN_RUNS = select(func.count()).where(_runs.state == tables.OPEN)
_WATCHED = (
    select(func.count(_reports.report_id.distinct()))
    .join(tables.requests, _requests.report_id == _reports.report_id)
    .where(_requests.state == tables.OPEN, _requests.found_at.is_not(None), _reports.phase != Phase.READY.value)
)
_PENDING = (
    select(
        func.count().label("pending"), func.min(_outbound.created_at, type_=_outbound.created_at.type).label("oldest")
    )
    .join(api_tables.webhooks, _webhooks.id == _outbound.webhook_id)
    .where(_outbound.state == EventState.PENDING.value)
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is in the database now."""

    open_requests: int
    open_runs: int
    watched_reports: int
    schedules_late: float
    """Seconds for which the most overdue schedule has waited to be run."""
    events_pending: int
    """Outbound events that are to be sent, or sent again."""
    events_pending_for: float
    """Seconds since the oldest of them happened."""
    web_seen_at: datetime | None
    worker_seen_at: datetime | None
    token_ends_at: Mapping[str, float]
    """When the admin token (``access``) and its refresh token (``refresh``) end, in seconds since 1970."""
    firing: list[str]
    """Names of the checks that have found something."""


def read(tx: Transaction, now: datetime) -> Figures:
    """Return the figures of this moment."""
    next_run = schedules.first_time(tx)
    events = tx.execute(_PENDING).one()
    return Figures(
        open_requests=_count(tx, _OPEN_REQUESTS),
        open_runs=_count(tx, _OPEN_RUNS),
        watched_reports=_count(tx, _WATCHED),
        schedules_late=_seconds(next_run, now),
        events_pending=events.pending,
        events_pending_for=_seconds(events.oldest, now),
        web_seen_at=key_values.updated_at(tx, heartbeats.WEB_SEEN),
        worker_seen_at=key_values.updated_at(tx, key_values.WORKER_SEEN),
        token_ends_at=key_values.numbers(tx, key_values.ADMIN_TOKEN_ENDS),
        firing=alerts.firing(tx),
    )


def _count(tx: Transaction, query: Select[Any]) -> int:
    return int(tx.execute(query).scalar_one())


def _seconds(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
