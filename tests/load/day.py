"""A day of 24 hours by a clock that leaps while nothing happens, the same for Webex and the bot.

A hundred reports get ready at equal distances, for ten thousand requests that wait for them; a thousand schedules run,
each at its own time; an administrator deletes what schedules have created an hour later. Webex takes 300 calls a minute
of each token, by this clock. Web and worker are one process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from bot.db import tables
from bot.db.database import Database
from bot.emulator.things import Template
from tests.bench import standing
from tests.bench.product import ROOT, cpu_seconds, memory
from tests.bench.world import Owner, serve
from tests.load import rows
from tests.load.day_bot import LeapingClock
from tests.load.webex import Counted, Limited, LoadControl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from bot.emulator import Emulator
    from tests.bench.product import Product
    from tests.bench.world import World

DAY: Final = timedelta(days=1)
REST: Final = timedelta(minutes=30)
"""For what the last minutes of the day have begun."""
READY_SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.02
CLOCK: Final = "REPORTBOT_CLOCK_OF_THE_DAY"
"""Names the file of the clock, for the process of the emulator."""
KEPT: Final = timedelta(hours=1)
"""How long a report that a schedule has created is kept in Webex."""


@dataclass(frozen=True)
class Posted:
    """Which files the bot has posted."""

    asked: Counter[str]
    """By the message that the request was made with."""
    others: int


class DayControl(LoadControl):
    """The emulator, by the fast clock."""

    def __init__(self, emulator: Emulator) -> None:
        self._clock = LeapingClock(Path(os.environ[CLOCK]))
        super().__init__(emulator)
        emulator.world.clock = self._clock.seconds

    def _limited(self, application: Any) -> Limited:
        return Limited(application, (0.0, 0.0), self._clock.monotonic)

    def standing(self) -> Owner:
        """Have a template; the reports that are there already go, since Webex keeps fifty of a family only."""
        world = self._emulator.world
        for report in self._reports:
            for one in report:
                one.deleted = True
        world.add_template(Template(130, "organization", "Usage", "Teams"))
        return Owner(self._people[0].id, self._space.id, "organization", 130)

    def live(self, waiting: list[str], day: timedelta) -> None:
        """Let the day's things happen."""
        threading.Thread(target=self._live, args=(waiting, day), daemon=True).start()

    def _live(self, waiting: list[str], day: timedelta) -> None:
        world = self._emulator.world
        began, step = world.clock(), day.total_seconds() / len(waiting)
        for number, report_id in enumerate(waiting):
            while world.clock() < began + (number + 0.5) * step:
                time.sleep(LOOK_SECONDS)
                self._delete_old(began)
            world.set_report(report_id, status="done")

    def _delete_old(self, began: float) -> None:
        world = self._emulator.world
        with world.lock:
            long_ago = world.clock() - KEPT.total_seconds()
            old = [one.id for one in world.reports.values() if began < one.created < long_ago and not one.deleted]
            for report_id in old:
                world.set_report(report_id, deleted=True)

    def posted(self) -> Posted:
        """Return what the bot has posted."""
        files = [one for one in self._emulator.world.all_messages.values() if one.files]
        asked = Counter(one.parent_id for one in files if one.parent_id)
        return Posted(asked, sum(not one.parent_id for one in files))


def serve_fast(calls: Connection, news: Connection) -> None:
    """The emulator's process."""
    serve(calls, news, DayControl)


class Day:
    """The bot's day."""

    def __init__(self, world: World, product: Product, say: Callable[[str], None]) -> None:
        self._world = world
        self._product = product
        self._say = say
        self._clock = LeapingClock(Path(os.environ[CLOCK]))

    def run(self, size: Callable[[], float]) -> None:
        """Live the day, and print what came of it. ``size``: of the database, in MiB."""
        open_requests = rows.store(self._world, self._product, times_of_day())
        with self._bot() as bot:
            time.sleep(SETTLE_SECONDS)
            self._world.call("counted")
            began, at = time.monotonic(), self._clock.seconds()
            before, at_first, small = cpu_seconds(bot.pid), memory(bot.pid), size()
            self._world.call("live", open_requests.reports, DAY)
            _go_to(bot, at + DAY.total_seconds() / 2)
            at_noon = memory(bot.pid)
            _go_to(bot, at + (DAY + REST).total_seconds())
            used, in_the_end = cpu_seconds(bot.pid) - before, memory(bot.pid)
            counted: Counted = self._world.call("counted")
        self._say(f"  24 hours in {(time.monotonic() - began) / 60:.0f} minutes")
        self._tell_posted({open_requests.asked.message_id, *(one.asked for one in open_requests.threads)})
        self._tell_runs()
        for whose in ("bot", "admin"):
            self._say(
                f"    {whose}: {counted.calls[whose]} calls, most in a minute {counted.busiest.get(whose, 0)}, "
                f"{counted.refused[whose]} × 429"
            )
        self._say(f"    {used:.0f} s of processor time, {100 * used / DAY.total_seconds():.2f} % of a core")
        self._say(f"    memory {at_first:.0f}, at noon {at_noon:.0f}, in the end {in_the_end:.0f} MiB (PSS)")
        self._say(f"    database {small:.0f} and {size():.0f} MiB")

    def _tell_posted(self, asked: set[str]) -> None:
        posted: Posted = self._world.call("posted")
        once = sum(posted.asked[one] == 1 for one in asked)
        twice = sum(posted.asked[one] > 1 for one in asked)
        others = posted.others + sum(number for one, number in posted.asked.items() if one not in asked)
        self._say(f"    files for requests: {once} once, {twice} twice, {len(asked) - once - twice} lost")
        self._say(f"    files of schedules: {others}")

    def _tell_runs(self) -> None:
        database = Database(self._product.url)
        runs = select(func.count()).select_from(tables.runs).group_by(tables.runs.c.schedule_id)
        with database.read() as tx:
            number = Counter(tx.execute(runs).scalars())
            left = tx.execute(select(func.count()).where(tables.requests.c.state == "open")).scalar_one()
        database.close()
        told = ", ".join(f"{many} ran {times} ×" for times, many in sorted(number.items()))
        self._say(f"    of {standing.NUMBER} schedules {told}; {left} requests are open")

    @contextmanager
    def _bot(self) -> Iterator[subprocess.Popen[str]]:
        log = self._product.folder.with_name("day.log").open("ab")
        with (
            log,
            subprocess.Popen(
                (sys.executable, "-m", "tests.load.day_bot", os.environ[CLOCK]),
                env=self._product.environ,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as bot,
        ):
            try:
                deadline = time.monotonic() + READY_SECONDS
                while self._product.readiness().get("worker") != "running":
                    if bot.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"the bot is not ready; its log is {log.name}")
                    time.sleep(LOOK_SECONDS)
                yield bot
            finally:
                bot.kill()


def _go_to(bot: subprocess.Popen[str], moment: float) -> None:
    """Have the clock go to a time, in seconds since 1970, and return when it shows that."""
    assert bot.stdin is not None
    assert bot.stdout is not None
    bot.stdin.write(f"{moment}\n")
    bot.stdin.flush()
    assert bot.stdout.readline(), "the bot has ended"


def times_of_day() -> list[datetime]:
    """Return when each schedule runs: at equal distances, and once until the rest after the day is over."""
    now = datetime.now(UTC)
    return [now + REST + number * (DAY - REST) / standing.NUMBER for number in range(1, standing.NUMBER + 1)]
