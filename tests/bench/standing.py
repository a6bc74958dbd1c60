"""A thousand subscriptions and a thousand schedules: what they cost idle, and all schedules due in the same minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, update

from bot.db import tables
from bot.db.database import Database
from bot.queue import open_queue
from bot.reports.schedules import put_schedules
from tests.bench.figures import Limits
from tests.bench.product import cpu_seconds
from tests.bench.turns import answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.product import Product
    from tests.bench.world import Owner, World

NUMBER: Final = 1000
"""Of each."""
SETTLED_SECONDS: Final = 25.0
"""Until the first looks at both lists, at POLL_INTERVAL 15, are over."""
IDLE_SECONDS: Final = 60.0
IDLE: Final = 0.01
"""Cores of web and worker together."""
OPENED_WITHIN: Final = 60.0
"""Seconds until the last of the runs that are due in the same minute is opened."""
PATIENCE_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.1
LIMITS: Final = Limits(p50=3000.0, p99=3000.0)
FIRST: Final = range(1, 6)
"""People who ask while the runs are opened."""
THEN: Final = range(6, 11)
"""People who ask while their reports are created."""


def idle(world: World, product: Product) -> dict[str, float]:
    """Return the cores that each process uses with all of them, while nothing happens."""
    with product.running():
        pass  # the database is made
    store(product, world.standing(), [datetime.now(UTC) + timedelta(days=1)] * NUMBER)
    with product.running(warm=True) as pids:
        time.sleep(SETTLED_SECONDS)
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(IDLE_SECONDS)
        return {name: (cpu_seconds(pid) - before[name]) / IDLE_SECONDS for name, pid in pids.items()}


@dataclass(frozen=True)
class Due:
    """What came of a thousand schedules that were due at once."""

    opened: float
    """Seconds until the last run was opened."""
    answers: list[float]
    """Seconds that first answers took meanwhile."""


def due_at_once(world: World, product: Product) -> Due:
    """Have every schedule due, and people ask meanwhile; what `idle` has stored is used."""
    database = Database(product.url)
    try:
        with product.running(warm=True):
            now = datetime.now(UTC)
            with database.begin() as tx:
                tx.execute(update(tables.schedules).values(next_at=now))
                put_schedules(tx, open_queue(database, product.folder))
            began = time.monotonic()
            waited = answers(world, product, FIRST)
            while _runs(database) < NUMBER and time.monotonic() < began + PATIENCE_SECONDS:
                time.sleep(LOOK_SECONDS)
            waited += answers(world, product, THEN)
            with database.read() as tx:
                last = tx.execute(select(func.max(tables.runs.c.asked_at, type_=tables.runs.c.asked_at.type))).scalar()
            assert last is not None
            return Due((last - now).total_seconds(), waited)
    finally:
        database.close()


def _runs(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(tables.runs)).scalar_one())


def store(product: Product, owner: Owner, next_at: Sequence[datetime]) -> None:
    """Store them all; each has words or a title of its own, and none of them is of what is ready.

    ``next_at``: when each schedule runs, in UTC; from then on it runs every day at the same time.
    """
    database = Database(product.url)
    shared = {
        "person_id": owner.person_id,
        "room_id": owner.room_id,
        "room_type": "group",
        "created_at": datetime.now(UTC),
    }
    subscriptions = [
        shared | {"reference": f"s{number:07}", "event_key": f"messages:s{number}", "words": f"usage number{number}"}
        for number in range(NUMBER)
    ]
    schedules = [
        shared
        | {
            "reference": f"p{number:07}",
            "event_key": f"messages:p{number}",
            "name": f"Usage {number}",
            "next_at": moment,
        }
        | {"family": owner.family, "template_id": str(owner.template_id), "title": "Usage", "period": "yesterday"}
        | {"rrule": "FREQ=DAILY", "dtstart": f"2026-01-01T{moment:%H:%M:%S}", "time_zone": "UTC"}
        for number, moment in enumerate(next_at)
    ]
    with database.begin() as tx:
        tx.execute(insert(tables.subscriptions), subscriptions)
        tx.execute(insert(tables.schedules), schedules)
    database.close()
