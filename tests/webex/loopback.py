"""A server on this machine that answers whatever a test writes, down to the bytes and the cut connection."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

ALL_ERRORS = (400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 423, 425, 428, 429, 451, 500, 502, 503, 504, 520, 599)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Port of the client's end: the same for requests on one kept-alive connection."""


class Exchange(BaseHTTPRequestHandler):
    """What an answer is written with."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, body: Any = b"", headers: dict[str, str] | None = None, length: int | None = None):
        """Answer with bytes, or with JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        given = headers or {}
        for name, value in given.items():
            self.send_header(name, value)
        if not {"Transfer-Encoding", "Content-Length"} & set(given):
            self.send_header("Content-Length", str(len(raw) if length is None else length))
        self.end_headers()
        self.wfile.write(raw)
        if length is not None and length != len(raw):
            self.hang_up()

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection without another word."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.flush()
        self.close_connection = True
        if not reset:
            self.connection.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers.items()), body, self.client_address[1])
        server = self.server
        assert isinstance(server, _Server)
        server.asked.append(asked)
        server.answer(self, asked)

    def __getattr__(self, name: str) -> Any:
        """Take every method in the same way."""
        if name.startswith("do_"):
            return self._take
        raise AttributeError(name)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.asked: list[Asked] = []
        self.connections = 0
        self.answer: Callable[[Exchange, Asked], None] = lambda exchange, asked: exchange.reply(200, {})

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play."""


class Loopback:
    """Give `answer` a function of (exchange, asked); `asked` lists what came. ``tls``: it speaks https."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server()
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def connections(self) -> int:
        """Return how many were made, also by anyone who said nothing then."""
        return self._server.connections

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"

    @property
    def asked(self) -> list[Asked]:
        return self._server.asked

    def answer(self, how: Callable[[Exchange, Asked], None]) -> None:
        self._server.answer = how

    def always(self, status: int, body: Any = b"", headers: dict[str, str] | None = None) -> None:
        self.answer(lambda exchange, asked: exchange.reply(status, body, headers))

    def forget(self) -> None:
        """Start again: nothing asked yet, every answer an empty success."""
        self._server.asked = []
        self._server.connections = 0
        self.always(200, {})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
