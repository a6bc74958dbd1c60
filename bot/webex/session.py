"""The HTTP session beneath every call and every download: shared by threads, kept alive, and deaf to the environment.

What requests does on its own would be wrong here: it follows redirects, keeps cookies, and lets a ``.netrc`` replace
the token.
"""

from __future__ import annotations

import re
import socket
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

TIMEOUT: Final = (5.0, 30.0)
"""Seconds to connect, and to wait for the next bytes."""
POOL: Final = 32
"""Connections kept per host; more than there are threads."""
KEEP_ALIVE_SECONDS: Final = 30
"""Idle time after which the system asks whether the peer is there, so that a middlebox does not drop the connection."""
USER_AGENT: Final = "webex-report-bot"

_SENDABLE = re.compile(r"[!-~]+")


class Bearer(requests.auth.AuthBase):
    """Sets the header itself, so that requests never looks into ``.netrc`` for another one. Empty: no header."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on one request."""
        request.headers.pop("Authorization", None)
        if self._token:
            if not _SENDABLE.fullmatch(self._token):
                raise requests.exceptions.InvalidHeader("the token holds what no header can")
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class PlainSession(requests.Session):
    """A session that threads can share: no cookies kept, no redirects followed. Give ``auth`` with each request."""

    def __init__(self, pool: int = POOL) -> None:
        super().__init__()
        self.headers["User-Agent"] = USER_AGENT
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, _KeptAlive(pool_connections=4, pool_maxsize=pool))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that there is none, whatever the answer says: who wants to follow decides about the address first."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Take a company's proxy from the environment: it sees only CONNECT. Plain http stays on this machine."""
        if not str(url).lower().startswith("https://"):
            return {"proxies": {}, "stream": bool(stream), "verify": True, "cert": None}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


class _KeptAlive(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002 requests' signature
        options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if hasattr(socket, "TCP_KEEPIDLE"):
            options.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS))
        super().init_poolmanager(connections, maxsize, block=block, socket_options=options, **more)
