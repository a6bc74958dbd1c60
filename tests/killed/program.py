"""The real program as real processes against the emulator, so that tests can kill it as a machine would."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.settings import Settings
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

ROOT = Path(__file__).parents[2]
PATIENCE = 25.0
"""Seconds until a process that does not do what it should has failed."""
SERVE = (sys.executable, "-m", "bot", "serve")
WEB = (sys.executable, "-m", "gunicorn", "-c", "python:bot.web.gunicorn_conf")


def parents() -> dict[int, int]:
    """Return every living process and its parent."""
    found: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if state != "Z":
            found[int(path.parent.name)] = int(parent)
    return found


def family(pid: int) -> list[int]:
    """Return a process and all that it started, the eldest first."""
    alive, found = parents(), [pid]
    for one in found:
        found += [child for child, parent in alive.items() if parent == one]
    return [one for one in found if one in alive]


class Program:
    """``reportbot serve`` (or another command) on the stage's settings, and what it writes to its log."""

    def __init__(self, live: LiveBot, log: Path, command: tuple[str, ...] = SERVE) -> None:
        self.port = free_port()
        self.log = log
        mine = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        own = {"HOST": "127.0.0.1", "PORT": str(self.port), "LOG_FORMAT": "json", "LOG_LEVEL": "debug"}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=mine | live.environ | own,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of that event in the log so far."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line.get("event") == event]

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def up(self) -> None:
        """Wait until it answers; fail with the end of its log when it has ended instead."""

        def settled() -> bool:
            assert self.process.poll() is None, f"it ended at once:\n{self.log.read_text()[-3000:]}"
            return self.answers()

        until(settled, "an answer of the program")

    def worker(self) -> int:
        """Return the process id of the living worker; waits for it to take jobs."""

        def living() -> int | None:
            started = [line["pid"] for line in self.lines("child_started") if line["child"] == "worker"]
            ready = len(self.lines("queue_worker_started"))
            return started[-1] if started and ready >= len(started) and started[-1] in parents() else None

        return until(living, "a worker")

    def kill(self) -> None:
        """Kill -9 every process of it, the eldest first, so that none is started again."""
        if self.process.poll() is not None:
            return
        all_of_it = family(self.process.pid)
        for pid in all_of_it:
            signal_to(pid, "SIGKILL")
        self.process.wait(PATIENCE)
        until(lambda: not set(all_of_it) & set(parents()), "the end of every process")


def signal_to(pid: int, name: str) -> None:
    """Send a signal, by its name, to a process that may have ended."""
    try:
        os.kill(pid, signal.Signals[name])
    except ProcessLookupError:
        return  # it ended by itself


def peak_memory(pid: int) -> int:
    """Return the most memory that a process ever held, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("this system does not tell a process's memory")
