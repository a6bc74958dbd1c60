"""One connection: what has come of its request, and whether there is room for an answer. It never waits."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Any, Final

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn

from bot.web.inbox import Inbox, State

ANSWERS: Final = 128 * 1024
"""Bytes of answers that the kernel keeps for a peer that does not read them. A third of it is more than any answer."""
READ: Final = 64 * 1024
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


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
        self.held = 0
        """Bytes that the main thread has counted."""
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
            send(self.sock, GO_ON)
        return self.inbox.state is not State.COMING

    def holds(self) -> int:
        """Bytes that have come and are not answered; not to be asked while a thread has the connection."""
        return len(self.inbox) + int(self.parser.unreader.buf.getbuffer().nbytes)

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
        self.parser.unreader.take_buffered()
        self.sock.settimeout(0)
        self.since = time.monotonic()
        self.inbox = Inbox()
        self.leaving = True


def send(sock: socket.socket, words: bytes) -> None:
    """Say a line; if it does not fit into the kernel's buffer, or the peer is gone, it would help nobody."""
    with contextlib.suppress(OSError):
        sock.send(words)
