"""How much of an HTTP request has come, so that a thread is only given to one that is all there. Pure.

Only the request's end is looked for. Whether it is right is gunicorn's parser's business: what cannot be understood
here is given to it as it is, and refused by it.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

MOST_HEAD: Final = 48 * 1024
"""Bytes of a request line with its headers that are waited for: one header as large as gunicorn takes, and others.
Proxies send one or two thousand; a service mesh may add a client's certificate."""
MOST_BODY: Final = 64 * 1024
"""Bytes of a body that are waited for. A larger one is refused by the door anyway, and at once."""
MOST_CHUNKED: Final = 80 * 1024
"""The same with the marks of its chunks: enough of it for the door to see that it is too large."""

HEAD_END: Final = b"\r\n\r\n"
LINE_END: Final = b"\r\n"
_FRAMING = re.compile(
    rb"^(content-length|transfer-encoding|expect):[ \t]*([^\r\n]*?)[ \t]*\r\n", re.IGNORECASE | re.MULTILINE
)
MOST_SIZE: Final = 1024
"""Bytes of the line with a chunk's size, and of the last one with its trailers, whose end is searched anew."""
_SIZE = re.compile(rb"([0-9a-f]{1,8})[ \t]*(;.*)?", re.IGNORECASE)


class State(Enum):
    """What to do with the request."""

    COMING = "wait for more"
    WHOLE = "all of it has come"
    ODD = "too large, cut off or not understood: waiting would not make it better"


class Inbox:
    """What has come of one request, and perhaps of the next ones."""

    def __init__(self, data: bytes = b"") -> None:
        self.state = State.COMING
        self.wants_leave = False
        """The sender waits to be told to go on before it sends the body (``Expect: 100-continue``)."""
        self._bytes = bytearray()
        self._head = 0  # bytes of the head; 0 until all of it is there
        self._body = 0
        self._chunk: int | None = None  # where the next chunk begins, if it comes in chunks
        if data:
            self.add(data)

    @property
    def headless(self) -> bool:
        """Whether the end of the head has not come."""
        return not self._head

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, data: bytes) -> None:
        """Take what has come."""
        searched = len(self._bytes)
        self._bytes += data
        if not self._head:
            end = self._bytes.find(HEAD_END, max(0, searched - len(HEAD_END) + 1))
            if end < 0:
                self.state = State.ODD if len(self._bytes) > MOST_HEAD else State.COMING
                return
            self._head = end + len(HEAD_END)
            if not self._read_head():
                self.state = State.ODD
                return
        self.state = self._look()

    def end(self) -> None:
        """Nothing more will come."""
        if self.state is State.COMING:
            self.state = State.ODD

    def take(self) -> bytes:
        """Hand out what has come, and keep nothing; the state stays."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken

    def _read_head(self) -> bool:
        """Learn how the body ends; False when that cannot be known, or it is larger than is waited for."""
        found = [(name.lower(), value.lower()) for name, value in _FRAMING.findall(bytes(self._bytes[: self._head]))]
        lengths = [value for name, value in found if name == b"content-length"]
        codings = [value for name, value in found if name == b"transfer-encoding"]
        self.wants_leave = (b"expect", b"100-continue") in found
        if codings:
            self._chunk = self._head
            return codings == [b"chunked"] and not lengths
        if lengths:
            if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > len(str(MOST_BODY)):
                return False
            self._body = int(lengths[0])
        return self._body <= MOST_BODY

    def _look(self) -> State:
        if self._chunk is not None:
            return self._look_at_chunks(self._chunk)
        return State.WHOLE if len(self._bytes) >= self._head + self._body else State.COMING

    def _look_at_chunks(self, at: int) -> State:
        """Walk on from the chunk that begins at ``at``; what was walked over is not looked at again."""
        while (line_end := self._bytes.find(LINE_END, at, at + MOST_SIZE)) >= 0:
            size = _SIZE.fullmatch(self._bytes[at:line_end])
            if size is None:
                return State.ODD
            length = int(size[1], 16)
            if length == 0:  # the last one; behind it are trailers, mostly none, and an empty line
                if self._bytes.find(HEAD_END, line_end, at + MOST_SIZE) >= 0:
                    return State.WHOLE
                break
            at = line_end + len(LINE_END) + length + len(LINE_END)
            self._chunk = at
        too_large = len(self._bytes) > min(self._head + MOST_CHUNKED, at + MOST_SIZE)
        return State.ODD if too_large else State.COMING
