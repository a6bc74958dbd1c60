"""``reportbot why <id or reference>``: show what happened to a request.

It reads the database, so it works while Webex or the bot is down; only the names of people and spaces are asked of
Webex. It shows no link to a file.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bot import app
from bot.cli.database import migrated
from bot.cli.names import NameLookup
from bot.cli.terminal import LONGEST_LINE, plain
from bot.db import api_keys, audit, origins, past_runs, reports, request_search
from bot.db.audit import Row
from bot.db.requests import Content
from bot.errors import BotError
from bot.messages.audit_list import AuditView
from bot.messages.history import kept_for, notes, steps
from bot.messages.names import Names
from bot.messages.origins import plainly
from bot.messages.run_history import in_words as in_line
from bot.reports.history import load
from bot.text import one_line, when
from bot.webex.report_families import Family
from bot.webex.types import DIRECT, GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.past_runs import PastRun
    from bot.db.requests import Request
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.messages.history import HistoryFacts
    from bot.settings import StorageSettings

    Say = Callable[[str], None]

MOST_TOLD: Final = 10
"""Requests shown for one report, the newest first."""

TIME_WIDTH: Final = len("Nov 29, 23:42 UTC")


class NothingKnownError(BotError):
    """No request for a report with this ID was found, nor one with this reference."""


def tell(settings: StorageSettings, wanted: str, say: Say, *, as_json: bool) -> int:
    """Print the newest requests first; return 0. Raises ``NothingKnownError`` and ``DatabaseUnavailable``."""
    now = app.now()
    with migrated(settings) as database:
        with database.read() as tx:
            if (owned := origins.with_reference(tx, wanted.strip())) is not None:
                for line in history(tx, owned, as_json=as_json):
                    say(line)
                return 0
            found = _find(tx, wanted.strip())
            told = [(one, load(tx, one, now, settings.poll_interval)) for one in found]
            other = [] if told else _refused(tx, wanted.strip())
            titles = reports.titles(tx, {row.report_id for row in other if row.report_id}, tuple(Family))
            made_for = origins.of_references(tx, {row.reference for row in other if row.reference})
            rows: list[Request | Row] = [*found, *other]
            keys = api_keys.names(tx, map(_asker_of, rows))
        names = Names(keys=keys, by_id=True) if as_json else NameLookup(database).of(_people(rows, told), _rooms(rows))
    if not told and not other:
        raise NothingKnownError(f"{NothingKnownError().sentence}{kept_for(settings.audit_days)}")
    for row in other:
        say(_row_in_json(row) if as_json else plain(AuditView(names, titles, origins=made_for).line(row)))
    for one, read in told:
        facts = replace(read, names=names)
        for line in [in_json(one, facts, now)] if as_json else in_words(one, facts, now):
            say(line)
    return 0


def history(tx: Transaction, owned: Schedule | Subscription, *, as_json: bool) -> Iterator[str]:
    """Yield what a subscription or schedule has done, a line for each time, the newest first."""
    past, zone = past_runs.latest(tx, owned.origin, MOST_TOLD), past_runs.zone_of(tx, owned)
    if not as_json:
        yield f"History of {plainly(owned)}: {owned.state.value}. Times are in {zone.key}."
    for one in past:
        yield _past_in_json(one) if as_json else f"  {plain(in_line(one, zone))}"


def _past_in_json(one: PastRun) -> str:
    values = {
        "reference": one.reference,
        "state": one.state.value,
        "reason": one.reason or None,
        "why": one.run.why.value if one.run is not None and one.run.why is not None else None,
        "retry_of": one.repeats or None,
        "planned_at": _iso(one.run.planned_at) if one.run is not None else None,
        "asked_at": _iso(one.asked_at),
        "closed_at": _iso(one.closed_at),
    }
    return json.dumps(values, ensure_ascii=False)


def _find(tx: Transaction, wanted: str) -> list[Request]:
    return request_search.about(tx, wanted)[:MOST_TOLD]


def _refused(tx: Transaction, wanted: str) -> list[Row]:
    """Return audit rows without a request, oldest first: by reference, or about a report."""
    found = audit.with_reference(tx, wanted.lower())
    return found or audit.latest(tx, MOST_TOLD, report_id=wanted)[::-1]


def _people(rows: Sequence[Request | Row], told: Sequence[tuple[Request, HistoryFacts]]) -> list[str | None]:
    return [_asker_of(row) for row in rows] + [facts.row.deleted_by for _, facts in told if facts.row is not None]


def _asker_of(row: Request | Row) -> str | None:
    return row.person_id if isinstance(row, Row) else row.asker_id


def _rooms(rows: Sequence[Request | Row]) -> list[str | None]:
    """Return the group spaces of requests and audit rows; the audit holds no other's ID."""
    return [row.room_id for row in rows if getattr(row, "room_type", GROUP) != DIRECT]


def in_words(one: Request, facts: HistoryFacts, now: datetime) -> list[str]:
    """Return the lines for a terminal: the reference and the report, then one a step, with its time in a column."""
    title = one_line(facts.row.title or "") if facts.row is not None else ""
    lines = [("", f"Request {one.reference} for “{title}”" if title else f"Request {one.reference}")]
    lines += [(when(step.at) if step.at else "", plain(step.what)) for step in steps(one, facts)]
    lines += [("", one_line(note, LONGEST_LINE)) for note in notes(one, now, facts)]
    if facts.link:
        lines.append(("", f"Open message: {facts.link}"))
    lines.append(("", f"In the log: {one.trace_id}"))
    (_, head), *rest = lines
    return [head, *(f"  {at:{TIME_WIDTH}}  {what[:1].upper()}{what[1:]}" for at, what in rest)]


def in_json(one: Request, facts: HistoryFacts, now: datetime) -> str:
    """Return one JSON object: times are ISO 8601 in UTC, ``file_size`` is in bytes, null is what is not known.

    Of a request for a card alone, what is known of the report's file is null, too: another request had it.
    """
    row = facts.row
    report = {name: getattr(row, name) if row is not None else None for name in ("family", "region", "status")}
    posted = row if one.content is not Content.CARD else None
    file = {name: getattr(posted, name, None) for name in ("file_size", "file_sha256", "file_kind")}
    values: dict[str, Any] = {
        "reference": one.reference,
        "trace_id": one.trace_id,
        "report_id": one.report_id,
        **report,
        "phase": row.phase.value if row is not None else None,
        "state": one.state.value,
        "person_id": one.person_id,
        "room_id": audit.place(one.room_id, one.room_type),
        "destination": one.destination,
        "made_for": facts.origin.reference if facts.origin is not None else None,
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
        "history": [
            *(plain(f"{step.what}, {when(step.at)}" if step.at else step.what) for step in steps(one, facts)),
            *notes(one, now, facts),
        ],
    }
    return json.dumps(values, ensure_ascii=False)


def _row_in_json(row: Row) -> str:
    values = {"reference": row.reference, "act": row.act, "outcome": row.outcome, "report_id": row.report_id}
    return json.dumps(values | {"at": _iso(row.at)}, ensure_ascii=False)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
