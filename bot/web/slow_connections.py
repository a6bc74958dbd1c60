"""A connection that is slow, silent or never read from must not hold up the others: gunicorn's threads, guarded.

gunicorn's own thread worker gives a thread to each connection that has said its first byte, and the thread waits for
the rest without an end: as many half-sent requests as there are threads shut the door for everybody, and need no
secret for it. Here a thread takes what is there, and leaves what is missing to the main thread, which watches all
connections anyway. So no thread ever waits for what somebody else may send. The figures are in
``docs/decisions/0006-slow-connections.md``.

Named in ``gunicorn_conf.py``. It builds on the insides of gunicorn's thread worker: ``tests/door`` notices a change.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import sys
import time
from collections import OrderedDict
from functools import partial
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, Final

import structlog
from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn, ThreadWorker

from bot.web.inbox import Inbox, State

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger(__name__)

PATIENCE: Final = 5.0
"""Seconds from a request's first byte to its last, and for a connection to say its first."""
LAST_PATIENCE: Final = 1.0
"""The same while the process stops."""
ANSWERS: Final = 128 * 1024
"""Bytes of answers that the kernel keeps for a peer that does not read them. A third of it is more than any answer."""
ANSWER_SECONDS: Final = 1.0
"""For an answer that does not fit there all the same."""
ROOM: Final = 8
"""Places that are kept free for connections that come."""
LINE_EVERY: Final = 10.0
"""Seconds between two lines in the log."""
READ: Final = 64 * 1024
WRONG_CALL: Final = 2

REST: Final = object()
"""What a thread says of a connection whose request has not come as a whole."""
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class End:
    """What gunicorn's parser reads when it has used up what came: the end, never the socket."""

    asked = False

    def recv(self, _size: int) -> bytes:
        """Nothing more, and a note that more was wanted."""
        self.asked = True
        return b""


class Connection(TConn):  # type: ignore[misc]
    """A connection with what has come of its request."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.end = End()
        self.parser = get_parser(cfg, self.end, client)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWERS)
        self.data_ready = True  # gunicorn's thread need not wait for the first byte
        self.inbox = Inbox()
        self.since = time.monotonic()
        self.collected = False
        """The main thread has collected all that there is to wait for."""
        self.leaving = False
        """Answered for the last time; what still comes is thrown away until the peer closes."""

    def begin(self) -> None:
        """Expect a request, which may have come already behind the last one."""
        self.since = time.monotonic()
        if self.sock.gettimeout() != 0:
            self.sock.settimeout(0)
        self.inbox = Inbox(self.parser.unreader.take_buffered())

    def receive(self) -> bool:
        """Take what has come; True when there is nothing more to wait for."""
        if self.inbox.state is not State.COMING:
            return True
        try:
            data = self.sock.recv(READ)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if self.leaving:
            return not data
        if not data:
            self.inbox.end()
        else:
            self.inbox.add(data)
        if self.inbox.state is State.COMING and self.inbox.wants_leave:
            self.inbox.wants_leave = False
            self._send(GO_ON)
        return self.inbox.state is not State.COMING

    def takes_answers(self) -> bool:
        """Whether there is room for an answer; there is none when the peer asks and asks, and does not read."""
        look = select.poll()
        look.register(self.sock, select.POLLOUT)
        return any(event & select.POLLOUT for _, event in look.poll(0))

    def hand_over(self) -> None:
        """Give what has come to the parser."""
        self.parser.unreader.unread(self.inbox.take())

    def leave(self) -> None:
        """Say that no more answers come; raises ``OSError`` when the peer is gone already."""
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.settimeout(0)
        self.since = time.monotonic()
        self.inbox = Inbox()
        self.leaving = True

    def refuse(self) -> None:
        """Say that it took too long."""
        self._send(TOO_SLOW)

    def _send(self, words: bytes) -> None:
        with contextlib.suppress(OSError):  # a line that does not fit into the kernel's buffer would help nobody
            self.sock.send(words)


class WholeRequests(ThreadWorker):  # type: ignore[misc]
    """gunicorn's thread worker, whose threads get whole requests. All but ``handle…`` runs in the main thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: OrderedDict[Connection, None] = OrderedDict()  # the one that has waited longest first
        self._slow = 0
        self._said_at = float("-inf")

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Called by gunicorn at its start."""
        super().check_config(cfg, log)
        if cfg.is_ssl or cfg.protocol != "http":
            log.error("This program speaks plain HTTP: let the proxy in front of it speak TLS.")
            sys.exit(WRONG_CALL)

    def accept(self, listener: socket.socket) -> None:
        """Called by gunicorn when somebody connects."""
        try:
            sock, client = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self._wait(Connection(self.cfg, sock, client, listener.getsockname()))

    def finish_request(self, conn: Connection, fs: Future[object]) -> None:
        """Called by gunicorn when a thread is done with a connection."""
        result = None if fs.cancelled() or fs.exception() is not None else fs.result()
        if result is REST:
            self._wait(conn)
            return
        if result is not False:
            super().finish_request(conn, fs)
            return
        # gunicorn would wait here until the peer closes, up to two seconds, and everybody else with it. To close at
        # once could cost the peer its answer, if it is still sending.
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
        conn.hand_over()
        kept = super().handle(conn)
        return bool(kept) and not conn.end.asked  # else nobody knows where the next request begins

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Called by ``handle``."""
        if conn.inbox.state is not State.WHOLE:
            req.force_close()
        conn.sock.settimeout(ANSWER_SECONDS)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError as exc:
            raise BrokenPipeError(errno.EPIPE, "the peer does not take the answer") from exc

    def murder_pending(self) -> None:
        """Called by gunicorn after each round of events, at least once a second."""
        latest = time.monotonic() - (PATIENCE if self.alive else LAST_PATIENCE)
        while self._waiting and (first := next(iter(self._waiting))).since <= latest:
            self._drop(first)
        while self.nr_conns > self.worker_connections - ROOM and self._drop_the_most_silent():
            pass
        if self._slow and time.monotonic() - self._said_at >= LINE_EVERY:
            log.warning("slow_connections_closed", number=self._slow)
            self._slow, self._said_at = 0, time.monotonic()

    def _wait(self, conn: Connection) -> None:
        self._waiting[conn] = None
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))

    def _wait_no_more(self, conn: Connection) -> None:
        del self._waiting[conn]
        self.poller.unregister(conn.sock)

    def _on_readable(self, conn: Connection, _sock: socket.socket) -> None:
        if conn.receive():
            self._wait_no_more(conn)
            if conn.inbox:
                conn.collected = True
                self.enqueue_req(conn)
            else:  # it closed without a word
                self._close(conn)

    def _drop(self, conn: Connection) -> None:
        self._wait_no_more(conn)
        if conn.inbox:  # it had begun
            self._slow += 1
            conn.refuse()
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
            self._drop(waiting)
        return waiting is not None

    def _close(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()
