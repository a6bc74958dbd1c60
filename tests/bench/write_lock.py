"""For how long one watch round and one maintenance run hold SQLite's only write lock beside 10,000 open requests.

They run in this process, stepped; the emulator lists all reports, and nothing about them has changed.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from bot.db import tables
from bot.db.database import Database
from bot.emulator import Emulator
from bot.queue import tasks
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.db.database import Transaction

REPORTS: Final = 100
REQUESTS: Final = 10_000
SLICE: Final = 0.020
"""Seconds that one transaction may hold the lock."""
FAR: Final = timedelta(days=7)


@dataclass
class Held:
    """For how long the lock was held: each transaction, in seconds."""

    name: str
    seconds: list[float]

    @property
    def met(self) -> bool:
        return max(self.seconds, default=0.0) <= SLICE

    def __str__(self) -> str:
        longest, total = max(self.seconds, default=0.0), sum(self.seconds)
        return f"{self.name:18} longest {longest * 1000:6.1f} ms, all {len(self.seconds)}: {total * 1000:6.1f} ms"


def lines() -> Iterator[Held]:
    """Measure a watch round and a maintenance run, each the second time, so that statements are compiled."""
    with tempfile.TemporaryDirectory() as folder, Emulator() as emulator:
        stepped = SteppedBot(emulator, Path(folder) / "data", migrated(Path(folder) / "empty.db"))
        key = _fill(stepped)
        watch = stepped.worker._tasks[tasks.WATCH]
        runs: dict[str, Callable[[], object]] = {
            "a watch round": partial(watch.run, key),
            "a maintenance run": stepped.sweep.once,
        }
        for name, run in runs.items():
            run()
            stepped.clock.turn(60)
            with _held() as seconds:
                run()
            yield Held(name, seconds)
        stepped.stop()


def _fill(stepped: SteppedBot) -> str:
    """Have so many requests wait for so many reports; return the key of their watch."""
    made = [stepped.setup.partner_report(f"Usage {number}", status="In progress") for number in range(REPORTS)]
    stepped.receive(stepped.setup.ada, f"report {made[0].id}")
    stepped.work()
    with stepped.database.begin() as tx:
        report = dict(tx.execute(tables.reports.select()).mappings().one())
        request = dict(tx.execute(tables.requests.select()).mappings().one())
        del request["id"]
        ids = [one.id for one in made]
        tx.execute(tables.reports.insert(), [report | {"report_id": one} for one in ids[1:]])
        tx.execute(
            tables.requests.insert(),
            [
                request
                | {
                    "reference": f"bench{number}",
                    "event_key": f"messages:bench{number}:{ids[number % REPORTS]}",
                    "report_id": ids[number % REPORTS],
                    "deadline_at": stepped.clock() + FAR,
                }
                for number in range(1, REQUESTS)
            ],
        )
    stepped.database.empty_log()  # else the next commit brings all of it into the file
    return f"{report['family']}:{report['region'] or ''}"


@contextmanager
def _held() -> Iterator[list[float]]:
    """Note for how long each transaction in the block that writes holds the lock."""
    begin, seconds = Database.begin, []

    @contextmanager
    def timed(self: Database, **how: bool) -> Iterator[Transaction]:
        began = 0.0
        with begin(self, **how) as tx:
            began = time.perf_counter()
            yield tx
        seconds.append(time.perf_counter() - began)

    with patch.object(Database, "begin", timed):
        yield seconds
