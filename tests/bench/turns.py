"""`help` and a card while one person has all that they can get: 20 slow downloads, or a hundred messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.bench.figures import Limits
from tests.bench.senders import Connection, closed_loop, request_bytes
from tests.bench.world import SENDERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.bench.product import Product
    from tests.bench.world import Asked, World

FILES: Final = 20
MESSAGES: Final = 100
SLOW: Final = 60.0
"""Seconds until a slow download begins: longer than the line lasts."""
BETWEEN: Final = 0.15
"""Seconds between the messages of the others."""
SEND_SECONDS: Final = 30.0
LIMITS: Final = Limits(p50=3000.0, p99=3000.0)


def lines(world: World, product: Product, latency: float) -> Iterator[tuple[str, list[float]]]:
    """Give what each line is about, and the seconds from each message to its answer."""
    world.behave(latency=latency)
    with product.running():
        yield "with nothing beside", answers(world, product)
    with product.running():
        world.slow_downloads(SLOW)
        _send(product, [world.ask_for_files(FILES)])
        yield f"beside {FILES} slow downloads", answers(world, product)
    world.behave(latency=latency)
    with product.running():
        _send(product, world.flood(MESSAGES))
        yield f"beside {MESSAGES} messages of one person", answers(world, product)


def _send(product: Product, asked: list[Asked]) -> None:
    closed_loop(product.port, [[request_bytes(one) for one in asked]], SEND_SECONDS)


def answers(world: World, product: Product, people: Iterable[int] = range(1, SENDERS)) -> list[float]:
    """Have people ask their first questions, and give the seconds until each was answered."""
    connection = Connection(product.port)
    sent = {}
    for person in people:
        # Not all at once: what stands in Webex for seconds before its webhook is found without one.
        for one in world.first_questions(person):
            sent[one.message_id] = time.time()
            connection.post(request_bytes(one))
            time.sleep(BETWEEN)
    connection.close()
    return [world.card_at(message_id) - at for message_id, at in sent.items()]
