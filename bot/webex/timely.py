"""Gives every answer a time by which it must be whole, headers and all.

The time-outs of requests and urllib3 are for the next bytes only: a peer that sends one now and then would hold a
thread for ever, in the headers, in the body or between its chunks. So the time is looked at where bytes come from the
socket, beneath everything that waits for more of them.
"""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Floor:
    """How slowly a body may come."""

    bytes_a_second: float
    seconds: float
    """Of waiting for bytes, over which that is judged: what the reader does between two reads is not the peer's."""


class TooSlowError(TimeoutError):
    """The body came more slowly than the floor, or was not whole in time."""


def pools(longest: float, floor: Floor | None, mixed_in: tuple[type, ...] = ()) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools by scheme, for urllib3's manager; no answer takes more than ``longest`` seconds.

    A request whose time-out for the first byte is longer has that. ``floor``: of a body. ``mixed_in`` are classes for
    their connections.
    """
    made = {}
    for scheme, pool in (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool)):
        answer = staticmethod(partial(_TimelyAnswer, longest=longest, floor=floor))
        connection = type(pool.ConnectionCls.__name__, (*mixed_in, pool.ConnectionCls), {"response_class": answer})
        made[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": connection})
    return made


class _TimelyAnswer(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, longest: float, floor: Floor | None, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self._floor = floor
        self.fp.close()
        self._bytes = _TimelyBytes(sock, longest)
        self.fp = io.BufferedReader(self._bytes)

    def begin(self) -> None:
        """Read the status and the headers."""
        super().begin()
        if self.status >= FIRST_ERROR:
            self._bytes.hurry(ERROR_SECONDS)
        elif self._floor is not None:
            self._bytes.keep_pace(self._floor)


class _TimelyBytes(io.RawIOBase):
    """What comes from the socket. Raises ``TimeoutError`` when the time is over, however much has come."""

    def __init__(self, sock: socket.socket, longest: float) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._patience = sock.gettimeout() or longest
        """Seconds for the next bytes."""
        self._until = time.monotonic() + max(longest, self._patience)
        self._floor: Floor | None = None
        self._waited = 0.0
        self._came = 0

    def hurry(self, seconds: float) -> None:
        """Take no more than so many seconds from now."""
        self._until = min(self._until, time.monotonic() + seconds)

    def keep_pace(self, floor: Floor) -> None:
        """Raise :class:`TooSlowError` from now on when bytes come more slowly than that."""
        self._floor = floor

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes, as long as the time allows."""
        rest = self._until - time.monotonic()
        if rest <= 0:
            raise TooSlowError("the answer took too long")
        self._sock.settimeout(min(self._patience, rest))
        began = time.monotonic()
        number = self._raw.readinto(buffer)
        if self._floor is not None:
            self._judge(self._floor, time.monotonic() - began, number or 0)
        return number

    def _judge(self, floor: Floor, seconds: float, number: int) -> None:
        self._waited += seconds
        self._came += number
        if self._waited >= floor.seconds:
            if number and self._came < floor.bytes_a_second * self._waited:
                raise TooSlowError(f"less than {floor.bytes_a_second:.0f} bytes a second")
            self._waited, self._came = 0.0, 0

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()
