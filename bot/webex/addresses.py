"""Say what kind of address a host is: this machine's own, a public one, or a name. Pure; no name is looked up."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""The last four bytes are an IPv4 address, which a gateway dials."""
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$")
"""What some programs read as an IPv4 address, and no name ends in."""


def is_loopback(host: str) -> bool:
    """Return True for this machine's own addresses and for the name ``localhost``; other names are never resolved."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, whatever it is wrapped in."""
    return is_in(address, (), or_public=True)


def _is_public(one: Any) -> bool:
    return bool(one.is_global and not (one.is_multicast or one.is_reserved))


def is_in(address: str, networks: Collection[Network], *, or_public: bool = False) -> bool:
    """Return whether an IP address, whatever it is wrapped in, is in one of these networks, or is a public one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        (or_public and _is_public(one)) or any(one.version == net.version and one in net for net in networks)
        for one in _unwrapped(found)
    )


def _unwrapped(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[Any]:
    """Return the address that counts: an IPv4 address within an IPv6 one is what a gateway connects to."""
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
