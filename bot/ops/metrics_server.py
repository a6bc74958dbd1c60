"""Serve ``/metrics`` from a worker whose machine has no web process: ``METRICS_PORT``.

A web process serves the metrics of all processes that share its ``DATA_DIR``, so there nothing else is needed.
"""

from __future__ import annotations

import socket
import sys
import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.ops.ops_token import PROMETHEUS, TOKEN_NEEDED, is_operator

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

CALLER_TIMEOUT: Final = 10.0
"""Seconds that a caller may take to ask."""


class _Handler(BaseHTTPRequestHandler):
    """Answer one caller."""

    timeout = CALLER_TIMEOUT
    server_version = "reportbot"
    sys_version = ""

    def __init__(self, *args: Any, token: str | None, render: Callable[[], bytes]) -> None:
        self._token = token
        self._render = render
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer with the metrics, to who has the token."""
        if self.path != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND, b"Only /metrics is here.\n")
        elif not is_operator(self.headers.get("Authorization", ""), self._token):
            self._answer(HTTPStatus.UNAUTHORIZED, TOKEN_NEEDED.encode())
        else:
            self._answer(HTTPStatus.OK, self._render())

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", PROMETHEUS)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a scrape every few seconds is no news."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Log why an answer failed; that a caller hung up is no news."""
        error = sys.exception()
        if isinstance(error, ConnectionError | TimeoutError):
            log.debug("metrics_not_sent")
        else:
            log.error("metrics_crashed", exc_info=error)


def serve(host: str, port: int, token: str | None, render: Callable[[], bytes]) -> ThreadingHTTPServer | None:
    """Serve in a thread of its own; return the server, or None when the port cannot be had: no reason to stop."""
    kind = type("_Server", (_Server,), {"address_family": socket.AF_INET6 if ":" in host else socket.AF_INET})
    try:
        server: ThreadingHTTPServer = kind((host, port), partial(_Handler, token=token, render=render))
    except OSError as exc:
        log.error("metrics_not_served", port=port, cause=exc.strerror)  # noqa: TRY400 the cause says it all
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    log.info("metrics_served", host=host, port=server.server_address[1])
    return server
