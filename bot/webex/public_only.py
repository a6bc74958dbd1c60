"""Lets a connection go to public addresses only: a redirect to a host that isn't Webex's may lead into our network.

What counts is the address at the other end of the connection, looked at before anything is sent: a name may have
another address each time that it is looked up. Through a proxy that address is not seen. Then the name must be one
(no IP address) that resolves here, and to public addresses only.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Any, Final

from bot.errors import FileRejected

if TYPE_CHECKING:
    from collections.abc import Callable

    IsPublic = Callable[[str], bool]
    """Says of an IP address whether it is a public one."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""The last four bytes are an IPv4 address, which a gateway dials."""
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$")
"""What some programs read as an IPv4 address, and no name ends in."""


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses and for the name ``localhost``; other names are never resolved."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, whatever it is wrapped in."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not (one.is_multicast or one.is_reserved) for one in _unwrapped(found))


def _unwrapped(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[Any]:
    """Give the address that counts: an IPv4 address within an IPv6 one is dialled by anyone who unwraps it."""
    if isinstance(found, ipaddress.IPv4Address):
        return [found]
    if found.ipv4_mapped:
        return [found.ipv4_mapped]
    within = [found.sixtofour, *(found.teredo or ())]
    if found in _NAT64:
        return [ipaddress.IPv4Address(found.packed[-4:])]
    return [ipaddress.IPv4Address(0)] if found.is_site_local else [found, *(one for one in within if one)]


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, in any spelling, and no name."""
    return ":" in host or _ENDS_IN_NUMBER.search(host) is not None


def public_only(public: IsPublic) -> type[PublicOnly]:
    """Give the class to mix in, for a judgement of what is public."""
    return type(PublicOnly.__name__, (PublicOnly,), {"is_public": staticmethod(public)})


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
        except OSError:
            return self._connected()  # it says so better
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
        """Whether it resolves to public addresses only. Raises ``OSError`` when it does not resolve."""
        found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
        return bool(found) and all(self.is_public(str(one[4][0])) for one in found)


def _refused(host: str) -> FileRejected:
    error = FileRejected(
        f"Webex's download link leads to “{host}”, which isn't known to be a public address, so I didn't fetch the "
        "file. Please contact whoever runs this bot."
    )
    error.advice = (
        "A redirect to a host outside REPORT_DOWNLOAD_HOSTS is followed to public addresses only; behind a proxy its "
        "name must resolve on this machine, too."
    )
    return error
