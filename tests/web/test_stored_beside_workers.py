"""On PostgreSQL a webhook waits for no worker, nor two processes that get the same events for each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from bot.db import events
from bot.db.database import Database
from bot.db.events import Event
from bot.db.tables import events as table
from bot.queue.postgresql import PostgresqlQueue
from bot.queue.statements import jobs
from bot.web.webhook import event_recorder
from tests.stepped_bot import SetClock
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgresql import Databases

pytestmark = pytest.mark.sqlite("no test of this file has a bot: once is enough")

FIRST = Event("messages", "created", "a", "R", "direct", "P")
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def processes(postgresql: Databases) -> Iterator[list[Database]]:
    url = postgresql.migrated()
    found = [Database(url, lock_patience=0.5), Database(url, lock_patience=5.0)]
    yield found
    for one in found:
        one.close()
    postgresql.take_back()


def test_an_event_is_stored_while_a_worker_writes(processes: list[Database], tmp_path: Path) -> None:
    web, worker = processes
    record = event_recorder(PostgresqlQueue(web, tmp_path), SetClock())

    with worker.begin():
        record(FIRST)
        with web.read() as tx:
            assert tx.execute(select(table.c.data_id)).scalars().all() == ["a"]
            assert tx.execute(select(func.count()).select_from(jobs)).scalar_one() == 1


def test_two_processes_store_the_same_event_once(processes: list[Database], tmp_path: Path) -> None:
    one, other = processes
    record = event_recorder(PostgresqlQueue(other, tmp_path), SetClock())

    def is_waiting() -> bool:
        with one.read(snapshot=False) as tx:
            return bool(tx.execute(WAITING).scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with one.begin() as tx:
            assert events.record(tx, FIRST, SetClock()()) is not None
            theirs = pool.submit(record, FIRST)
            until(is_waiting, "the other process waits for that row")
        theirs.result(10)
    with one.read() as tx:
        assert tx.execute(select(func.count()).select_from(jobs)).scalar_one() == 0, "a job for an event of the other"
