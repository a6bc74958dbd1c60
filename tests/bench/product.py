"""The program as it is deployed: the Procfile's own lines, as processes, on a fresh database each time."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.process import LIFELINE_VARIABLE
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import Addresses
    from tests.postgresql import Databases

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
LOOK_SECONDS = 0.05
TOLD_LETTERS = 3000
OPS_TOKEN = "ops-token-of-the-bench"
PROCESSES = Path("/proc")
# Fields of /proc/<pid>/stat after the program's name, which stands in brackets and may hold anything.
SESSION, USER_TIME, SYSTEM_TIME = 3, 11, 12


class Product:
    """How to start it; `running` gives one start, with so many workers where `databases` makes databases."""

    def __init__(
        self, addresses: Addresses, folder: Path, databases: Databases | None = None, workers: int = 1
    ) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._databases = databases
        self._workers = ["worker", *(f"worker {number}" for number in range(2, workers + 1))]
        self.database_url = ""
        """Of the last start, where `databases` made it."""
        self._starts = 0
        self.port = free_port()
        lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
        self._commands = {name: shlex.split(command) for name, _, command in (line.partition(":") for line in lines)}
        self._environ = {
            **{name: value for name, value in os.environ.items() if name in {"LANG", "LC_ALL", "TMPDIR", "HOME"}},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "WEBEX_BOT_TOKEN": addresses.bot_token,
            "WEBEX_ADMIN_TOKEN": addresses.admin_token,
            "WEBEX_WEBHOOK_SECRET": "a secret of the bench",
            "OPS_TOKEN": OPS_TOKEN,
            "WEBEX_API_URL": addresses.api,
            "REPORT_DOWNLOAD_HOSTS": "127.0.0.1",
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "REQUESTS_PER_MINUTE": "0",  # a sender of the bench asks more often than any person
        }

    def release(self) -> None:
        """Register the webhooks."""
        with self._log("release") as log:
            subprocess.run(
                self._commands["release"], env=self._with_data(), stdout=log, stderr=log, cwd=ROOT, check=True
            )

    @contextmanager
    def running(self, *, warm: bool = False) -> Iterator[dict[str, int]]:
        """Run web and worker in the block, on an empty database or (`warm`) on the last one; gives their numbers."""
        self._starts += not warm
        if self._databases is not None and not warm:
            self.database_url = self._databases.migrated()
        reading, writing = os.pipe()  # when this process is killed, they end too
        processes = {}
        try:
            for name in ("web", *self._workers):
                with self._log(f"{name}-{self._starts}") as log:
                    processes[name] = subprocess.Popen(
                        self._commands[name.split()[0]],
                        env={**self._with_data(name), LIFELINE_VARIABLE: str(reading)},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        cwd=ROOT,
                        pass_fds=(reading,),
                        start_new_session=True,
                    )
            self._wait_until_ready(processes)
            yield {name: process.pid for name, process in processes.items()}
        finally:
            os.close(reading)
            for process in processes.values():  # at once: their work is of no use to anyone
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            os.close(writing)

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment of the last start's worker."""
        return self._with_data()

    @property
    def folder(self) -> Path:
        """Return where the data of the last start are."""
        return self._folder / f"data-{self._starts}"

    @property
    def url(self) -> str:
        """Return the URL of the last start's database."""
        return self.database_url or f"sqlite:///{self.folder / 'reportbot.db'}"

    def _with_data(self, name: str = "worker") -> dict[str, str]:
        """Return the environment of a process; each further worker has a folder of its own, as on another machine."""
        folder = self.folder if name in {"web", "worker"} else self.folder.with_name(f"{self.folder.name} {name}")
        shared = {"DATABASE_URL": self.database_url, "SECRET_KEY": "k" * 32} if self.database_url else {}
        return {**self._environ, "DATA_DIR": str(folder), **shared}

    @contextmanager
    def _log(self, name: str) -> Iterator[int]:
        handle = os.open(self._folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)

    def _wait_until_ready(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.readiness().get("worker") != "running":
            for name, process in processes.items():
                if process.poll() is not None:
                    said = (self._folder / f"{name}-{self._starts}.log").read_text(encoding="utf-8")[-TOLD_LETTERS:]
                    raise RuntimeError(f"{name} ended with {process.returncode}:\n{said}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready within {START_SECONDS:g} seconds")
            time.sleep(LOOK_SECONDS)

    def health_request(self) -> bytes:
        """Return a request for a page that does nothing at all."""
        return f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()

    def readiness(self) -> dict[str, object]:
        """Return what `/readyz` says; empty while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {OPS_TOKEN}"})
            found: dict[str, object] = json.loads(connection.getresponse().read())
        except OSError:
            return {}
        finally:
            connection.close()
        return found


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of all others in its session; 0 where the system does not tell."""
    ticks = sum(int(fields[USER_TIME]) + int(fields[SYSTEM_TIME]) for _, fields in _session_of(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the MiB of a process and of all others in its session, shared ones in proportion (PSS)."""
    kilobytes = 0
    for folder, _ in _session_of(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = (folder / "smaps_rollup").read_text(encoding="utf-8").splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def _session_of(pid: int) -> Iterator[tuple[Path, list[str]]]:
    """Give the folder in /proc and the figures of a process and of all others in its session."""
    for path in PROCESSES.glob("[0-9]*/stat") if PROCESSES.is_dir() else ():
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if int(path.parent.name) == pid or int(fields[SESSION]) == pid:
            yield path.parent, fields
