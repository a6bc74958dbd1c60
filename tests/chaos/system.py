"""The program's processes, and someone who starts again what has died, as a platform does.

Either `serve` with its children, or gunicorn and the worker side by side; a new start after an outage may be the other.
Every process is known by a mark in its environment, so that exactly ours are found, whatever their parent is by then.
"""

from __future__ import annotations

import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings
from tests.killed.program import ROOT, SERVE, WEB, free_port, parents

if TYPE_CHECKING:
    import random

    from tests.live_bot import LiveBot

WORKER = (sys.executable, "-m", "bot", "worker")
MODES = {"serve": (SERVE,), "side by side": (WEB, WORKER)}
MARK = "REPORTBOT_CHAOS_MARK"
PAUSE = 0.3
"""Seconds before a dead process is started again."""
SEEMS = timedelta(minutes=5)
"""How long an outage was, as far as the database can tell: no clock can be turned, but the last sign of life can."""


class System:
    """The processes of one run. `tend` is to be called often."""

    def __init__(self, live: LiveBot, log: Path, chance: random.Random) -> None:
        self.port = free_port()
        self.log = log
        self.database = live.folder / "reportbot.db"
        self.signals = 0
        self.door_started = 0.0
        """When the door was last made to start for what it had not heard (monotonic)."""
        self._chance = chance
        self._mark = secrets.token_hex(8)
        self._running: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
        self._old: list[subprocess.Popen[bytes]] = []
        self._due: dict[tuple[str, ...], float] = {}
        self._down_until = 0.0
        self._locks: list[threading.Thread] = []
        mine = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        own = {"HOST": "127.0.0.1", "PORT": str(self.port), "LOG_FORMAT": "json", "LOG_LEVEL": "info"}
        self._environ = (
            mine | live.environ | own | {"PUBLIC_URL": self.url, MARK: self._mark, "REQUESTS_PER_MINUTE": "0"}
        )
        self._choose()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _choose(self) -> None:
        self._due = dict.fromkeys(MODES[self._chance.choice(sorted(MODES))], 0.0)

    def tend(self) -> None:
        """Start what is not there, a moment after it was found dead."""
        now = time.monotonic()
        for command, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[command]
                if command in self._due:
                    self._due[command] = now + PAUSE
        self._old = [process for process in self._old if process.poll() is None]
        if now < self._down_until:
            return
        for command, due in self._due.items():
            if command not in self._running and now >= due:
                self._running[command] = self._started(command)

    def _started(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def has_started(self) -> bool:
        """Return True when the door's first start is on record."""
        if not self.database.exists():
            return False
        try:
            with closing(sqlite3.connect(self.database, timeout=5)) as connection:
                return bool(connection.execute("SELECT 1 FROM facts WHERE name = 'door_seen'").fetchone())
        except sqlite3.OperationalError:  # it has no tables yet
            return False

    def kill(self, whom: str, *, gently: bool) -> None:
        """Signal some of the processes that live."""
        victims = self._living(whom)
        for pid in victims:
            _signal(pid, signal.SIGTERM if gently else signal.SIGKILL)
        self.signals += bool(victims)

    def renew_door(self) -> None:
        """Have the door start again, which makes it look for what it did not hear."""
        self.kill("web", gently=False)
        self.door_started = time.monotonic()

    def outage(self, seconds: float) -> None:
        """Kill everything, let the last sign of life be old, and start again later, perhaps in the other mode."""
        self.kill("all", gently=False)
        self._end()
        self._down_until = time.monotonic() + seconds
        if self.database.exists():
            old = (datetime.now(UTC) - SEEMS).isoformat(timespec="microseconds")
            with closing(sqlite3.connect(self.database, timeout=5)) as connection, connection:
                connection.execute("UPDATE facts SET noted_at = ? WHERE name = 'door_seen'", (old,))
        self._choose()

    def lock_database(self, seconds: float) -> None:
        """Hold the database's write lock, as a backup or an operator's shell would."""
        thread = threading.Thread(target=self._hold_lock, args=(seconds,), daemon=True)
        thread.start()
        self._locks.append(thread)

    def _hold_lock(self, seconds: float) -> None:
        if not self.database.exists():
            return
        with closing(sqlite3.connect(self.database, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    def settle(self) -> None:
        """Wait for what this class itself does to the program to be over."""
        for thread in self._locks:
            thread.join()

    def stop(self) -> None:
        """End every process, in order where it goes quickly."""
        self._due.clear()
        self._end()

    def _end(self) -> None:
        deadline = time.monotonic() + 20
        while living := self._living("all"):
            for pid in living:
                _signal(pid, signal.SIGKILL)
            assert time.monotonic() < deadline, f"processes that do not die: {living}"
            time.sleep(0.01)
        for process in (*self._running.values(), *self._old):
            process.wait(10)
        self._running.clear()

    def _living(self, whom: str) -> list[int]:
        mine = {pid: name for pid in parents() if (name := self._name_of(pid))}
        if whom == "all":
            return list(mine)
        alive = parents()
        if whom == "door":  # the process that answers, not its parent
            return [pid for pid, name in mine.items() if name == "web" and mine.get(alive.get(pid, 0)) == "web"]
        return [pid for pid, name in mine.items() if name == whom]

    def _name_of(self, pid: int) -> str:
        """Which of our processes this is; empty for a stranger."""
        folder = Path("/proc") / str(pid)
        try:
            if f"{MARK}={self._mark}".encode() not in (folder / "environ").read_bytes().split(b"\0"):
                return ""
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended, or it is another user's
            return ""
        if b"gunicorn" in words:
            return "web"
        return "worker" if b"worker" in words else "supervisor" if b"serve" in words else "other"


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself
