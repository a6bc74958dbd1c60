"""A port for a server that another process starts a moment later."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

FIRST, LAST = 20_000, 32_000
"""Below those that the system gives to connections: one of these would take a port that was found free a moment ago."""


def free_port() -> int:
    """Return a port on loopback on which nobody listens."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
