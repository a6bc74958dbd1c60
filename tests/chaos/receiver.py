"""A program that is told of events: it verifies each, and now and then refuses, hangs up or takes its time."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook as Verifier

SLOW = 1.0
"""Seconds."""
WAYS = ("takes",) * 6 + ("refuses", "busy", "hangs up", "slow")
STATUS = {"takes": 204, "slow": 204, "refuses": 500, "busy": 503}


@dataclass(frozen=True)
class Receipt:
    """One call: the event's ID, its body, and whether it was taken."""

    event_id: str
    body: bytes
    is_taken: bool


class Receiver:
    """Serves until it is closed; what it gets is kept."""

    def __init__(self, seed: int) -> None:
        self.receipts: list[Receipt] = []
        self.wrong: list[str] = []
        self.secret = ""
        self._chance = random.Random(seed)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="chaos-receiver", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/events"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                way = receiver.take(dict(self.headers.items()), body)
                if way == "slow":
                    time.sleep(SLOW)
                if way in STATUS:
                    self.send_response(STATUS[way])
                    self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler

    def take(self, headers: dict[str, str], body: bytes) -> str:
        """Keep one event, and return what to do."""
        try:
            Verifier(self.secret).verify(body, headers)
        except Exception as error:  # noqa: BLE001 whatever it is, it is told
            self.wrong.append(f"an event that does not verify: {error!r}")
        way = self._chance.choice(WAYS)
        found = {name.casefold(): value for name, value in headers.items()}
        self.receipts.append(Receipt(found.get("webhook-id", ""), body, STATUS.get(way, 500) < 300))
        return way

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
