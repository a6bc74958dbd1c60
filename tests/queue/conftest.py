"""The engines that the contract suite runs on: one more is one more branch here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.database import Database
from bot.queue.job_table import create_tables
from tests.queue.support import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.queue import Queue


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """Return an empty queue of each kind."""
    made = Engine(request.param, f"sqlite:///{tmp_path / 'queue.db'}", tmp_path)
    database = Database(made.url)
    create_tables(database)
    database.close()
    return made


@pytest.fixture
def store_and_queue(engine: Engine) -> Iterator[tuple[Database, Queue]]:
    database, queue = engine.open()
    yield database, queue
    database.close()


@pytest.fixture
def database(store_and_queue: tuple[Database, Queue]) -> Database:
    return store_and_queue[0]


@pytest.fixture
def queue(store_and_queue: tuple[Database, Queue]) -> Queue:
    return store_and_queue[1]


@pytest.fixture
def put(database: Database, queue: Queue) -> Callable[..., None]:
    """Put the jobs of these keys, in one transaction."""

    def put(*keys: str, task: str = "task", **how: Any) -> None:
        with database.begin() as tx:
            for key in keys:
                queue.put(tx, task, key, **how)

    return put
