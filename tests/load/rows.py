"""The rows of ten thousand open requests on a hundred reports in a thousand spaces, and of a thousand schedules."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select

from bot.db import tables
from bot.db.database import Database
from bot.db.messages import SENT
from tests.bench import standing
from tests.bench.senders import closed_loop, request_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.product import Product
    from tests.bench.world import World
    from tests.load.webex import OpenRequests, Thread

REPORTS, SPACES, OPEN = 100, 1000, 10_000
FAR: Final = timedelta(days=7)
SEND_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.05


def store(world: World, product: Product, schedules_at: Sequence[datetime]) -> OpenRequests:
    """Start the program and have it make the rows of one request that waits; store all the others like it.

    Webex has its messages before, so that the program does not look for them.
    """
    open_requests: OpenRequests = world.call("open_requests", REPORTS, SPACES, OPEN)
    with product.running():
        closed_loop(product.port, [[request_bytes(open_requests.asked)]], SEND_SECONDS)
        world.card_at(open_requests.asked.message_id)
        database = Database(product.url)
        _wait_until_sent(database)
    with database.begin() as tx:
        report, request, card = (
            dict(tx.execute(select(table)).mappings().one())
            for table in (tables.reports, tables.requests, tables.messages)
        )
        first = request.pop("id")
        del card["id"]
        tx.execute(insert(tables.reports), [report | {"report_id": one} for one in open_requests.reports[1:]])
        tx.execute(insert(tables.requests), list(_requests(request, open_requests)))
        added = select(tables.requests.c.id, tables.requests.c.thread_id).where(tables.requests.c.id != first)
        thread_of = {one.asked: one for one in open_requests.threads}
        cards = [_card(card, one.id, thread_of[one.thread_id]) for one in tx.execute(added)]
        tx.execute(insert(tables.messages), cards)
    database.close()
    standing.store(product, world.standing(), schedules_at)
    return open_requests


def _wait_until_sent(database: Database) -> None:
    """Else ten thousand rows say that a card was about to be sent, and the program looks for each."""
    deadline = time.monotonic() + SEND_SECONDS
    while time.monotonic() < deadline:
        with database.read() as tx:
            if tx.execute(select(tables.messages.c.state)).scalar_one() == SENT:
                return
        time.sleep(LOOK_SECONDS)
    raise TimeoutError("the card's row does not say that it was sent")


def _requests(request: dict[str, Any], open_requests: OpenRequests) -> Iterator[dict[str, Any]]:
    for number, thread in enumerate(open_requests.threads, 1):
        report = open_requests.reports[
            (number + number // SPACES) % len(open_requests.reports)
        ]  # in a space each for another one
        yield request | {
            "reference": f"load{number}",
            "event_key": f"messages:{thread.asked}:{report}",
            "report_id": report,
            "room_id": thread.room,
            "room_type": "group",
            "thread_id": thread.asked,
            "deadline_at": datetime.now(UTC) + FAR,
        }


def _card(card: dict[str, Any], request_id: int, thread: Thread) -> dict[str, Any]:
    return card | {
        "request_id": request_id,
        "key": f"request:{request_id}:card:pending",
        "room_id": thread.room,
        "person_id": None,
        "parent_id": thread.asked,
        "direct": False,
        "message_id": thread.card,
    }
