"""A threaded HTTP/1.1 server for a WSGI application that keeps connections open.

Werkzeug's own server closes after each answer, which would make every call pay for a new connection and hide the
mistakes that clients make with kept ones. This one keeps them, drains what a handler left unread, and can be stopped
while clients are still connected.
"""

import logging
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
DRAIN_CHUNK = 1 << 16
STOP_WAIT_SECONDS = 5.0
GRACE_SECONDS = 1.0
BODILESS = ("1", "204", "304")


class ConnectionCut(ConnectionError):
    """Raised by an application that wants the connection closed without (more of) an answer."""


class _Line:
    """How fast the bytes of one request or answer may go, one way; 0 is as fast as they can."""

    def __init__(self, bytes_per_second: float) -> None:
        self._speed = bytes_per_second
        self._due = 0.0

    def carry(self, size: int) -> None:
        """Wait as long as so many bytes take."""
        if self._speed:
            now = time.monotonic()
            self._due = max(self._due, now) + size / self._speed
            time.sleep(self._due - now)


class _Body:
    """The request's body: never reads beyond its length, and knows what is left of it."""

    def __init__(self, stream: Any, length: int, line: _Line) -> None:
        self._stream = stream
        self._line = line
        self.left = length

    def read(self, size: int | None = -1) -> bytes:
        wanted = self.left if size is None or size < 0 else min(size, self.left)
        data: bytes = self._stream.read(wanted) if wanted else b""
        self.left = self.left - len(data) if data else 0
        self._line.carry(len(data))
        return data

    def readline(self, size: int | None = -1) -> bytes:
        limit = self.left if size is None or size < 0 else min(size, self.left)
        data: bytes = self._stream.readline(limit) if limit else b""
        self.left -= len(data)
        self._line.carry(len(data))
        return data

    def readlines(self, hint: int = -1) -> list[bytes]:
        del hint
        return list(self)

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def drain(self) -> None:
        while self.read(DRAIN_CHUNK):
            continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "webex-emulator"
    disable_nagle_algorithm = True
    server: "WsgiServer"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):  # the client went, or stop() closed the socket
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        log.debug(format, *args)

    def _serve(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        body = _Body(self.rfile, int(self.headers.get("Content-Length") or 0), _Line(self.server.line_speed))
        try:
            _Answer(self).run(self._environ(body))
            body.drain()
        except ConnectionCut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _environ(self, body: _Body) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": LOOPBACK,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ


class _Answer:
    """One answer on its way out: the head goes together with the first piece of the body."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._started = False
        self._chunked = False
        self._owed: int | None = None  # bytes that Content-Length promises and that are not written yet
        self._line = _Line(handler.server.line_speed)

    def run(self, environ: dict[str, Any]) -> None:
        start_response: StartResponse = self._start
        pieces: Iterable[bytes] = self._handler.server.application(environ, start_response)
        try:
            for piece in pieces:
                if piece:
                    self._write(piece)
            self._finish()
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        del exc_info
        self._status, self._headers = status, headers
        return self._write

    def _head(self) -> bytes:
        handler = self._handler
        names = {name.lower(): value for name, value in self._headers}
        self._owed = int(names.get("content-length", 0)) if "content-length" in names else None
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in self._headers)]
        if "date" not in names:
            lines.append(f"Date: {handler.date_time_string()}")
        if "content-length" not in names and not self._status.startswith(BODILESS):
            self._chunked = handler.request_version == "HTTP/1.1" and handler.command != "HEAD"
            lines.append("Transfer-Encoding: chunked" if self._chunked else "Connection: close")
            handler.close_connection = handler.close_connection or not self._chunked
        if handler.close_connection and "Connection: close" not in lines:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _write(self, piece: bytes) -> None:
        head = b"" if self._started else self._head()
        self._started = True
        if self._owed is not None:
            self._owed -= len(piece)
        if self._handler.command == "HEAD":
            piece = b""
        elif self._chunked:
            piece = b"%x\r\n%s\r\n" % (len(piece), piece)
        self._line.carry(len(piece))
        self._handler.wfile.write(head + piece if head else piece)

    def _finish(self) -> None:
        if not self._started:
            self._started = True
            self._handler.wfile.write(self._head())
        if self._chunked:
            self._handler.wfile.write(b"0\r\n\r\n")
        elif self._owed and self._handler.command != "HEAD":
            self._handler.close_connection = True  # a promised length that was not kept ends the connection


class WsgiServer(ThreadingMixIn, TCPServer):
    """Serves one application on 127.0.0.1; `port` is the real one even when 0 was asked for."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = True
    request_queue_size = 128

    line_speed = 0.0
    """Bytes a second, of each request and each answer; 0 is as fast as they can."""

    def __init__(self, application: "WSGIApplication", port: int) -> None:
        self.application = application
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._workers: set[threading.Thread] = set()
        super().__init__((LOOPBACK, port), _Handler)
        self.port: int = self.server_address[1]
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, daemon=True, name=f"emulator-{self.port}")

    def _accept(self) -> None:
        """Take connections until stop() wakes the selector: no polling, so an idle emulator costs nothing."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    return
                try:
                    self.process_request(*self.get_request())
                except OSError as problem:  # the client was gone before it was taken
                    log.debug("not accepted: %s", problem)

    def start(self) -> None:
        """Begin to serve in a daemon thread."""
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread a connection; both are remembered so that stop() can end them."""
        worker = threading.Thread(target=self._work, args=(request, client_address), daemon=True)
        with self._open_lock:
            self._open.add(request)
            self._workers.add(worker)
        worker.start()

    def _work(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.discard(request)
                self._workers.discard(threading.current_thread())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An error that is no refusal is a bug of the emulator: say so loudly."""
        del request
        if not isinstance(sys.exc_info()[1], OSError):
            log.exception(  # noqa: LOG004 - socketserver calls this while it handles the exception
                "the emulator failed while it answered %s", client_address
            )

    def stop(self) -> None:
        """Take no more connections, let answers under way end within a moment, and close everything."""
        self._wake.send(b"x")
        self._thread.join(STOP_WAIT_SECONDS)
        self._close_connections(socket.SHUT_RD, GRACE_SECONDS)  # idle ones end at once, answers may go out
        self._close_connections(socket.SHUT_RDWR, STOP_WAIT_SECONDS)
        self.abandon()

    def _close_connections(self, how: int, wait_seconds: float) -> None:
        with self._open_lock:
            connections, workers = list(self._open), list(self._workers)
        for connection in connections:
            try:
                connection.shutdown(how)
            except OSError as problem:  # the client was faster
                log.debug("already closed: %s", problem)
        deadline = time.monotonic() + wait_seconds
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    def abandon(self) -> None:
        """Release the sockets of a server that does not run."""
        self.server_close()
        self._wake.close()
        self._woken.close()
