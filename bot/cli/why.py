"""``reportbot why <id or reference>``: what became of a request, for those who run the machine.

It asks the ledger alone, so it works while Webex is down, or the bot. It names no person and no link to a file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select

from bot import app
from bot.db import audit
from bot.db import requests as request_rows
from bot.db.migrations import Migration
from bot.db.tables import deliveries as requests
from bot.errors import BotError
from bot.messages.history import kept_for, looked_after, outcome_of, story
from bot.reports.history import load
from bot.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.database import Transaction
    from bot.db.requests import Delivery
    from bot.messages.history import HistoryFacts
    from bot.settings import StorageSettings

    Say = Callable[[str], None]

MOST_TOLD: Final = 10
"""Requests told of one report, the newest first."""

LONGEST_STEP: Final = 600
"""Letters of one step; only the reason of a failure can be long."""


class NothingKnownError(BotError):
    """Nobody has asked for a report with this id, and no request has this reference."""


def tell(settings: StorageSettings, wanted: str, say: Say, *, as_json: bool) -> int:
    """Say the newest requests, the latest first; 0. Raises ``NothingKnownError`` and ``DatabaseUnavailable``."""
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


def _find(tx: Transaction, wanted: str) -> list[Delivery]:
    rows = tx.execute(
        select(requests.c.id)
        .where(or_(requests.c.report_id == wanted, requests.c.reference == wanted.lower()))
        .order_by(requests.c.id.desc())
        .limit(MOST_TOLD)
    )
    found = (request_rows.get(tx, number) for number in rows.scalars().all())
    return [one for one in found if one is not None]


def _refused(tx: Transaction, wanted: str) -> list[Row]:
    """What was answered that no request stands behind, oldest first: by its reference, or of a report."""
    found = audit.with_reference(tx, wanted.lower())
    return found or audit.latest(tx, MOST_TOLD, report_id=wanted)[::-1]


def in_words(one: Delivery, facts: HistoryFacts, now: datetime) -> list[str]:
    """The lines for a terminal: the reference and the report, then one a step."""
    head = f"Request {one.reference} for “{one_line(one.title)}”" if one.title else f"Request {one.reference}"
    steps = [one_line(step, LONGEST_STEP) for step in story(one, now, facts)]
    if facts.link:
        steps.append(f"The message: {facts.link}")
    return [f"{head}, report {one.report_id}", *(f"  {step}" for step in steps)]


def in_json(one: Delivery, facts: HistoryFacts, now: datetime) -> str:
    """One JSON object: times are ISO 8601 in UTC, ``size`` is in bytes, null is what is not known."""
    hindrance = facts.hindrance
    one = looked_after(one, facts)
    values: dict[str, Any] = {
        "reference": one.reference,
        "report_id": one.report_id,
        "family": one.family,
        "region": one.region,
        "state": one.state.value,
        "status": one.status,
        "private": one.private,
        "looks": one.looks,
        "asked_at": _iso(one.asked_at),
        "next_look_at": _iso(one.next_look_at),
        "deadline_at": _iso(one.deadline_at),
        "ready_at": _iso(one.ready_at),
        "settled_at": _iso(one.settled_at),
        "size": one.size,
        "sha256": one.sha256,
        "kind": one.kind,
        "message": facts.link,
        "parts": facts.parts,
        "trouble": hindrance and {"since": _iso(hindrance.since), "words": hindrance.words},
        "story": story(one, now, facts),
    }
    return json.dumps(values, ensure_ascii=False)


def _row_in_json(row: Row) -> str:
    values = {"reference": row.reference, "act": row.act, "outcome": row.outcome, "report_id": row.report_id}
    return json.dumps(values | {"at": _iso(row.at)}, ensure_ascii=False)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
