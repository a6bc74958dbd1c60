"""Two machines with a web process and a worker each on one PostgreSQL; one is killed, the other goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from bot.db.database import Database
from bot.queue import tasks
from bot.queue.shared_jobs import NAME_FILE
from bot.queue.statements import jobs
from tests.killed.program import WEB, Program
from tests.killed.test_killed import only_one_card_and_one_file, pieces
from tests.live_bot import CSV, LiveBot
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Start
    from tests.postgresql import Databases

QUICK = (
    "from bot.queue import shared_jobs; shared_jobs.BEAT_EVERY = 0.5; from bot.cli.main import main; main(['worker'])"
)
"""A worker that finds out in seconds instead of half a minute that another is dead."""
WORKER = (sys.executable, "-c", QUICK)
MACHINES = ("one", "two")

pytestmark = pytest.mark.threads_listed


@pytest.mark.parametrize("size", [len(CSV), 20_000_000], ids=["after it took effect", "before it took effect"])
def test_a_machine_is_killed_in_the_middle_of_an_upload(
    live: LiveBot, start: Start, postgresql: Databases, tmp_path: Path, size: int
) -> None:
    live.environ |= {"DATABASE_URL": postgresql.migrated(), "SECRET_KEY": "k" * 32}
    machines: list[tuple[Program, Program]] = []
    for name in MACHINES:
        live.environ["DATA_DIR"] = str(tmp_path / name)
        machines.append((start(WEB), start(WORKER, answers=False)))
    for _, worker in machines:
        until(lambda worker=worker: worker.lines("queue_worker_started"), "the worker")  # type: ignore[misc]
    live.register(machines[0][0].url)
    slow = live.emulator.faults.add(method="POST", path="/v1/messages", delay=0.4, skip=1, times=1)
    report = live.partner_report(content=lambda: pieces(size), size=size, checksum=None)
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    until(lambda: slow.hits, "the upload")

    killed = MACHINES.index(delivers(live, tmp_path))
    for program in machines[killed]:
        program.kill()

    live.emulator.world.webhooks.clear()
    live.register(machines[1 - killed][0].url)
    only_one_card_and_one_file(live, line, content=None)
    assert line.file().file.size == size
    for machine in machines:
        for program in machine:
            program.kill()
    postgresql.take_back()


def delivers(live: LiveBot, folder: Path) -> str:
    """Return the name of the machine whose worker has the delivery."""
    database = Database(live.environ["DATABASE_URL"])
    with database.read() as tx:
        worker = tx.execute(select(jobs.c.worker).where(jobs.c.task == tasks.DELIVER)).scalar_one()
    database.close()
    (found,) = (name for name in MACHINES if (folder / name / "worker-1" / NAME_FILE).read_text().startswith(worker))
    return found
