"""Rows for tests of pure functions: a request, its report and its messages, each with values of its own."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.db.messages import SENT, Message
from bot.db.reports import ReportRow
from bot.db.requests import THREAD, Content, Request, State
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.db.messages import Name

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _nothing(row: type[Any]) -> dict[str, Any]:
    return dict.fromkeys(one.name for one in fields(row))


def request_row(**values: Any) -> Request:
    """Return an open request of ten minutes ago, in a group space, whose report was found."""
    asked = NOW - timedelta(minutes=10)
    given: dict[str, Any] = _nothing(Request) | {
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
        "state": State.OPEN,
        "revision": 0,
        "asked_at": asked,
        "deadline_at": asked + timedelta(hours=26),
        "found_at": asked,
        "content": Content.CARD_AND_FILE,
    }
    return Request(**given | values)


def report_row(**values: Any) -> ReportRow:
    """Return a partner report that is pending."""
    given: dict[str, Any] = _nothing(ReportRow) | {
        "report_id": "R",
        "family": "partner",
        "region": "US",
        "title": "Calling Usage",
        "status": "In progress",
        "phase": Phase.PENDING,
        "checked_at": NOW,
        "checks": 0,
        "missing": 0,
    }
    return ReportRow(**given | values)


def message_row(name: Name, **values: Any) -> Message:
    """Return a message of a request that is in Webex."""
    given: dict[str, Any] = _nothing(Message) | {
        "id": 1,
        "request_id": name.request_id,
        "key": name.key,
        "slot": name.slot,
        "variant": name.variant,
        "room_id": "room",
        "parent_id": "root",
        "direct": False,
        "state": SENT,
        "message_id": "M",
        "intended_at": NOW,
        "tried_at": NOW,
        "settled_at": NOW,
    }
    return Message(**given | values)
