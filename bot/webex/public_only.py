"""Let a connection go to public addresses only: a redirect to a host that isn't Webex's may lead into our network.

What counts is the address at the other end of the connection, looked at before anything is sent: a name may have
another address each time that it is looked up. Through a proxy that address is not seen. Then the name must be one
(no IP address) that resolves here, and to public addresses only.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from bot.errors import CONTACT, FileRejected
from bot.webex.addresses import is_address

if TYPE_CHECKING:
    from collections.abc import Callable

    IsPublic = Callable[[str], bool]
    """Say of an IP address whether it is a public one."""


def public_pools(public: IsPublic) -> dict[str, type[HTTPConnectionPool]]:
    """Return connection pools by scheme, for urllib3's manager, that connect only to what ``public`` says is public."""
    made: dict[str, type[HTTPConnectionPool]] = {}
    pools: tuple[tuple[str, Any], ...] = (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool))
    for scheme, pool in pools:
        bases = (PublicOnly, pool.ConnectionCls)
        connection = type(pool.ConnectionCls.__name__, bases, {"is_public": staticmethod(public)})
        made[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": connection})
    return made


class PublicOnly:
    """Mixed into a connection of urllib3's. Raises ``FileRejected`` before anything is sent elsewhere."""

    is_public: IsPublic

    def _new_conn(self) -> socket.socket:
        """Connect, to the host or to the proxy."""
        this: Any = self
        if this.proxy_is_tunneling:
            name = str(this._tunnel_host)  # noqa: SLF001 http.client tells it nowhere else
            if is_address(name) or not self._resolves_here(name, this._tunnel_port):  # noqa: SLF001
                raise _refused(name)
            return self._connected()
        try:
            public = self._resolves(this.host, this.port)
        except socket.gaierror as error:
            raise NameResolutionError(this.host, this, error) from error  # as the connection would
        if not public:
            raise _refused(this.host)
        connection = self._connected()
        if not self.is_public(connection.getpeername()[0]):
            connection.close()
            raise _refused(this.host)
        return connection

    def _connected(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        return connection

    def _resolves_here(self, name: str, port: int) -> bool:
        try:
            return self._resolves(name, port)
        except OSError:
            return False

    def _resolves(self, name: str, port: int) -> bool:
        """Return True when it resolves to public addresses only. Raises ``OSError`` when it does not resolve."""
        found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
        return bool(found) and all(self.is_public(str(one[4][0])) for one in found)


def _refused(host: str) -> FileRejected:
    error = FileRejected(
        f"Webex's download link leads to “{host}”, which isn't known to be a public address, so I didn't download the "
        f"file. {CONTACT}"
    )
    error.advice = (
        "A redirect to a host outside REPORT_DOWNLOAD_HOSTS is followed to public addresses only; behind a proxy its "
        "name must resolve on this machine, too."
    )
    return error
