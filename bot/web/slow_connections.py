"""A connection that is slow, silent or never read from must not hold up the others: gunicorn's threads, guarded.

gunicorn's own thread worker gives a thread to each connection that has said its first byte, and the thread waits for
the rest without an end: as many half-sent requests as there are threads shut the door for everybody, and need no
secret for it. Here a thread takes what is there, and leaves what is missing to the main thread, which watches all
connections anyway. So no thread ever waits for what somebody else may send. The figures are in
``docs/decisions/0006-slow-connections.md``.

Named in ``gunicorn_conf.py``. It builds on the insides of gunicorn's thread worker: ``tests/door`` notices a change.
"""

from __future__ import annotations

import errno
import sys
import time
from collections import OrderedDict
from concurrent.futures import CancelledError
from functools import partial
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, Final

import structlog
from gunicorn.http import errors as http
from gunicorn.workers.gthread import ThreadWorker

from bot.web.connection import Connection, send
from bot.web.inbox import MOST_HEAD, State
from bot.web.tally import Tally

if TYPE_CHECKING:
    import socket
    from concurrent.futures import Future

log = structlog.get_logger(__name__)

PATIENCE: Final = 5.0
"""Seconds from a request's first byte to its last, and for a connection to say its first."""
LAST_PATIENCE: Final = 1.0
"""The same while the process stops."""
ANSWER_SECONDS: Final = 1.0
"""For an answer that does not fit there all the same."""
ROOM: Final = 32
"""Places that are kept free for connections that come, at most. So many may come between two rounds of those that send:
one at a time, newcomers would wait behind everybody who sends a byte now and then."""
SHARE_OF_ROOM: Final = 6
"""One of so many places is kept free, when there are few."""
MOST_HELD: Final = 16 * 1024 * 1024
"""Bytes of requests that all connections may have sent and nobody has answered. When there are more, those go that
hold more than is ``FAIR``; two thousand connections could send 160 MB."""
FAIR: Final = 8 * 1024
"""More than Webex's events have, headers and all, but for a client's certificate that a service mesh adds."""
WRONG_CALL: Final = 2

