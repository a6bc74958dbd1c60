"""Issue 4, item 10: a clock that jumps, and local time with its daylight saving, change neither deeds nor words.

That the queue's own waits survive a clock that was set back is in ``tests/queue/test_sqlite.py``.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.emulator import Emulator
from bot.queue import tasks
from tests.core.workbench import Workbench
from tests.stage import CSV, Heard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3600.0
POLL = 10.5
LINKS = re.compile(r"webexteams://\S+")
"""Made of bare ids, which are others in each world."""
BEFORE_THE_CHANGES = [
    datetime(2026, 3, 29, 0, 55, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 55, tzinfo=UTC),
]
"""Five minutes before the clocks of Berlin are set forward, and back."""


def jumps(bench: Workbench, seconds: float) -> None:
    """The wall clock is set; the worker notices one that was set back by itself, and starts its waits again."""
    bench.clock.turn(seconds)
    if seconds < 0:
        bench.queue.jobs.restart_waits()


def watched(bench: Workbench, **more: Any) -> Any:
    report = bench.stage.partner_report(**({"status": "In progress"} | more))
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    return report


def arrived_once(bench: Workbench) -> None:
    said = bench.said(bench.stage.group)
    assert [one.files[0].path.read_bytes() for one in said if one.files] == [CSV]
    assert [one for one in said if not one.files and not one.card] == []
    assert bench.request().state is State.DELIVERED


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 20 * HOUR, -20 * HOUR])
def test_a_jump_in_the_middle_of_a_watch_delays_no_look(bench: Workbench, jump: float) -> None:
    report = watched(bench)
    bench.wait(POLL)

    jumps(bench, jump)
    bench.work()
    bench.world.set_report(report.id, status="done")
    # Set forward, the report looks an hour old or more, and is looked at as such.
    bench.wait(POLL if jump < 0 else 300.5)

    arrived_once(bench)


@pytest.mark.parametrize("jump", [HOUR, -HOUR / 2, -HOUR, -20 * HOUR])
def test_a_jump_delays_no_look_at_a_report_that_is_not_listed(bench: Workbench, jump: float) -> None:
    report = watched(bench, listed=False)
    bench.wait(POLL)
    assert bench.report().next_check_at is not None

    jumps(bench, jump)
    bench.world.set_report(report.id, status="done")
    bench.work()
    bench.wait(2 * POLL if jump < 0 else 300.5)

    arrived_once(bench)


@pytest.mark.threads_listed
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_in_the_middle_of_a_delivery_changes_nothing(bench: Workbench, jump: float) -> None:
    """While the file is fetched, and between a post whose answer was lost and the look for it."""
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    download = bench.files.download

    def jumping(*args: Any, **more: Any) -> Any:
        held = download(*args, **more)
        jumps(bench, jump)
        return held

    bench.files.download = jumping  # type: ignore[method-assign]
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)

    bench.work()
    jumps(bench, jump)
    bench.work()
    bench.wait(POLL)

    arrived_once(bench)
    assert bench.downloads == 1


@pytest.fixture
def in_zone() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:

        def zone(name: str) -> None:
            patch.setenv("TZ", name)
            time.tzset()

        yield zone
    time.tzset()


def told(folder: Path, database_file: Path, begin: datetime) -> list[str]:
    """Return a watch over half an hour from then on, and why: what was asked and said, and when."""
    with Emulator() as emulator:
        bench = Workbench(emulator, folder, database_file, POLL_INTERVAL="10")
        bench.clock.time = begin
        report = watched(bench)
        looks = []
        while bench.clock.time.timestamp() < begin.timestamp() + HOUR / 2:
            looks.append(f"{bench.clock.time.timestamp() - begin.timestamp():.0f} s")
            bench.wait_for_next()
        bench.world.set_report(report.id, status="done")
        bench.wait(HOUR)
        bench.hears(bench.stage.ada, f"why {report.id}", bench.stage.group)
        bench.work()
        said = [f"{one.created} {one.markdown} {Heard(one).shown}" for one in bench.said(bench.stage.group)]
        kept = [str(bench.request())]
        bench.stop()
    known = [*bench.world.people, *bench.world.spaces, *bench.world.all_messages, *bench.world.reports]
    ids = re.compile("|".join(re.escape(one) for one in known))
    return [LINKS.sub("", ids.sub("ID", line)) for line in looks + said + kept]


@pytest.mark.parametrize("begin", BEFORE_THE_CHANGES, ids=["forward", "back"])
def test_daylight_saving_changes_neither_what_is_said_nor_when_it_is_looked(
    tmp_path: Path, database_file: Path, in_zone: Any, begin: datetime
) -> None:
    in_zone("UTC")
    expected = told(tmp_path / "utc", database_file, begin)
    assert sum(line.endswith(" s") for line in expected) > 20
    assert any("UTC" in line for line in expected)

    in_zone("Europe/Berlin")
    assert time.localtime(begin.timestamp()).tm_isdst != time.localtime(begin.timestamp() + HOUR).tm_isdst
    assert told(tmp_path / "berlin", database_file, begin) == expected
