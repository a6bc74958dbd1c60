"""Decide which addresses outbound events may be sent to: public ones over https, and networks that a setting names.

Anyone with a key may name an address, and the bot stands in a network that they may not reach. So a name is looked up
here, once for each connection, every address that it has must be allowed, and one of these is connected to.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.errors import BotError
from bot.webex.addresses import is_address, is_in

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 2000
"""Characters of an address."""
NOT_ALLOWED: Final = (
    "This address leads into a private network, or to this machine. The people who run the bot can allow it by "
    "OUTBOUND_ALLOWED_NETWORKS."
)
PLAIN_HTTP: Final = "Use https. Plain http is only for addresses in the networks that OUTBOUND_ALLOWED_NETWORKS names."

_VISIBLE = re.compile(r"[!-~]+")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


class NotAllowed(BotError):
    """Events may not be sent to this address."""


class NotFound(BotError):
    """This name has no address."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a web address leads, as far as its text says."""

    tls: bool
    host: str
    """A name, or an IP address without brackets."""
    port: int
    path: str
    """With the query."""


def place_of(url: str) -> Place:
    """Return what an address says. Pure. Raises ``NotAllowed`` for what two programs could read differently."""
    if not _VISIBLE.fullmatch(url) or "\\" in url or len(url) > LONGEST:
        raise NotAllowed("Write the address in ASCII, without spaces and backslashes, in at most 2,000 characters.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise NotAllowed("This is not a web address. Write it like https://hooks.example.com/reports.") from None
    if parts.scheme not in {"https", "http"} or not host or port == 0:
        raise NotAllowed("This is not a web address. Write it like https://hooks.example.com/reports.")
    if "@" in parts.netloc or "#" in url:
        raise NotAllowed("The address must not contain a user, a password or a fragment.")
    if is_address(host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise NotAllowed("Write an IP address in its usual form, like 192.0.2.1 or [2001:db8::1].") from None
    elif not _NAME.fullmatch(host):
        raise NotAllowed("This host is not valid. Write international names as xn--….")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(tls, host, port or (443 if tls else 80), path)


def resolve(place: Place, networks: Sequence[str]) -> list[str]:
    """Return the IP addresses of a host, all of which are allowed. Raises ``NotAllowed`` and ``NotFound``."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotFound(f"No address is known for “{place.host}”.") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    allowed = [ipaddress.ip_network(one) for one in networks]
    if not addresses or not all(is_in(one, allowed, or_public=True) for one in addresses):
        raise NotAllowed(NOT_ALLOWED)
    if not place.tls and not all(is_in(one, allowed) for one in addresses):
        raise NotAllowed(PLAIN_HTTP)
    return addresses
