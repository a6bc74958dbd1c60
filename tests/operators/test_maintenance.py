"""Maintenance: whatever is due and has no job gets one, and nothing else changes."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bot.db import key_values
from bot.db.requests import State
from bot.files.fetch import held_name
from bot.files.storage import TempDir
from bot.ops.maintenance import OLD_FILE
from bot.queue import tasks
from tests.live_bot import CSV, PATIENCE

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

TASKS = (tasks.EVENT, tasks.LOOKUP, tasks.WATCH, tasks.DELIVER)


@pytest.mark.parametrize("task", TASKS)
def test_a_job_that_was_lost_at_any_step_is_put_again(stepped: SteppedBot, task: str) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    if task in {tasks.WATCH, tasks.DELIVER}:
        stepped.work()
        stepped.world.set_report(report.id, status="done")
        stepped.clock.turn(10)
    stepped.work(until=task)
    with stepped.database.begin() as tx:
        tx.connection.exec_driver_sql("DELETE FROM jobs")
    stepped.clock.turn(61)

    stepped.sweep.once()
    stepped.world.set_report(report.id, status="done")
    stepped.work()
    stepped.wait(10)

    assert [one.files[0].path.read_bytes() for one in stepped.said() if one.files] == [CSV]
    assert len([one for one in stepped.said() if one.card]) == 1


def test_a_fresh_event_is_left_to_its_own_job(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "help")
    with stepped.database.begin() as tx:
        tx.connection.exec_driver_sql("DELETE FROM jobs")
    stepped.sweep.once()
    assert stepped.work() == []


def test_a_job_that_waits_for_its_time_is_not_brought_forward(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    before = stepped.next_wait()

    stepped.sweep.once()

    assert stepped.next_wait() == before
    assert stepped.request().state is State.OPEN


def test_what_has_ended_is_left_alone(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    stepped.clock.turn(3600)
    stepped.sweep.once()
    assert stepped.work() == []


def test_a_file_goes_when_nobody_waits_for_its_report_and_stays_as_long_as_somebody_does(stepped: SteppedBot) -> None:
    """Whatever the clock says: it may have jumped."""
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    needed = stepped.folder / held_name("partner", report.id)
    needless = stepped.folder / held_name("partner", "another")
    long_ago = time.time() - 10 * OLD_FILE
    for path in (needed, needless):
        path.write_bytes(CSV)
    os.utime(needed, (long_ago, long_ago))

    stepped.sweep.once()

    assert list(stepped.folder.glob("[0-9a-f]*")) == [needed]


def test_what_another_version_left_goes_when_it_is_old(stepped: SteppedBot) -> None:
    for age in (-60.0, 60.0):
        path = stepped.folder / f".download-{age}.part"
        path.write_bytes(b"x")
        past = time.time() - OLD_FILE - age
        os.utime(path, (past, past))

    stepped.sweep.once()

    assert [one.name for one in stepped.folder.glob(".download*")] == [".download--60.0.part"]


def test_what_a_kill_left_of_a_download_is_gone_at_the_next_start(stepped: SteppedBot) -> None:
    dead = TempDir(stepped.folder)
    left = dead.path()
    (left / "half a file").write_bytes(b"x")
    stepped.sweep.once()
    assert left.is_dir(), "it is only cleared before the first job"

    stepped.restart()

    assert not left.exists()


def test_the_worker_says_that_it_lives_and_one_failed_sweep_is_not_the_last(stepped: SteppedBot) -> None:
    stop = threading.Event()
    stepped.folder.rmdir()
    stepped.sweep.forever(stop)
    end = time.monotonic() + PATIENCE
    while True:
        with stepped.database.read() as tx:
            seen = key_values.updated_at(tx, key_values.WORKER_SEEN)
        if seen is not None or time.monotonic() > end:
            break
        time.sleep(0.005)
    stop.set()
    assert seen == stepped.clock()
