"""Gives every answer a time by which it must be whole, headers and all.

The time-outs of requests and urllib3 are for the next bytes only: a peer that sends one now and then would hold a
thread for ever, in the headers, in the body or between its chunks. So the time is looked at where bytes come from the
socket, beneath everything that waits for more of them.
"""

from __future__ import annotations

import io
import time
from functools import partial
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket

FIRST_ERROR: Final = 300
"""Redirects count as errors: the API has none, and they could carry the token away."""
ERROR_SECONDS: Final = 5.0
"""For what an error has to say, once its status is known."""


def pools(longest: float, mixed_in: tuple[type, ...] = ()) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools by scheme, for urllib3's manager; no answer takes more than ``longest`` seconds.

    A request whose time-out for the first byte is longer has that. ``mixed_in`` are classes for their connections.
    """
    made = {}
    for scheme, pool in (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool)):
        answer = staticmethod(partial(_TimelyAnswer, longest=longest))
        connection = type(pool.ConnectionCls.__name__, (*mixed_in, pool.ConnectionCls), {"response_class": answer})
        made[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": connection})
    return made


class _TimelyAnswer(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, longest: float, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp.close()
        self._bytes = _TimelyBytes(sock, longest)
        self.fp = io.BufferedReader(self._bytes)

    def begin(self) -> None:
        """Read the status and the headers."""
        super().begin()
        if self.status >= FIRST_ERROR:
            self._bytes.hurry(ERROR_SECONDS)


class _TimelyBytes(io.RawIOBase):
    """What comes from the socket. Raises ``TimeoutError`` when the time is over, however much has come."""

    def __init__(self, sock: socket.socket, longest: float) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._patience = sock.gettimeout() or longest
        """Seconds for the next bytes."""
        self._until = time.monotonic() + max(longest, self._patience)

    def hurry(self, seconds: float) -> None:
        """Take no more than so many seconds from now."""
        self._until = min(self._until, time.monotonic() + seconds)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes, as long as the time allows."""
        rest = self._until - time.monotonic()
        if rest <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(min(self._patience, rest))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()
