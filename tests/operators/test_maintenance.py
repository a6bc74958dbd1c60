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
from tests.stage import CSV, PATIENCE

if TYPE_CHECKING:
    from tests.core.workbench import Workbench

TASKS = (tasks.EVENT, tasks.LOOKUP, tasks.WATCH, tasks.DELIVER)


@pytest.mark.parametrize("task", TASKS)
def test_a_job_that_was_lost_at_any_step_is_put_again(bench: Workbench, task: str) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}")
    if task in {tasks.WATCH, tasks.DELIVER}:
        bench.work()
        bench.world.set_report(report.id, status="done")
        bench.clock.turn(10)
    bench.work(until=task)
    with bench.database.begin() as tx:
        tx.connection.exec_driver_sql("DELETE FROM jobs")
    bench.clock.turn(61)

    bench.sweep.once()
    bench.world.set_report(report.id, status="done")
    bench.work()
    bench.wait(10)

    assert [one.files[0].path.read_bytes() for one in bench.said() if one.files] == [CSV]
    assert len([one for one in bench.said() if one.card]) == 1


def test_a_fresh_event_is_left_to_its_own_job(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "help")
    with bench.database.begin() as tx:
        tx.connection.exec_driver_sql("DELETE FROM jobs")
    bench.sweep.once()
    assert bench.work() == []


def test_a_job_that_waits_for_its_time_is_not_brought_forward(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    before = bench.next_wait()

    bench.sweep.once()

    assert bench.next_wait() == before
    assert bench.request().state is State.OPEN


def test_what_has_ended_is_left_alone(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    bench.clock.turn(3600)
    bench.sweep.once()
    assert bench.work() == []


def test_a_file_goes_when_nobody_waits_for_its_report_and_stays_as_long_as_somebody_does(bench: Workbench) -> None:
    """Whatever the clock says: it may have jumped."""
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work(until=tasks.DELIVER)
    needed = bench.folder / held_name("partner", report.id)
    needless = bench.folder / held_name("partner", "another")
    long_ago = time.time() - 10 * OLD_FILE
    for path in (needed, needless):
        path.write_bytes(CSV)
    os.utime(needed, (long_ago, long_ago))

    bench.sweep.once()

    assert list(bench.folder.glob("[0-9a-f]*")) == [needed]


def test_what_another_version_left_goes_when_it_is_old(bench: Workbench) -> None:
    for age in (-60.0, 60.0):
        path = bench.folder / f".download-{age}.part"
        path.write_bytes(b"x")
        past = time.time() - OLD_FILE - age
        os.utime(path, (past, past))

    bench.sweep.once()

    assert [one.name for one in bench.folder.glob(".download*")] == [".download--60.0.part"]


def test_what_a_kill_left_of_a_download_is_gone_at_the_next_start(bench: Workbench) -> None:
    dead = TempDir(bench.folder)
    left = dead.path()
    (left / "half a file").write_bytes(b"x")
    bench.sweep.once()
    assert left.is_dir(), "it is only cleared before the first job"

    bench.restart()

    assert not left.exists()


def test_the_worker_says_that_it_lives_and_one_failed_sweep_is_not_the_last(bench: Workbench) -> None:
    stop = threading.Event()
    bench.folder.rmdir()
    bench.sweep.forever(stop)
    end = time.monotonic() + PATIENCE
    while True:
        with bench.database.read() as tx:
            seen = key_values.updated_at(tx, key_values.WORKER_SEEN)
        if seen is not None or time.monotonic() > end:
            break
        time.sleep(0.005)
    stop.set()
    assert seen == bench.clock()
