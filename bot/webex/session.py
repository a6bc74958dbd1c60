"""The HTTP session beneath every call and every download: shared by threads, kept alive, and deaf to the environment.

What requests does on its own would be wrong here: it follows redirects, keeps cookies, lets a ``.netrc`` replace the
token, and takes whatever comes, however large and however slow.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from bot.webex.public_only import public_only
from bot.webex.timely import pools

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

    from bot.webex.public_only import IsPublic
    from bot.webex.timely import Floor

PIECE: Final = 64 * 1024
POOL: Final = 32
"""Connections kept per host; more than there are threads."""
BLOCK: Final = 256 * 1024
"""Bytes of a body that are sent at once; 16 kB, as is usual, make an upload twice as dear."""
KEEP_ALIVE_SECONDS: Final = 30
"""Idle time after which the system asks whether the peer is there, so that a middlebox does not drop the connection."""
USER_AGENT: Final = "webex-report-bot"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a peer may take, in seconds."""

    connect: float = 5.0
    read: float = 30.0
    """For the next bytes."""
    whole: float = 60.0
    """Until an answer must be whole, however steadily it drips."""
    floor: Floor | None = None
    """How slowly a body may come."""


DEFAULT_TIMEOUTS: Final = Timeouts()

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
    """A session that threads can share: no cookies kept, no redirects followed. Give ``auth`` with each request.

    ``public``: says which addresses are public, and then it connects to no others; raises ``FileRejected``.
    """

    def __init__(
        self, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, pool: int = POOL, public: IsPublic | None = None
    ) -> None:
        super().__init__()
        self._timeout = timeouts.connect, timeouts.read
        self.headers["User-Agent"] = USER_AGENT
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        made = pools(timeouts.whole, timeouts.floor, (public_only(public),) if public else ())
        for scheme in ("https://", "http://"):
            self.mount(scheme, _KeptAlive(made, pool_connections=4, pool_maxsize=pool))

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request, with the session's own time-out unless another one is given."""
        options["timeout"] = options.get("timeout") or self._timeout
        return super().request(method, url, **options)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that there is none, whatever the answer says: who wants to follow decides about the address first."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Take a company's proxy from the environment: it sees only CONNECT. Plain http stays on this machine."""
        if not str(url).lower().startswith("https://"):
            return {"proxies": {}, "stream": bool(stream), "verify": True, "cert": None}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def take_body(response: requests.Response, most: int) -> bool:
    """Read a streamed answer's body, unpacked, so that ``content`` has it. False: there was more than ``most`` bytes.

    What has come is there also when it raises, which it does as requests and urllib3 do.
    """
    taken = bytearray()
    try:
        with response:
            for piece in response.iter_content(PIECE):
                taken += piece
                if len(taken) > most:
                    break
    finally:
        response._content = bytes(taken[:most])  # noqa: SLF001 requests itself sets no limit
    return len(taken) <= most


class _KeptAlive(HTTPAdapter):
    def __init__(self, made: dict[str, type[HTTPConnectionPool]], **more: Any) -> None:
        self._pools = made
        super().__init__(**more)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002 requests' signature
        options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if hasattr(socket, "TCP_KEEPIDLE"):
            options.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS))
        super().init_poolmanager(connections, maxsize, block=block, socket_options=options, blocksize=BLOCK, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager
