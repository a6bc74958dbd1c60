"""What is old goes from every table, but from those that are named here with the reason; the documents say the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Boolean, Float, Table, Text, func, select

from bot.db import api_tables, old_tables, tables
from bot.db.database import Database
from bot.db.retention import Retention
from bot.db.utc_datetime import UtcDateTime
from bot.queue import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

assert api_tables.hooks.metadata is old_tables.posts.metadata is tables.metadata
TABLES = {**tables.metadata.tables, **statements.metadata.tables}
DAYS = 365
NOW = datetime(2026, 11, 29, tzinfo=UTC)
STATES = {
    "events": "done",
    "requests": "delivered",
    "runs": "done",
    "subscriptions": "ended",
    "schedules": "ended",
    "outbound_events": "delivered",
    "messages": "sent",
}
"""The state of what has ended."""
STAYS = {
    "alerts": "a problem that isn't over",
    "deliveries": "of version 0.1.0: the first start of this version's worker empties it",
    "facts": "one value for each of a few names",
    "jobs": "what is still to be done; its end deletes it",
    "workers": "those that work; the end of one deletes its row, or another one does",
    "posts": "as deliveries",
    "ready_reports": "no person's; counted to the last look at the list, see ``test_retention.py``",
    "space_settings": "what holds in a space until it is changed",
}
SHORT_LIVED = {"api_answers", "api_questions", "hook_calls", "outbound_events"}
"""Tables whose rows nothing needs for longer than some days, whatever the setting."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    made = Database(migrated_url)
    yield made
    made.close()


def row(table: Table, at: datetime) -> dict[str, Any]:
    """Return a row of that time, in which everything has a value and what can end has ended."""

    def value(column: Any) -> Any:
        if isinstance(column.type, UtcDateTime):
            return at
        if column.name == "state":
            return STATES.get(table.name, "x")
        if isinstance(column.type, Boolean):
            return False
        if isinstance(column.type, Float):
            return at.timestamp()
        return "x" if isinstance(column.type, Text) else 1

    of_key_1 = {"person_id": "key:1"} if table.name in {"audit", "schedules", "subscriptions"} else {}
    return {column.key: value(column) for column in table.columns if not column.foreign_keys} | of_key_1


def fill(database: Database, at: datetime) -> None:
    with database.begin() as tx:
        for table in TABLES.values():
            tx.execute(table.insert().values(row(table, at)))


def left(database: Database) -> set[str]:
    with database.read() as tx:
        counted = {name: tx.execute(select(func.count()).select_from(table)) for name, table in TABLES.items()}
    return {name for name, rows in counted.items() if rows.scalar_one()}


def test_after_the_days_only_what_has_a_reason_is_left(database: Database) -> None:
    """A new table needs a rule in ``bot/db/retention.py``, or a reason here and in the document."""
    fill(database, NOW - timedelta(days=DAYS + 1))
    assert left(database) == set(TABLES)
    Retention(database, DAYS, lambda: NOW).prune()
    assert left(database) == set(STAYS)


@pytest.mark.parametrize(("days", "age"), [(DAYS, DAYS - 1), (DAYS, 31), (0, 36500)])
def test_before_that_only_what_nothing_needs_any_more_goes(database: Database, days: int, age: int) -> None:
    fill(database, NOW - timedelta(days=age))
    Retention(database, days, lambda: NOW).prune()
    assert left(database) == set(TABLES) - SHORT_LIVED


def test_a_setting_of_few_days_holds_for_outbound_events_too(database: Database) -> None:
    fill(database, NOW - timedelta(days=8))
    Retention(database, 7, lambda: NOW).prune()
    assert left(database) == set(STAYS)


@pytest.mark.parametrize("user", ["audit", "hooks", "requests", "runs", "schedules", "subscriptions", "webhooks"])
def test_a_revoked_key_stays_while_something_names_it(database: Database, user: str) -> None:
    """Its name is shown in the place of a person's, also in rows of the audit that are younger."""
    with database.begin() as tx:
        old, young = NOW - timedelta(days=DAYS + 1), NOW - timedelta(days=1)
        tx.execute(TABLES["api_keys"].insert().values(row(TABLES["api_keys"], old)))
        if user in {"hooks", "webhooks"}:  # they go with their key, but not before what they did
            what = TABLES["hook_calls" if user == "hooks" else "outbound_events"]
            tx.execute(what.insert().values(row(what, young)))
        tx.execute(TABLES[user].insert().values(row(TABLES[user], young)))
    Retention(database, DAYS, lambda: NOW).prune()
    assert {"api_keys", user} <= left(database)


def test_a_key_that_is_not_revoked_stays_with_what_it_has_made(database: Database) -> None:
    alive = {"api_keys", "hooks", "webhooks"}
    with database.begin() as tx:
        for name in alive:
            values = row(TABLES[name], NOW - timedelta(days=3000))
            values.pop("revoked_at", None)
            tx.execute(TABLES[name].insert().values(values))
    Retention(database, DAYS, lambda: NOW).prune()
    assert left(database) == alive


def test_the_document_names_every_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").partition("## How long data is kept")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|") and "`" in line]
    assert sorted(name for line in rows for name in re.findall(r"`([a-z_]+)`", line.split("|")[2])) == sorted(TABLES)
