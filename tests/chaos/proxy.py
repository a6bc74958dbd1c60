"""What stands before the web processes of several machines: takes a request whole, and gives it to one that listens."""

from __future__ import annotations

import http.client
import itertools
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

TIME_OUT = 60.0
OF_THE_CONNECTION = frozenset({"connection", "content-length", "date", "host", "server", "transfer-encoding"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where the caller has hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Proxy:
    """Pass requests on in turn; one that a machine has begun to take goes to no other, as with any POST."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle([(*ports[at:], *ports[:at]) for at in range(len(ports))])
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="chaos-proxy", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        turns = self._turns

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: value for name, value in self.headers.items() if _goes_on(name)}
                for port in next(turns):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIME_OUT)
                    try:
                        connection.connect()
                    except OSError:
                        continue  # nobody listens there
                    try:
                        connection.request(self.command, self.path, body, headers)
                        answer = connection.getresponse()
                        answered = answer.read()
                    except (OSError, http.client.HTTPException):
                        break
                    finally:
                        connection.close()
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if _goes_on(name):
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answered)))
                    self.end_headers()
                    self.wfile.write(answered)
                    return
                self.send_error(502)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _goes_on(name: str) -> bool:
    return name.lower() not in OF_THE_CONNECTION
