"""The sweep: whatever is due and has no job gets one, and nothing else changes."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bot import tasks
from bot.ledger import facts
from bot.ledger.deliveries import State
from bot.sweep import OLD_FILE, OLD_FILES
from tests.stage import CSV, PATIENCE

if TYPE_CHECKING:
    from tests.core.workbench import Workbench

TASKS = (tasks.EVENT, tasks.ANSWER, tasks.WATCH, tasks.DELIVER)


@pytest.mark.parametrize("task", TASKS)
def test_a_job_that_was_lost_at_any_step_is_put_again(bench: Workbench, task: str) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}")
    if task in {tasks.WATCH, tasks.DELIVER}:
        bench.work()
        bench.world.set_report(report.id, status="done")
        bench.clock.turn(10)
    bench.work(until=task)
    with bench.store.begin() as tx:
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
    with bench.store.begin() as tx:
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
    assert bench.delivery().state is State.PENDING


def test_what_has_ended_is_left_alone(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    bench.clock.turn(3600)
    bench.sweep.once()
    assert bench.work() == []


@pytest.mark.parametrize("beginning", sorted(OLD_FILES))
def test_what_a_kill_left_of_a_download_or_of_parts_is_removed(bench: Workbench, beginning: str) -> None:
    bench.folder.mkdir(exist_ok=True)
    for age in (-1.0, 1.0):
        path = bench.folder / f"{beginning}{age}.part"
        path.write_bytes(b"x")
        past = time.time() - OLD_FILES[beginning] - age
        os.utime(path, (past, past))

    bench.sweep.once()

    assert [one.name for one in bench.folder.iterdir()] == [f"{beginning}-1.0.part"]


def test_files_that_nobody_waits_for_are_removed_and_younger_ones_stay(bench: Workbench) -> None:
    old, young = bench.folder / "old", bench.folder / ".download-x.part"
    for path in (old, young):
        path.write_bytes(CSV)
    past = time.time() - OLD_FILE - 1
    os.utime(old, (past, past))

    bench.sweep.once()

    assert list(bench.folder.iterdir()) == [young]


def test_the_worker_says_that_it_lives_and_one_failed_sweep_is_not_the_last(bench: Workbench) -> None:
    stop = threading.Event()
    bench.folder.rmdir()
    bench.sweep.forever(stop)
    end = time.monotonic() + PATIENCE
    while True:
        with bench.store.read() as tx:
            seen = facts.noted_at(tx, facts.WORKER_SEEN)
        if seen is not None or time.monotonic() > end:
            break
        time.sleep(0.005)
    stop.set()
    assert seen == bench.clock()
