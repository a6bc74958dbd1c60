"""Rows for tests of pure functions: a request, its report and its messages, each with values of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.db.messages import SENT, Message
from bot.db.reports import ReportRow
from bot.db.requests import THREAD, Request, State
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.db.messages import Name

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def request_row(**values: Any) -> Request:
    """Return an open request of ten minutes ago, in a group space, whose report was found."""
    asked = NOW - timedelta(minutes=10)
    given: dict[str, Any] = {
        "id": 1,
        "reference": "abcd2345",
        "event_key": "messages:M:R",
        "person_id": "ada",
        "room_id": "room",
        "room_type": "group",
        "thread_id": "root",
        "report_id": "R",
        "wants_card": True,
        "listed": False,
        "destination": THREAD,
        "notice": None,
        "state": State.OPEN,
        "reason": None,
        "revision": 0,
        "asked_at": asked,
        "deadline_at": asked + timedelta(hours=26),
        "found_at": asked,
        "failing_since": None,
        "last_error": None,
        "closed_at": None,
        "closed_by": None,
        "file_message": None,
    }
    return Request(**given | values)


def report_row(**values: Any) -> ReportRow:
    """Return a partner report that is pending."""
    given: dict[str, Any] = {
        "report_id": "R",
        "family": "partner",
        "region": "US",
        "title": "Calling Usage",
        "status": "In progress",
        "phase": Phase.PENDING,
        "details": None,
        "checked_at": NOW,
        "checks": 0,
        "missing": 0,
        "next_check_at": None,
        "ready_at": None,
        "file_size": None,
        "file_sha256": None,
        "file_kind": None,
    }
    return ReportRow(**given | values)


def message_row(name: Name, **values: Any) -> Message:
    """Return a message of a request that is in Webex."""
    given: dict[str, Any] = {
        "id": 1,
        "request_id": name.request_id,
        "key": name.key,
        "slot": name.slot,
        "variant": name.variant,
        "room_id": "room",
        "person_id": None,
        "parent_id": "root",
        "direct": False,
        "state": SENT,
        "message_id": "M",
        "fingerprint": None,
        "intended_at": NOW,
        "tried_at": NOW,
        "settled_at": NOW,
    }
    return Message(**given | values)