REST: Final = object()
"""What a thread says of a connection whose request has not come as a whole."""
LAST: Final = "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_SLOW: Final = f"HTTP/1.1 408 Request Timeout{LAST}".encode()
TOO_MUCH: Final = f"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5{LAST}".encode()
REFUSALS: Final = {
    http.LimitRequestLine: "414 URI Too Long",
    http.LimitRequestHeaders: "431 Request Header Fields Too Large",
    http.ExpectationFailed: "417 Expectation Failed",
    http.UnsupportedTransferCoding: "501 Not Implemented",
}
BAD_REQUEST: Final = "400 Bad Request"
OUR_FAULT: Final = (http.ConfigurationProblem, http.InvalidResponseHeader, http.InvalidResponseHeaderName)
NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What the system says when it has no place for one more connection."""


class WholeRequests(ThreadWorker):  # type: ignore[misc]
    """gunicorn's thread worker, whose threads get whole requests. All but ``handle…`` is the main thread's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: OrderedDict[Connection, None] = OrderedDict()  # the one that has waited longest first
        self._room = max(1, min(ROOM, self.worker_connections // SHARE_OF_ROOM))
        self._held = 0
        self._too_many = False
        self._closed = Tally("connections_closed")
        self._refused = Tally("malformed_requests_refused")

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Called by gunicorn at its start."""
        super().check_config(cfg, log)
        if cfg.is_ssl or cfg.protocol != "http":
            log.error("This program speaks plain HTTP: let the proxy in front of it speak TLS.")
            sys.exit(WRONG_CALL)

    def accept(self, listener: socket.socket) -> None:
        """Called by gunicorn when somebody connects."""
        for _ in range(self._room):
            try:
                sock, client = listener.accept()
            except OSError as error:  # nobody else comes, or who came is gone again
                self._too_many = error.errno in NO_ROOM
                return
            self.nr_conns += 1
            try:
                conn = Connection(self.cfg, sock, client, listener.getsockname())
            except OSError:  # it is gone already
                self.nr_conns -= 1
                sock.close()
            else:
                self._wait(conn)

    def finish_request(self, conn: Connection, fs: Future[object]) -> None:
        """Called by gunicorn when a thread is done with a connection."""
        error = CancelledError() if fs.cancelled() else fs.exception()
        if error is not None:
            log.error("connection_crashed", exc_info=error)
            self._close(conn)
            return
        self._count(conn)
        if fs.result() is REST:
            self._wait(conn)
        elif fs.result() and self._is_too_much(conn):  # answered, but there is much behind it
            self._closed.add("too_much")
            self._close(conn)
        elif fs.result():
            super().finish_request(conn, fs)
        else:
            # gunicorn would wait here until the peer closes, up to two seconds, and everybody else with it. To close
            # at once could cost the peer its answer, if it is still sending.
            try:
                conn.leave()
            except OSError:
                self._close(conn)
            else:
                self._wait(conn)

    def handle(self, conn: Connection) -> object:
        """Called by gunicorn, in a thread: whether the connection is kept, or ``REST``."""
        if conn.collected:
            conn.collected = False
        else:  # a kept connection has something to say: mostly all of it
            conn.begin()
            if not conn.receive():
                return REST
        if not conn.inbox or not conn.takes_answers():
            return False
        if conn.inbox.headless and len(conn.inbox) > MOST_HEAD:
            self.handle_error(None, conn.sock, conn.client, http.LimitRequestHeaders("a head without an end"))
            return False
        conn.hand_over()
        kept = super().handle(conn)
        conn.parser.mesg = None  # its headers are as large as the peer likes, and it may stay for long
        return bool(kept) and not conn.end.asked  # else nobody knows where the next request begins

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Called by gunicorn, in a thread: what came is no request, or the program has failed."""
        if not isinstance(exc, http.ParseException) or isinstance(exc, OUR_FAULT):
            super().handle_error(req, client, addr, exc)
            return
        self._refused.add(type(exc).__name__)
        send(client, f"HTTP/1.1 {REFUSALS.get(type(exc), BAD_REQUEST)}{LAST}".encode())

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Called by ``handle``."""
        if conn.inbox.state is not State.WHOLE:
            req.force_close()
        conn.sock.settimeout(ANSWER_SECONDS)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError as exc:
            raise BrokenPipeError(errno.EPIPE, "the peer does not take the answer") from exc

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:  # noqa: FBT001 gunicorn's signature
        """Called by ``handle`` when all is answered: whether the rest of the body leads to a next request."""
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except http.ParseException as exc:  # a second answer would be taken for that to another request
            self._refused.add(type(exc).__name__)
            return False

    def murder_pending(self) -> None:
        """Called by gunicorn after each round of events, at least once a second."""
        latest = time.monotonic() - (PATIENCE if self.alive else LAST_PATIENCE)
        while self._waiting and (first := next(iter(self._waiting))).since <= latest:
            self._drop(first, TOO_SLOW)
        most = self.worker_connections - self._room
        if self._too_many:
            self._too_many = False
            most = min(most, self.nr_conns - self._room)
        while self.nr_conns > most and self._drop_the_most_silent():
            pass
        self._closed.say()
        self._refused.say()

    def _wait(self, conn: Connection) -> None:
        try:
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))
        except (OSError, ValueError):  # the system has no room to watch one more, or the thread has closed it
            self._close(conn)
        else:
            self._waiting[conn] = None
            if self._is_too_much(conn):
                self._drop(conn, TOO_MUCH)

    def _wait_no_more(self, conn: Connection) -> None:
        del self._waiting[conn]
        self.poller.unregister(conn.sock)

    def _on_readable(self, conn: Connection, _sock: socket.socket) -> None:
        collected = conn.receive()
        self._count(conn)
        if self._is_too_much(conn):
            self._drop(conn, TOO_MUCH)
        elif collected:
            self._wait_no_more(conn)
            if conn.inbox:
                conn.collected = True
                self.enqueue_req(conn)
            else:  # it closed without a word
                self._close(conn)

    def _count(self, conn: Connection, *, closed: bool = False) -> None:
        """Look anew at how much a connection holds."""
        held = 0 if closed else conn.holds()
        self._held += held - conn.held
        conn.held = held

    def _is_too_much(self, conn: Connection) -> bool:
        return self._held > MOST_HELD and conn.held > FAIR

    def _drop(self, conn: Connection, words: bytes) -> None:
        """Close a waiting connection, with a word if it had begun."""
        self._wait_no_more(conn)
        if conn.inbox:
            self._closed.add("too_much" if words is TOO_MUCH else "slow")
            send(conn.sock, words)
        self._close(conn)

    def _drop_the_most_silent(self) -> bool:
        """Close the connection that has waited or been idle for longest; False when all are being answered."""
        waiting = next(iter(self._waiting), None)
        kept = self.keepalived_conns[0] if self.keepalived_conns else None
        if kept is not None and (waiting is None or kept.timeout - self.cfg.keepalive < waiting.since):
            self.keepalived_conns.popleft()
            self.poller.unregister(kept.sock)
            self._close(kept)
            return True
        if waiting is not None:
            self._drop(waiting, TOO_SLOW)
        return waiting is not None

    def _close(self, conn: Connection) -> None:
        self._count(conn, closed=True)
        self.nr_conns -= 1
        conn.close()
