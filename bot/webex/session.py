"""The HTTP session beneath every call and download: shared by threads, kept alive, independent of the environment.

What requests does on its own would be wrong here: it follows redirects, keeps cookies, lets a ``.netrc`` replace the
token, and takes whatever comes, however large and however slow.
"""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from bot.webex.public_only import public_pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.webex.public_only import IsPublic

PIECE: Final = 64 * 1024
POOL: Final = 32
"""Connections kept per host; more than there are threads."""
BLOCK: Final = 256 * 1024
"""Bytes of a body that are sent at once; 16 kB, as is usual, make an upload twice as dear."""
KEEP_ALIVE_SECONDS: Final = 30
"""Idle time after which the system asks whether the peer is there, so that a middlebox does not drop the connection."""
USER_AGENT: Final = "webex-report-bot"


@dataclass(frozen=True, slots=True)
class Floor:
    """How slowly a body may come."""

    bytes_a_second: float
    seconds: float
    """Of waiting for bytes, over which that is judged: what the reader does between two reads is not the peer's."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a peer may take, in seconds."""

    connect: float = 5.0
    read: float = 30.0
    """For the next bytes."""
    body: float = 60.0
    """From the headers until the body must be whole, however steadily it drips."""
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
        for scheme in ("https://", "http://"):
            self.mount(scheme, _KeptAlive(public, pool_connections=4, pool_maxsize=pool))

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request, with the session's own time-out unless another one is given."""
        options["timeout"] = options.get("timeout") or self._timeout
        return super().request(method, url, **options)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request without merging settings of the session into it: it has none but its headers."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=request.method,
            url=request.url,
            files=request.files,
            data=request.data,
            json=request.json,
            headers={**self.headers, **(request.headers or {})},
            params=request.params,
            auth=request.auth,
            hooks=request.hooks,
        )
        return prepared

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return none, whatever the answer says: the download client decides about each address first."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Take a company's proxy from the environment: it sees only CONNECT. Plain http stays on this machine."""
        if not str(url).lower().startswith("https://"):
            return {"proxies": {}, "stream": bool(stream), "verify": True, "cert": None}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


class TooSlowError(TimeoutError):
    """The body came more slowly than the floor, or was not whole in time."""


def pieces_of(
    response: requests.Response, seconds: float, *, floor: Floor | None = None, size: int = PIECE
) -> Iterator[bytes]:
    """Yield a streamed body as it comes, decompressed, in pieces of at most ``size`` bytes.

    The time-out for the next bytes does not stop a peer that sends one now and then, so the time is looked at between
    two reads. Raises :class:`TooSlowError`, and what urllib3 raises.
    """
    until = time.monotonic() + seconds
    waited, came = 0.0, 0
    while True:
        began = time.monotonic()
        piece = response.raw.read1(size, decode_content=True)
        now = time.monotonic()
        if not piece:
            return
        waited, came = waited + now - began, came + len(piece)
        if now > until:
            raise TooSlowError("the answer took too long")
        if floor is not None and waited >= floor.seconds:
            if came < floor.bytes_a_second * waited:
                raise TooSlowError(f"less than {floor.bytes_a_second:.0f} bytes a second")
            waited, came = 0.0, 0
        yield piece


def take_body(response: requests.Response, most: int, seconds: float = DEFAULT_TIMEOUTS.body) -> bool:
    """Read a streamed body so that ``content`` has it. Return False when there was more than ``most`` bytes.

    What has come is there also when it raises, which it does as :func:`pieces_of` does.
    """
    taken = bytearray()
    try:
        with response:
            for piece in pieces_of(response, seconds):
                taken += piece
                if len(taken) > most:
                    break
    finally:
        response._content = bytes(taken[:most])  # noqa: SLF001 requests itself sets no limit
    return len(taken) <= most


class _KeptAlive(HTTPAdapter):
    def __init__(self, public: IsPublic | None, **more: Any) -> None:
        self._pools = public_pools(public) if public else None
        super().__init__(**more)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002 requests' signature
        options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if hasattr(socket, "TCP_KEEPIDLE"):
            options.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS))
        super().init_poolmanager(connections, maxsize, block=block, socket_options=options, blocksize=BLOCK, **more)
        self._limit(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        self._limit(manager)
        return manager

    def _limit(self, manager: Any) -> None:
        if self._pools:
            manager.pool_classes_by_scheme = self._pools
