"""The real web process, ``gunicorn -c python:bot.web.gunicorn_conf``, and ways to be unkind to it."""

from __future__ import annotations

import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.settings import Settings
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SECRET = "webhook-secret-0123456789"
OPS_TOKEN = "ops-token-0123456789"
OPS = f"Authorization: Bearer {OPS_TOKEN}\r\n".encode()
START_SECONDS = 20.0
HALF_HEAD = b"POST /webhooks/webex HTTP/1.1\r\nHost: x\r\n"
HALF_BODY = HALF_HEAD + b"Content-Length: 1000\r\n\r\n{"
SOON = 1.0
"""Within this, everyone is answered, whatever else is held."""


class Web:
    """A running ``gunicorn -c python:bot.web.gunicorn_conf``."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process
        self.log = folder / "log"
        self._events = 0

    def connect(self, words: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(words)
        return connection

    def seconds(self, method: str, path: str, body: bytes | None = None, **headers: str) -> float:
        """Ask on a new connection: how long until the 200."""
        began = time.monotonic()
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        client.request(method, path, body, headers)
        answer = client.getresponse()
        assert (answer.status, answer.read() != b"") == (200, True)
        client.close()
        return time.monotonic() - began

    def event(self) -> tuple[bytes, dict[str, str]]:
        """Return a new signed event."""
        self._events += 1
        data = {"id": f"message-{self._events}", "roomId": "space", "roomType": "direct", "personId": "ada"}
        body = json.dumps({"resource": "messages", "event": "created", "data": data}).encode()
        return body, {"X-Spark-Signature": hmac.new(SECRET.encode(), body, "sha1").hexdigest()}

    def slowest(self, number: int) -> float:
        """Return the slowest of so many signed events and looks at ``/healthz``, each on a connection of its own."""
        found = []
        for _ in range(number):
            body, headers = self.event()
            found += [self.seconds("POST", "/webhooks/webex", body, **headers), self.seconds("GET", "/healthz")]
        return max(found)

    def worker(self) -> int:
        """Return the process that answers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in found if line["event"] == event]


@contextmanager
def running(folder: Path, *arguments: str, **environ: str) -> Iterator[Web]:
    port = free_port()
    mine = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    mine |= {
        "WEBEX_BOT_TOKEN": "bot-token-0123456789",
        "WEBEX_ADMIN_TOKEN": "admin-token-0123456789",
        "WEBEX_WEBHOOK_SECRET": SECRET,
        "OPS_TOKEN": OPS_TOKEN,
        "DATA_DIR": str(folder / "data"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_FORMAT": "json",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:bot.web.gunicorn_conf", *arguments]
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=mine | environ, stdout=out, stderr=out)
    web = Web(folder, port, process)

    def up() -> bool:
        assert process.poll() is None, web.log.read_text()
        try:
            web.seconds("GET", "/healthz")
        except OSError:
            return False
        return True

    try:
        until(up, seconds=START_SECONDS)
        body, headers = web.event()
        web.seconds("POST", "/webhooks/webex", body, **headers)  # the database is migrated
        yield web
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def held(web: Web, number: int, words: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have said these words and say nothing more."""
    with ExitStack() as stack:
        yield [stack.enter_context(web.connect(words)) for _ in range(number)]


def answers(connection: socket.socket) -> bytes:
    """Return all that comes until the other end closes."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def got(connection: socket.socket) -> bytes:
    """Return what comes next; the other end must not close."""
    piece = connection.recv(65536)
    assert piece
    return piece


def codes(said: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3})", said)]
