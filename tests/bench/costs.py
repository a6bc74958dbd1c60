"""What a delivered report costs: transactions, statements and calls to Webex, counted in one process.

The program runs as in the dialogues (web and worker, put together as in production) and is warm: caches are full,
connections are open. Only what the report causes is counted, not what the program does beside it by the clock.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from sqlalchemy import Engine, event

from bot.db.database import Database
from bot.emulator import Emulator
from tests.live_bot import LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.db.database import Transaction
    from bot.emulator.things import Space

WARM_UP: Final = 2
REPORTS: Final = 5
"""Delivered one after the other and counted together."""
OF_REQUESTS: Final = ("queue", "process_request_thread")
"""Stand in the names of the threads that serve a request: the worker's, and the web server's."""
SECONDS_TO_END: Final = 10.0


@dataclass
class Costs:
    """What was counted."""

    writes: float = 0
    reads: float = 0
    statements: float = 0
    calls: float = 0

    def __str__(self) -> str:
        return (
            f"{self.writes:g} write and {self.reads:g} read transactions, {self.statements:g} statements, "
            f"{self.calls:g} calls to Webex"
        )

    def __le__(self, most: Costs) -> bool:
        """Return True when nothing is more than that."""
        return (
            self.writes <= most.writes
            and self.reads <= most.reads
            and self.statements <= most.statements
            and self.calls <= most.calls
        )


def of_a_report(*, in_group: bool) -> Costs:
    """Return what one report costs that is done when it is asked for, 1:1 or in a group space."""
    with tempfile.TemporaryDirectory() as folder, Emulator() as emulator:
        stage = LiveBot(emulator, Path(folder) / "data")
        with stage.program() as address:
            stage.register(address)
            space = stage.group if in_group else None
            for _ in range(WARM_UP):
                _deliver(stage, space)
            emulator.calls.clear()
            with _counted() as costs:
                for _ in range(REPORTS):
                    _deliver(stage, space)
            costs.calls = len(emulator.calls)
    return Costs(costs.writes / REPORTS, costs.reads / REPORTS, costs.statements / REPORTS, costs.calls / REPORTS)


def _deliver(stage: LiveBot, space: Space | None) -> None:
    """Ask for a report, and wait until its file is there and no job is left."""
    line = stage.at(stage.ada, space).says(f"report {stage.partner_report().id}")
    line.file()
    deadline = time.monotonic() + SECONDS_TO_END
    connection = sqlite3.connect(stage.folder / "reportbot.db")
    try:
        while connection.execute("SELECT count(*) FROM jobs").fetchone() != (0,):
            assert time.monotonic() < deadline, "jobs are left although the file is there"
            time.sleep(0.002)
    finally:
        connection.close()


@contextmanager
def _counted() -> Iterator[Costs]:
    """Count the transactions and statements of all requests in the block."""
    costs = Costs()
    begin, read = Database.begin, Database.read

    @contextmanager
    def counted_begin(self: Database, **how: bool) -> Iterator[Transaction]:
        costs.writes += _is_of_a_request()
        with begin(self, **how) as tx:
            yield tx

    @contextmanager
    def counted_read(self: Database, *, snapshot: bool = True) -> Iterator[Transaction]:
        costs.reads += _is_of_a_request()
        with read(self, snapshot=snapshot) as tx:
            yield tx

    def statement(*_: Any) -> None:
        costs.statements += _is_of_a_request()

    with patch.object(Database, "begin", counted_begin), patch.object(Database, "read", counted_read):
        event.listen(Engine, "before_cursor_execute", statement)
        try:
            yield costs
        finally:
            event.remove(Engine, "before_cursor_execute", statement)


def _is_of_a_request() -> bool:
    name = threading.current_thread().name
    return any(part in name for part in OF_REQUESTS)
