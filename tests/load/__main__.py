"""What the bot does under load: `make load`, or `python -m tests.load --quick`, which takes a quarter of an hour.

Ten thousand open requests on a hundred reports in a thousand spaces, and a thousand schedules, are rows that stand in
the database; then many people ask at once. The program runs as deployed, and Webex takes 150 to 400 ms for a call and
300 calls a minute of each token. A day is not waited for: it is the measured minutes times 1,440.
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
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import insert, select, text

from bot.db import tables
from bot.db.database import Database
from tests.bench import figures, standing
from tests.bench.figures import Spread
from tests.bench.product import Product, cpu_seconds, memory
from tests.bench.senders import closed_loop, request_bytes
from tests.bench.world import SENDERS, World
from tests.load.webex import Counted, play_at_pace
from tests.postgresql import DURABLE, MISSING, Databases, available, server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.world import Asked

REPORTS, SPACES, OPEN = 100, 1000, 10_000
WORKERS: Final = (1, 2, 4)
MEGA: Final = 1024 * 1024
DAY: Final = 24 * 60
"""Minutes."""
FAR: Final = timedelta(days=7)
SEND_SECONDS: Final = 60.0
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


FULL: Final = Size(settles=60.0, idle=180.0, burst=500, longest=900.0)
QUICK: Final = Size(settles=20.0, idle=30.0, burst=200, longest=200.0)


class Load:
    """One way to run the bot, under load."""

    def __init__(self, world: World, product: Product, size: Size) -> None:
        self._world = world
        self._product = product
        self._size = size

    def run(self) -> None:
        """Measure, and print."""
        with self._product.running():
            self._store()
        with self._product.running(warm=True) as pids:
            time.sleep(self._size.settles)
            self._world.call("counted")
            before, began = self._cpu(pids), time.monotonic()
            time.sleep(self._size.idle)
            minutes = (time.monotonic() - began) / 60
            counted: Counted = self._world.call("counted")
            used = (self._cpu(pids) - before) / minutes / 60
            _say(f"  {OPEN} open requests: {_calls(counted, minutes)}; {100 * used:.1f} % of a core")
            a_day = sum(counted.calls.values()) / minutes * DAY
            _say(f"  24 h of this: {a_day:,.0f} calls (the measured minutes times 1,440)")
            self._burst(pids)
            parts = ", ".join(f"{name} {memory(pid):.0f}" for name, pid in pids.items())
            _say(f"  memory {parts} MiB (PSS); database {self._database_size() / MEGA:.0f} MiB; {_load()}")

    def _burst(self, pids: dict[str, int]) -> None:
        asked = self._world.ask_once(SENDERS, self._size.burst // SENDERS)
        before, began, at = self._cpu(pids), time.monotonic(), time.time()
        acks = closed_loop(self._product.port, [[request_bytes(one) for one in row] for row in asked], SEND_SECONDS)
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

    def _store(self) -> None:
        """Have the rows of one request that waits, and of all the others like it; and the schedules."""
        reports, rooms, asked = self._world.call("crowd", REPORTS, SPACES)
        closed_loop(self._product.port, [[request_bytes(asked)]], SEND_SECONDS)
        self._world.card_at(asked.message_id)
        database = Database(self._product.url)
        with database.begin() as tx:
            report, request, card = (
                dict(tx.execute(select(table)).mappings().one())
                for table in (tables.reports, tables.requests, tables.messages)
            )
            first = request.pop("id")
            del card["id"]
            tx.execute(insert(tables.reports), [report | {"report_id": one} for one in reports[1:]])
            tx.execute(insert(tables.requests), list(_requests(request, reports, rooms)))
            ids = tx.execute(select(tables.requests.c.id).where(tables.requests.c.id != first)).scalars().all()
            cards = [
                card
                | {"state": "sent", "settled_at": card["intended_at"]}
                | {"request_id": one, "key": f"request:{one}:card:pending", "message_id": f"card-{one}"}
                for one in ids
            ]
            tx.execute(insert(tables.messages), cards)
        database.close()
        standing.store(self._product, self._world.standing(), datetime.now(UTC) + timedelta(days=1))

    def _database_size(self) -> int:
        if not self._product.database_url:
            return sum(one.stat().st_size for one in self._product.folder.glob("reportbot.db*"))
        database = Database(self._product.url)
        with database.read() as tx:
            size = int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        database.close()
        return size


def _requests(request: dict[str, Any], reports: Sequence[str], rooms: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number in range(1, OPEN):
        report = reports[number % len(reports)]
        yield request | {
            "reference": f"load{number}",
            "event_key": f"messages:load{number}:{report}",
            "report_id": report,
            "room_id": rooms[number % len(rooms)],
            "deadline_at": datetime.now(UTC) + FAR,
        }


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
    parser.add_argument("--quick", action="store_true", help="shorter, and a burst of 200")
    size = QUICK if parser.parse_args().quick else FULL
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for line in figures.machine():
        _say(line)
    with tempfile.TemporaryDirectory(prefix="reportbot-load-") as name:
        folder = Path(name)
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
    with World(play_at_pace) as world:
        product = Product(world.addresses, folder, databases, workers)
        product.release()
        Load(world, product, size).run()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
