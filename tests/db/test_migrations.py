"""Any process may bring any database to what this version needs, at the same time as others."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text
from structlog.testing import capture_logs

from bot.db import api_tables, audit, migrations, old_tables, tables
from bot.db.database import Database
from bot.db.migrations import Migration
from bot.queue import statements as queue_tables
from tests.live_bot import LiveBot
from tests.queue.programs import process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database without tables."""
    return f"sqlite:///{tmp_path / 'bot.db'}" if LiveBot.databases is None else LiveBot.databases.empty()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    yield made
    made.close()


def names(database: Database) -> set[str]:
    with database.read() as tx:
        return set(inspect(tx.connection).get_table_names())


def migrate(url: str) -> None:
    """What a process does at its start."""
    database = Database(url)
    migrations.upgrade(database)
    database.close()


def test_an_empty_database_gets_everything_and_a_second_time_nothing_happens(database: Database) -> None:
    assert migrations.current(database) is None
    migrations.upgrade(database)
    assert {"events", "reports", "requests", "messages", "facts", "jobs"} <= names(database)
    assert migrations.current(database) == migrations.newest()

    with patch.object(migrations, "_upgrade") as upgraded:
        migrations.upgrade(database)
    upgraded.assert_not_called()


def test_what_is_migrated_equals_what_the_program_declares(database: Database) -> None:
    """Alembic, asked to write the next migration, finds nothing to write."""
    migrations.upgrade(database)
    declared = MetaData()
    for metadata in (tables.metadata, queue_tables.metadata):
        for table in metadata.tables.values():
            table.to_metadata(declared)
    assert api_tables.api_keys.metadata is tables.metadata
    with database.read() as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"compare_type": True, "compare_server_default": False}
        )
        assert compare_metadata(context, declared) == []


def test_ids_of_1_1_spaces_leave_the_audit_of_before(database: Database) -> None:
    """Such an id would lead from someone's later rows to those in which they were forgotten."""
    config = migrations._config()
    with database.begin() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "0003")
        for kind in ("direct", "group"):
            tx.execute(
                tables.events.insert().values(
                    resource="messages", event="created", data_id=kind, room_id=kind, room_type=kind, received_at=NOW
                )
            )
        said = {"key": "k", "room_id": "told", "direct": True, "state": "sent", "intended_at": NOW}
        tx.execute(old_tables.posts.insert().values(**said))
        for room in ("direct", "group", "told", "unknown", None):
            row = {"at": NOW, "channel": "chat", "act": "help", "outcome": "answered", "room_id": room}
            tx.execute(tables.audit.insert().values(**row))

    migrations.upgrade(database)

    with database.read() as tx:
        assert [row.room_id for row in audit.read(tx, limit=9)] == ["1:1", "group", "1:1", "unknown", None]


def test_two_processes_may_migrate_at_once(database: Database, url: str) -> None:
    with process(migrate, url) as one, process(migrate, url) as other:
        for running in (one, other):
            running.join(20)
            assert running.exitcode == 0
    assert migrations.current(database) == migrations.newest()


def test_many_threads_may_migrate_at_once(database: Database) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            migrations.upgrade(database)
        except BaseException as error:  # noqa: BLE001 told by the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert migrations.current(database) == migrations.newest()


@pytest.mark.sqlite("its file is copied")
def test_a_newer_database_is_left_alone(database: Database, tmp_path: Path, database_file: Path) -> None:
    """Two versions side by side in a deploy: the older one must not undo what the newer has done."""
    shutil.copy(database_file, tmp_path / "bot.db")
    with database.begin() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = 'of the future'"))
        tx.execute(text("ALTER TABLE requests ADD COLUMN hope TEXT"))

    migrations.upgrade(database)

    assert migrations.current(database) == "of the future"
    with database.read() as tx:
        assert "hope" in {column["name"] for column in inspect(tx.connection).get_columns("requests")}


@pytest.mark.sqlite("four of its files")
def test_a_migration_that_crashes_is_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    crashes = iter([KeyError("a bug"), None])

    def upgrade(_: Database) -> None:
        if (error := next(crashes)) is not None:
            raise error

    monkeypatch.setattr(migrations, "upgrade", upgrade)
    monkeypatch.setattr(migrations, "CRASHED", 0.01)
    with capture_logs() as lines:
        Migration(database).until_done(threading.Event())
    assert [line["event"] for line in lines] == ["migration_crashed"]


def test_threads_of_one_process_may_migrate_at_once(tmp_path: Path) -> None:
    """As the first request does beside the start; Alembic's context is shared by all of them."""
    databases = [Database(f"sqlite:///{tmp_path}/{number}.db") for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(migrations.upgrade, database) for database in databases * 2]
    assert [one.exception() for one in done] == [None] * 8
    assert [migrations.current(database) for database in databases] == [migrations.newest()] * 4
    for database in databases:
        database.close()
