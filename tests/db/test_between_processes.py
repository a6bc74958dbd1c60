"""What a PostgreSQL that several processes share decides between them, and what it takes for a text."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from bot.access.token_store import DatabaseTokenStore
from bot.db import key_values
from bot.db.database import Database
from bot.db.leader import Leader
from bot.db.migrations import upgrade
from bot.errors import DatabaseUnavailable
from bot.webex.tokens import TokenState
from tests.queue.programs import process
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgresql import Databases

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(postgresql: Databases) -> Iterator[str]:
    yield postgresql.migrated()
    postgresql.take_back()


@pytest.fixture
def pair(url: str) -> Iterator[tuple[Database, Database]]:
    """The database as two processes have it."""
    both = Database(url), Database(url)
    yield both
    for one in both:
        one.close()


def lead(url: str, notes: Path) -> None:
    """Lead until killed."""
    leader = Leader(Database(url), "alerts")
    assert leader.leads()
    notes.write_text("leads")
    signal.pause()


def test_one_leads_and_the_lead_passes_on_at_its_end(pair: tuple[Database, Database]) -> None:
    one, other = (Leader(database, "alerts") for database in pair)
    beside = Leader(pair[1], "maintenance")
    assert [one.leads(), other.leads(), beside.leads(), one.leads()] == [True, False, True, True]
    one.close()
    until(other.leads, "the lead")  # the server ends a connection that was closed a moment later
    assert not one.leads()
    other.close()
    beside.close()


def test_the_lead_of_a_killed_process_passes_on(url: str, pair: tuple[Database, Database], tmp_path: Path) -> None:
    leader = Leader(pair[0], "alerts")
    with process(lead, url, tmp_path / "notes") as first:
        until((tmp_path / "notes").exists, "the lead of the other process")
        assert not leader.leads()
        os.kill(first.pid or 0, signal.SIGKILL)
        until(leader.leads, "the lead")
    leader.close()


def test_whose_connection_breaks_leads_no_more_and_may_lead_again(url: str, pair: tuple[Database, Database]) -> None:
    one, other = (Leader(database, "alerts") for database in pair)
    assert one.leads()
    ends_connections(url)
    assert not one.leads()
    assert other.leads()
    assert not one.leads()
    other.close()
    until(one.leads, "the lead again")
    one.close()


def test_of_two_processes_one_renews_the_admin_token(pair: tuple[Database, Database], tmp_path: Path) -> None:
    """The second waits for the first, whatever folder it has, and finds what that kept."""
    stores = []
    for number, database in enumerate(pair):
        folder = tmp_path / str(number)
        folder.mkdir()
        stores.append(DatabaseTokenStore(database, folder, lambda **_: [b"k" * 32], lambda *_: None))
    renewed: list[int] = []
    meet = threading.Barrier(2)

    def renew(number: int) -> str:
        meet.wait(10)
        with stores[number].lock():
            state = stores[number].load()
            if state is None:
                renewed.append(number)
                state = TokenState("new", "refresh", 10.0, 5.0, "")
                stores[number].save(state)
        return state.access_token

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(renew, range(2))) == ["new", "new"]
    assert len(renewed) == 1


def test_a_lock_that_broke_is_told_as_an_absent_database(url: str, pair: tuple[Database, Database]) -> None:
    with pair[0].locked("something"):
        ends_connections(url)
    with pair[0].locked("something"), pytest.raises(DatabaseUnavailable), pair[1].begin() as tx:
        tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_a_null_character_is_written_as_a_replacement_character(pair: tuple[Database, Database]) -> None:
    """SQLite has a text with one as it is; here it would be an error, in whatever a person or a program sends."""
    with pair[0].begin() as tx:
        key_values.set(tx, "na\0me", "val\0ue", NOW)
    with pair[1].read() as tx:
        assert key_values.get(tx, "na\0me") == "val\ufffdue"
        assert tx.execute(text("SELECT name FROM facts WHERE name = :name"), {"name": "na\0me"}).scalars().all() == [
            "na\ufffdme"
        ]


def test_texts_of_a_database_without_an_encoding_are_read_as_they_were_written(postgresql: Databases) -> None:
    """As ``initdb`` makes one where no locale is set, such as in a container."""
    database = Database(postgresql.empty("SQL_ASCII"))
    upgrade(database)
    with database.begin() as tx:
        key_values.set(tx, "key", "Köln’s", NOW)
    with database.read() as tx:
        assert key_values.get(tx, "key") == "Köln’s"
    database.close()
    postgresql.take_back()


def ends_connections(url: str) -> None:
    """End every connection to the database, as a restart of the server does."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()


def test_a_lock_of_a_server_that_is_away_says_that_the_database_is() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable), database.locked("refresh"):
        raise AssertionError("it was locked")
