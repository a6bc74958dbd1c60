"""The bot of the simulated day: web and worker in one process, as in the demo, by a clock that leaps while it is idle.

While a job runs, the clock goes as fast as any other; with nothing to do, it leaps. So an hour in which nothing happens
takes seconds, and what happens has the time that it needs: no call looks as if it had taken minutes.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from werkzeug.serving import make_server

from bot import process
from bot.app import build_services, build_worker
from bot.cli.demo_bot import QuietHandler
from bot.logs import register_secrets, start_logging
from bot.queue.wakeup import notify
from bot.services import Clock
from bot.settings import load
from bot.web.application import build_web

if TYPE_CHECKING:
    from bot.queue import Job, RetryLater

LEAP: Final = 3.0
"""Seconds of the clock; a job is late by as much."""
REST: Final = 0.004
"""Seconds between two leaps, in which a job that is due may start."""
AHEAD: Final = struct.Struct("d")


class LeapingClock(Clock):
    """The machine's time, and the seconds that it is ahead of it, which stand in a file that two processes share."""

    def __init__(self, file: Path) -> None:
        with file.open("r+b") as opened:
            self._ahead = mmap.mmap(opened.fileno(), AHEAD.size)

    @staticmethod
    def make(file: Path) -> Path:
        """Make the file."""
        file.write_bytes(AHEAD.pack(0.0))
        return file

    @property
    def ahead(self) -> float:
        """Return by how many seconds."""
        return float(AHEAD.unpack_from(self._ahead)[0])

    def leap(self, seconds: float) -> None:
        """Go on at once."""
        AHEAD.pack_into(self._ahead, 0, self.ahead + seconds)

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time() + self.ahead

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic() + self.ahead


class Stop(threading.Event):
    """What the bot's rounds wait for until the next one, by the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the stop."""
        if timeout is None:
            return super().wait()
        until = self._clock.monotonic() + timeout
        while not self.is_set() and self._clock.monotonic() < until:
            super().wait(REST)
        return self.is_set()


class Running:
    """How many jobs run."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.number = 0

    def add(self, number: int) -> None:
        """Add so many."""
        with self._guard:
            self.number += number


def main() -> None:
    """Run until standard input ends; each line of it is a time of the clock, in seconds since 1970, to go to."""
    process.limit_malloc_arenas()
    process.limit_thread_stacks()
    process.set_thread_switch_interval()
    settings = load(os.environ)
    register_secrets(*settings.secret_values())
    start_logging("day", level=settings.log_level, form=settings.log_format)
    clock, running = LeapingClock(Path(sys.argv[1])), Running()
    stop = Stop(clock)
    app = build_web(settings, stop, clock)
    server = make_server(settings.host or "", settings.port, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    worker = build_worker(build_services(settings, clock=clock))
    handle = worker.handle

    def counted(job: Job) -> RetryLater | None:
        running.add(1)
        try:
            return handle(job)
        finally:
            running.add(-1)

    worker.handle = counted  # type: ignore[method-assign]
    threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True).start()
    for line in sys.stdin:
        while clock.seconds() < float(line):
            if not running.number:
                clock.leap(LEAP)
                notify(settings.data_dir)
            time.sleep(REST)
        sys.stdout.write("\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
