"""The worker killed again and again while schedules are due: each run is made once, and its file comes once."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from bot.db import schedules, tables
from bot.db.database import Database
from bot.emulator.things import Template
from bot.queue import open_queue
from bot.reports.schedules import put_schedules
from tests.killed.program import parents
from tests.origin_rows import add_schedule
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from bot.emulator.things import Message
    from tests.conftest import Start
    from tests.live_bot import LiveBot

pytestmark = pytest.mark.threads_listed

NUMBER = 12
DELAYS = (0.03, 0.1, 0.3)
"""Seconds from the start of a worker to its kill: while runs are opened, reports created, files posted."""


def gone(pid: int) -> bool:
    return pid not in parents()


def test_runs_that_are_due_while_the_worker_is_killed_are_made_once(
    live: LiveBot, start: Start, database_file: Path
) -> None:
    live.has_database(database_file)
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    database = Database(live.settings().database_url.get_secret_value())
    now = datetime.now(UTC)
    for number in range(NUMBER):
        period = f"2026-05-{number + 1:02} to 2026-05-{number + 1:02}"
        found = add_schedule(database, live.ada, live.group, now, period=period)
        with database.begin() as tx:  # most at once, the others while it is killed
            schedules.set_values(tx, found.id, next_at=now + timedelta(seconds=number))
    with database.begin() as tx:
        put_schedules(tx, open_queue(database, live.settings().data_dir))
    program = start()
    live.register(program.url)

    for delay in DELAYS:
        worker = program.worker()
        time.sleep(delay)
        os.kill(worker, signal.SIGKILL)
        until(partial(gone, worker), "the end of the worker")

    def files() -> list[Message]:
        return [one for one in live.emulator.world.messages(live.group) if one.files]

    def come(number: int) -> bool:
        for report in list(live.emulator.world.reports.values()):
            live.emulator.world.set_report(report.id, status="done")
        return len(files()) >= number

    for wanted in range(1, NUMBER + 1):  # each within the patience of one
        until(partial(come, wanted), f"{wanted} files")
    live.at(live.grace).says("help").card()  # answered afterwards: by then one too many would have come
    assert len(files()) == NUMBER
    assert [one.parent_id for one in files()] == [None] * NUMBER
    periods = [one.start for one in live.emulator.world.reports.values()]
    assert sorted(periods) == [f"2026-05-{number + 1:02}" for number in range(NUMBER)]
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(tables.runs)).scalar() == NUMBER
    database.close()
