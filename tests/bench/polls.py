"""Programs that wait for the end of a delivery, over and over, and a receiver of events that never answers."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bot.db import api_keys
from bot.db.api_keys import Right
from bot.db.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.product import Product
    from tests.bench.world import World

POLLS: Final = 50
BETWEEN: Final = 0.6
"""Seconds from an answer to the next call: a key may make 120 calls a minute."""
TIME_OUT: Final = 40.0
EVENTS: Final = ("delivery.delivered", "delivery.failed")
ACCEPTED, CREATED = 202, 201


@contextmanager
def polling(world: World, product: Product) -> Iterator[None]:
    """Have so many programs wait for one delivery that does not end, each with a key of its own."""
    database = Database(f"sqlite:///{product.folder / 'reportbot.db'}")
    with database.begin() as tx:
        keys = [
            api_keys.create(tx, f"key {number}", None, tuple(Right), created_by="bench", now=datetime.now(UTC))
            for number in range(POLLS)
        ]
    database.close()
    owner = world.standing()
    receiver = socket.create_server(("127.0.0.1", 0), backlog=POLLS)  # nobody accepts, so what connects waits
    url = f"http://127.0.0.1:{receiver.getsockname()[1]}/hook"
    _call(product.port, keys[0], "POST /webhooks", {"url": url, "events": EVENTS}, status=CREATED)
    order = {"reportId": world.pending(), "spaceId": owner.room_id}
    made = [_call(product.port, key, "POST /deliveries", order, status=ACCEPTED)["id"] for key in keys]
    ready = {"reportId": world.addresses.small, "spaceId": owner.room_id}
    _call(product.port, keys[0], "POST /deliveries", ready, status=ACCEPTED)  # there is something to tell the receiver
    process = multiprocessing.get_context("spawn").Process(
        target=_poll, args=(product.port, list(zip(keys, made, strict=True))), daemon=True
    )
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()
        receiver.close()


def _call(port: int, key: str, call: str, body: Any = None, *, status: int = 200) -> Any:
    method, _, path = call.partition(" ")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIME_OUT)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status != status:
            raise RuntimeError(f"{method} {path}: {answer.status} {found}")
        return found
    finally:
        connection.close()


def _poll(port: int, waiting: Sequence[tuple[str, str]]) -> None:
    """The process: poll for each until it is killed."""
    threads = [threading.Thread(target=_poll_one, args=(port, *one), daemon=True) for one in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _poll_one(port: int, key: str, delivery_id: str) -> None:
    while True:
        _call(port, key, f"GET /deliveries/{delivery_id}?wait=30")
        time.sleep(BETWEEN)
