"""The engines that the contract suite runs on: one more is one more branch here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.queue.support import Engine, sqlite_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.db.database import Database
    from bot.queue import Queue


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return an empty queue of each kind."""
    if request.param == "sqlite":
        yield sqlite_engine(tmp_path)
        return
    databases = request.getfixturevalue("postgresql")
    yield Engine(request.param, databases.migrated(), tmp_path)
    databases.take_back()


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
