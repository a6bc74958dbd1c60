"""The program's processes, and someone who starts again what has died, as a platform does.

Either `serve` with its children, or gunicorn and the worker side by side; a new start after an outage may be the other.
Every process is known by a mark in its environment, so that exactly ours are found, whatever their parent is by then.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings
from tests.chaos.proxy import Proxy
from tests.killed.program import ROOT, SERVE, WEB, parents, signal_to
from tests.ports import free_port

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

WORKER = (sys.executable, "-m", "bot", "worker")
MODES = {"serve": (SERVE,), "side by side": (WEB, WORKER)}
MARK = "REPORTBOT_CHAOS_MARK"
PAUSE = 0.3
"""Seconds before a dead process is started again."""
Place = tuple[int, tuple[str, ...]]
"""The number of a machine, and a command."""


class System:
    """The processes of one run. `tick` is to be called often."""

    def __init__(self, environ: Mapping[str, str], machines: Sequence[Path], log: Path, chance: random.Random) -> None:
        """Take what all processes are told, and for each machine the folder of its data."""
        self.log = log
        self.signals = 0
        self.web_started = 0.0
        """When the web processes were last made to start for what they had not received (monotonic)."""
        self._chance = chance
        self._mark = secrets.token_hex(8)
        self._running: dict[Place, subprocess.Popen[bytes]] = {}
        self._old: list[subprocess.Popen[bytes]] = []
        self._due: dict[Place, float] = {}
        self._down_until = 0.0
        ports = [free_port() for _ in machines]
        self._proxy = Proxy(ports) if len(ports) > 1 else None
        self.url = f"http://127.0.0.1:{self._proxy.port if self._proxy else ports[0]}"
        mine = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        own = {"HOST": "127.0.0.1", "LOG_FORMAT": "json", "LOG_LEVEL": "info", "REQUESTS_PER_MINUTE": "0"}
        self._environs = [
            {**mine, **environ, **own, "PUBLIC_URL": self.url, "DATA_DIR": str(folder), "PORT": str(port)}
            | {MARK: f"{self._mark}-{number}"}
            for number, (folder, port) in enumerate(zip(machines, ports, strict=True))
        ]
        self._choose()

    def _choose(self) -> None:
        self._due = {
            (machine, command): 0.0
            for machine in range(len(self._environs))
            for command in MODES[self._chance.choice(sorted(MODES))]
        }

    def tick(self) -> None:
        """Start what is not there, a moment after it was found dead."""
        now = time.monotonic()
        for place, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[place]
                if place in self._due:
                    self._due[place] = now + PAUSE
        self._old = [process for process in self._old if process.poll() is None]
        if now < self._down_until:
            return
        for place, due in self._due.items():
            if place not in self._running and now >= due:
                self._running[place] = self._started(*place)

    def _started(self, machine: int, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environs[machine],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def kill(self, whom: str, *, gently: bool) -> None:
        """Signal some of the processes that live, of one machine or all."""
        machines = range(len(self._environs))
        victims = self._living(whom, self._chance.choice([[machine] for machine in machines] + [[*machines]]))
        for pid in victims:
            signal_to(pid, "SIGTERM" if gently else "SIGKILL")
        self.signals += bool(victims)

    def restart_web(self) -> None:
        """Have the web processes start again, which makes them look for what they did not receive."""
        for pid in self._living("web"):
            signal_to(pid, "SIGKILL")
        self.web_started = time.monotonic()

    def outage(self, seconds: float) -> None:
        """Kill everything, and start again later, perhaps in the other mode."""
        self._end()
        self.signals += 1
        self._down_until = time.monotonic() + seconds
        self._choose()

    def stop(self) -> None:
        """End every process, in order where it goes quickly."""
        self._due.clear()
        self._end()
        if self._proxy is not None:
            self._proxy.close()

    def _end(self) -> None:
        deadline = time.monotonic() + 20
        while living := self._living("all"):
            for pid in living:
                signal_to(pid, "SIGKILL")
            assert time.monotonic() < deadline, f"processes that do not die: {living}"
            time.sleep(0.01)
        for process in (*self._running.values(), *self._old):
            process.wait(10)
        self._running.clear()

    def _living(self, whom: str, machines: Sequence[int] | None = None) -> list[int]:
        marks = {f"{MARK}={self._mark}-{machine}" for machine in machines or range(len(self._environs))}
        mine = {pid: name for pid in parents() if (name := _name_of(pid, marks))}
        if whom == "all":
            return list(mine)
        alive = parents()
        if whom == "gunicorn worker":  # the process that answers, not its parent
            return [pid for pid, name in mine.items() if name == "web" and mine.get(alive.get(pid, 0)) == "web"]
        return [pid for pid, name in mine.items() if name == whom]


def _name_of(pid: int, marks: AbstractSet[str]) -> str:
    """Return which of our processes this is; empty for a stranger."""
    folder = Path("/proc") / str(pid)
    try:
        environ = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it ended, or it is another user's
        return ""
    if marks.isdisjoint(environ):
        return ""
    if b"gunicorn" in words:
        return "web"
    return "worker" if b"worker" in words else "supervisor" if b"serve" in words else "other"
