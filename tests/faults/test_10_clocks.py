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
from tests.live_bot import CSV, BotMessage
from tests.stepped_bot import SteppedBot

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


def jumps(stepped: SteppedBot, seconds: float) -> None:
    """The wall clock is set; the worker notices one that was set back by itself, and starts its waits again."""
    stepped.clock.turn(seconds)
    if seconds < 0:
        stepped.queue.restart_waits()


def watched(stepped: SteppedBot, **more: Any) -> Any:
    report = stepped.setup.partner_report(**({"status": "In progress"} | more))
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    return report


def arrived_once(stepped: SteppedBot) -> None:
    said = stepped.said(stepped.setup.group)
    assert [one.files[0].path.read_bytes() for one in said if one.files] == [CSV]
    assert [one for one in said if not one.files and not one.card] == []
    assert stepped.request().state is State.DELIVERED


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 20 * HOUR, -20 * HOUR])
def test_a_jump_in_the_middle_of_a_watch_delays_no_look(stepped: SteppedBot, jump: float) -> None:
    report = watched(stepped)
    stepped.wait(POLL)

    jumps(stepped, jump)
    stepped.work()
    stepped.world.set_report(report.id, status="done")
    # Set forward, the report looks an hour old or more, and is looked at as such.
    stepped.wait(POLL if jump < 0 else 300.5)

    arrived_once(stepped)


@pytest.mark.parametrize("jump", [HOUR, -HOUR / 2, -HOUR, -20 * HOUR])
def test_a_jump_delays_no_look_at_a_report_that_is_not_listed(stepped: SteppedBot, jump: float) -> None:
    report = watched(stepped, listed=False)
    stepped.wait(POLL)
    assert stepped.report().next_check_at is not None

    jumps(stepped, jump)
    stepped.world.set_report(report.id, status="done")
    stepped.work()
    stepped.wait(2 * POLL if jump < 0 else 300.5)

    arrived_once(stepped)


@pytest.mark.threads_listed
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_in_the_middle_of_a_delivery_changes_nothing(stepped: SteppedBot, jump: float) -> None:
    """While the file is fetched, and between a post whose answer was lost and the look for it."""
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    download = stepped.files.download

    def jumping(*args: Any, **more: Any) -> Any:
        held = download(*args, **more)
        jumps(stepped, jump)
        return held

    stepped.files.download = jumping  # type: ignore[method-assign]
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)

    stepped.work()
    jumps(stepped, jump)
    stepped.work()
    stepped.wait(POLL)

    arrived_once(stepped)
    assert stepped.downloads == 1


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
        stepped = SteppedBot(emulator, folder, database_file, POLL_INTERVAL="10")
        stepped.clock.time = begin
        report = watched(stepped)
        looks = []
        while stepped.clock.time.timestamp() < begin.timestamp() + HOUR / 2:
            looks.append(f"{stepped.clock.time.timestamp() - begin.timestamp():.0f} s")
            stepped.wait_for_next()
        stepped.world.set_report(report.id, status="done")
        stepped.wait(HOUR)
        stepped.receive(stepped.setup.ada, f"why {report.id}", stepped.setup.group)
        stepped.work()
        said = [f"{one.created} {one.markdown} {BotMessage(one).shown}" for one in stepped.said(stepped.setup.group)]
        kept = [str(stepped.request())]
        stepped.stop()
    known = [*stepped.world.people, *stepped.world.spaces, *stepped.world.all_messages, *stepped.world.reports]
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
