"""``reportbot why <id or reference>``: show what happened to a request.

It reads the database alone, so it works while Webex or the bot is down. It names no person and no link to a file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bot import app
from bot.db import audit, requests
from bot.db.migrations import Migration
from bot.errors import BotError
from bot.messages.history import history, kept_for, outcome_of
from bot.reports.history import load
from bot.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.database import Transaction
    from bot.db.requests import Request
    from bot.messages.history import HistoryFacts
    from bot.settings import StorageSettings

    Say = Callable[[str], None]

MOST_TOLD: Final = 10
"""Requests shown for one report, the newest first."""

LONGEST_STEP: Final = 600
"""Characters of one step; only the reason of a failure can be long."""


class NothingKnownError(BotError):
    """No request for a report with this ID was found, nor one with this reference."""


def tell(settings: StorageSettings, wanted: str, say: Say, *, as_json: bool) -> int:
    """Print the newest requests first; return 0. Raises ``NothingKnownError`` and ``DatabaseUnavailable``."""
    database = app.open_database(settings)
    now = app.now()
    try:
        Migration(database)()
        with database.read() as tx:
            found = _find(tx, wanted.strip())
            told = [(one, load(tx, one, now, settings.poll_interval)) for one in found]
            other = [] if told else _refused(tx, wanted.strip())
    finally:
        database.close()
    if not told and not other:
        raise NothingKnownError(f"{NothingKnownError().sentence}{kept_for(settings.audit_days)}")
    for row in other:
        say(_row_in_json(row) if as_json else f"Reference {row.reference}: {outcome_of(row)}")
    for one, facts in told:
        for line in [in_json(one, facts, now)] if as_json else in_words(one, facts, now):
            say(line)
    return 0


def _find(tx: Transaction, wanted: str) -> list[Request]:
    return requests.about(tx, wanted)[:MOST_TOLD]


def _refused(tx: Transaction, wanted: str) -> list[Row]:
    """Return audit rows without a request, oldest first: by reference, or about a report."""
    found = audit.with_reference(tx, wanted.lower())
    return found or audit.latest(tx, MOST_TOLD, report_id=wanted)[::-1]


def in_words(one: Request, facts: HistoryFacts, now: datetime) -> list[str]:
    """Return the lines for a terminal: the reference and the report, then one a step."""
    title = one_line(facts.row.title or "") if facts.row is not None else ""
    head = f"Request {one.reference} for “{title}”" if title else f"Request {one.reference}"
    steps = [one_line(step, LONGEST_STEP) for step in history(one, now, facts)]
    if facts.link:
        steps.append(f"The message: {facts.link}")
    return [f"{head}, report {one.report_id}", *(f"  {step}" for step in steps)]


def in_json(one: Request, facts: HistoryFacts, now: datetime) -> str:
    """Return one JSON object: times are ISO 8601 in UTC, ``file_size`` is in bytes, null is what is not known."""
    row = facts.row
    report = {name: getattr(row, name) if row is not None else None for name in ("family", "region", "status")}
    file = {name: getattr(row, name) if row is not None else None for name in ("file_size", "file_sha256", "file_kind")}
    values: dict[str, Any] = {
        "reference": one.reference,
        "report_id": one.report_id,
        **report,
        "phase": row.phase.value if row is not None else None,
        "state": one.state.value,
        "destination": one.destination,
        "checks": row.checks if row is not None else 0,
        "asked_at": _iso(one.asked_at),
        "next_check_at": _iso(row.next_check_at) if row is not None else None,
        "deadline_at": _iso(one.deadline_at),
        "ready_at": _iso(row.ready_at) if row is not None else None,
        "closed_at": _iso(one.closed_at),
        **file,
        "message": facts.link,
        "parts": facts.parts,
        "failing_since": _iso(one.failing_since),
        "last_error": one.last_error,
        "history": history(one, now, facts),
    }
    return json.dumps(values, ensure_ascii=False)


def _row_in_json(row: Row) -> str:
    values = {"reference": row.reference, "act": row.act, "outcome": row.outcome, "report_id": row.report_id}
    return json.dumps(values | {"at": _iso(row.at)}, ensure_ascii=False)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
