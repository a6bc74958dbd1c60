"""What the bot does under load: `make load`, or `python -m tests.load --quick`, which takes a quarter of an hour.

Ten thousand open requests on a hundred reports in a thousand spaces, and a thousand schedules, are rows that stand in
the database; then many people ask at once. The program runs as deployed, and Webex takes 150 to 400 ms for a call and
300 calls a minute of each token. A day is lived on SQLite, by a clock that leaps; `--day` alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text

from bot.db.database import Database
from tests.bench import figures, standing
from tests.bench.figures import Spread
from tests.bench.product import Product, cpu_seconds, memory
from tests.bench.senders import closed_loop, request_bytes
from tests.bench.world import SENDERS, World
from tests.load import rows
from tests.load.day import CLOCK, Day, serve_fast
from tests.load.day_bot import LeapingClock
from tests.load.webex import Counted, serve_at_pace
from tests.postgresql import DURABLE, MISSING, Databases, available, server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.world import Asked

WORKERS: Final = (1, 2, 4)
MEGA: Final = 1024 * 1024
PATIENCE: Final = 60.0
LOOK: Final = 0.2


@dataclass(frozen=True)
class Size:
    """How long and how much."""

    settles: float
    idle: float
    burst: int
    longest: float
    """Seconds to wait for the cards of the burst."""


FULL: Final = Size(settles=30.0, idle=90.0, burst=500, longest=900.0)
QUICK: Final = Size(settles=20.0, idle=30.0, burst=200, longest=200.0)


class Load:
    """One way to run the bot, under load."""

    def __init__(self, world: World, product: Product, size: Size) -> None:
        self._world = world
        self._product = product
        self._size = size

    def run(self) -> None:
        """Measure, and print."""
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        rows.store(self._world, self._product, [tomorrow] * standing.NUMBER)
        with self._product.running(warm=True) as pids:
            time.sleep(self._size.settles)
            self._world.call("counted")
            before, began = self._cpu(pids), time.monotonic()
            time.sleep(self._size.idle)
            minutes = (time.monotonic() - began) / 60
            counted: Counted = self._world.call("counted")
            used = (self._cpu(pids) - before) / minutes / 60
            _say(f"  {rows.OPEN} open requests: {_calls(counted, minutes)}; {100 * used:.1f} % of a core")
            self._burst(pids)
            parts = ", ".join(f"{name} {memory(pid):.0f}" for name, pid in pids.items())
            _say(f"  memory {parts} MiB (PSS); database {_database_size(self._product):.0f} MiB; {_load()}")

    def _burst(self, pids: dict[str, int]) -> None:
        asked = self._world.ask_once(SENDERS, self._size.burst // SENDERS)
        before, began, at = self._cpu(pids), time.monotonic(), time.time()
        requests = [[request_bytes(one) for one in row] for row in asked]
        acks = closed_loop(self._product.port, requests, rows.SEND_SECONDS)
        cards = self._cards(asked, began + self._size.longest)
        minutes = (time.monotonic() - began) / 60
        counted: Counted = self._world.call("counted")
        spent = (self._cpu(pids) - before) / max(1, len(cards)) * 1000
        _say(f"  burst of {self._size.burst}: acks {Spread.of(acks.seconds)}, {acks.failures} not 200")
        seconds = sorted(one - at for one in cards)
        _say(
            f"    {len(cards)} cards within {minutes * 60:.0f} s: half within {seconds[len(seconds) // 2]:.0f} s, "
            f"the last after {seconds[-1]:.0f} s; {spent:.0f} ms of processor time each, files included"
        )
        _say(f"    {_calls(counted, minutes)}")

    def _cards(self, asked: Sequence[Sequence[Asked]], deadline: float) -> list[float]:
        """Return when each card came, of those that come in time."""
        waiting = [one.message_id for row in asked for one in row]
        found: list[float] = []
        while waiting and time.monotonic() < deadline:
            time.sleep(LOOK)
            there = {one: at for one in waiting if (at := self._world.card_if_there(one)) is not None}
            found += there.values()
            waiting = [one for one in waiting if one not in there]
        return found

    @staticmethod
    def _cpu(pids: dict[str, int]) -> float:
        return sum(cpu_seconds(pid) for pid in pids.values())


def _database_size(product: Product) -> float:
    """Return it in MiB."""
    if not product.database_url:
        return sum(one.stat().st_size for one in product.folder.glob("reportbot.db*")) / MEGA
    database = Database(product.url)
    with database.read() as tx:
        size = int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    database.close()
    return size / MEGA


def _calls(counted: Counted, minutes: float) -> str:
    said = []
    for whose in ("bot", "admin"):
        number, refused, busiest = counted.calls[whose], counted.refused[whose], counted.busiest.get(whose, 0)
        said.append(f"{whose} {number / minutes:.0f} calls a minute (most {busiest}, {refused} × 429)")
    return ", ".join(said)


def _load() -> str:
    return f"load average {os.getloadavg()[0]:.1f}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure everything, print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, a burst of 200, and no day")
    parser.add_argument("--day", action="store_true", help="the day alone")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for line in figures.machine():
        _say(line)
    with tempfile.TemporaryDirectory(prefix="reportbot-load-") as name:
        folder = Path(name)
        if not asked.quick:
            _say(f"\nA DAY, SQLite; {_load()}")
            _day(folder / "day")
        if asked.day:
            return
        _say(f"\nSQLITE, 1 worker; {_load()}")
        _one(folder / "sqlite", None, 1, size)
        if not available():
            _say(MISSING)
            return
        with server(**DURABLE) as running:
            databases = Databases(running.url, "load")
            for workers in WORKERS:
                _say(f"\nPOSTGRESQL, {workers} worker{'s' if workers > 1 else ''}; {_load()}")
                _one(folder / f"postgresql-{workers}", databases, workers, size)
            databases.close()


def _one(folder: Path, databases: Databases | None, workers: int, size: Size) -> None:
    """Each has a Webex of its own: what one run used of a minute does not count in the next."""
    with World(serve_at_pace) as world:
        product = Product(world.addresses, folder, databases, workers)
        product.release()
        Load(world, product, size).run()


def _day(folder: Path) -> None:
    folder.mkdir()
    os.environ[CLOCK] = str(LeapingClock.make(folder / "clock"))
    with World(serve_fast) as world:
        product = Product(world.addresses, folder)
        product.release()
        Day(world, product, _say).run(lambda: _database_size(product))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
