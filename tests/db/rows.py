"""Rows that the tests of the tables store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.db import reports, requests
from bot.db.tables import runs
from bot.webex.report import Report
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.requests import Request

NOW = datetime(2024, 3, 24, 17, 13, tzinfo=UTC)


def store_request(tx: Transaction, event_key: str = "messages:M:R", **values: Any) -> Request:
    """Store a request of Ada's in a group space, whose report was found; return it."""
    given = {
        "reference": event_key,
        "event_key": event_key,
        "person_id": "ada",
        "room_id": "room",
        "room_type": "group",
        "thread_id": "root",
        "report_id": "R",
        "asked_at": NOW,
        "deadline_at": NOW + timedelta(hours=26),
        "found_at": NOW,
    }
    request_id = requests.add(tx, given | values)
    assert request_id is not None
    return stored(tx, request_id)


def stored(tx: Transaction, request_id: int) -> Request:
    """Return the request of a row."""
    found = requests.get(tx, request_id)
    assert found is not None
    return found


def store_report(tx: Transaction, report_id: str = "R", status: str = "In progress", **values: Any) -> Report:
    """Store a partner report; return it."""
    report = Report(report_id, Family.PARTNER, status, **{"title": "Usage", "region": "US"} | values)
    reports.save(tx, report, NOW)
    return report


def store_run(tx: Transaction, event_key: str = "messages:M", **values: Any) -> None:
    """Store an open run of Ada's of a partner report in a group space."""
    given = {
        "reference": event_key,
        "event_key": event_key,
        "person_id": "ada",
        "room_id": "room",
        "room_type": "group",
        "family": "partner",
        "template_id": "1",
        "title": "Usage",
        "asked_at": NOW,
    }
    tx.execute(runs.insert().values(given | values))
