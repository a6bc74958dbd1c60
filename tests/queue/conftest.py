"""The engines that the contract suite runs on: one more is one more branch here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.queue.sqlite import create_tables
from bot.store import Store
from tests.queue.support import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.queue import Queue


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """An empty queue of each kind."""
    made = Engine(request.param, f"sqlite:///{tmp_path / 'queue.db'}", tmp_path)
    store = Store(made.url)
    create_tables(store)
    store.close()
    return made


@pytest.fixture
def store_and_queue(engine: Engine) -> Iterator[tuple[Store, Queue]]:
    store, queue = engine.open()
    yield store, queue
    store.close()


@pytest.fixture
def store(store_and_queue: tuple[Store, Queue]) -> Store:
    return store_and_queue[0]


@pytest.fixture
def queue(store_and_queue: tuple[Store, Queue]) -> Queue:
    return store_and_queue[1]


@pytest.fixture
def put(store: Store, queue: Queue) -> Callable[..., None]:
    """Put the jobs of these keys, in one transaction."""

    def put(*keys: str, task: str = "task", **how: Any) -> None:
        with store.begin() as tx:
            for key in keys:
                queue.put(tx, task, key, **how)

    return put
