"""Decide whether an address may be sent the admin token, or be asked without it. Pure, and asked for every redirect.

An address that two parsers could read differently is refused: what is checked here must be what is dialled.
"""

from __future__ import annotations

import ipaddress
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from bot.errors import CONTACT, FileRejected
from bot.webex.addresses import is_address, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Visible ASCII without the backslash, which some parsers take for a slash."""
_HOST = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}")
"""A name or an address; nothing that could be unescaped or split once more."""


def permitted_host(url: str, patterns: Iterable[str]) -> str:
    """Return the host of an address that may be sent the token: https to a host that a pattern names, at any port.

    Plain http is for this machine's own addresses. Raises ``FileRejected``, whose sentence names the host only.
    """
    host = _host(url)
    if not host:
        raise _not_understood()
    if not is_named(url, patterns):
        error = FileRejected(
            f"The report's download link leads to “{host}”, which isn't one of Webex's download hosts, so I didn't "
            f"download the file. {CONTACT}"
        )
        error.advice = "Webex's download hosts are those in REPORT_DOWNLOAD_HOSTS: they are sent the admin token."
        raise error
    scheme = urlsplit(url).scheme.lower()
    if scheme != "https" and not (scheme == "http" and is_loopback(host)):
        raise _not_encrypted()
    return host


def is_named(url: str, patterns: Iterable[str]) -> bool:
    """Return whether an address is at a host that a pattern names."""
    host = _host(url)
    return bool(host) and any(fnmatchcase(host, pattern.lower()) for pattern in patterns)


def outside_host(url: str) -> str:
    """Return the host of an address that may be asked without the token: any host, over https.

    Whether it is a public one shows when it is connected to (``public_only.py``). Raises ``FileRejected``.
    """
    host = _host(url)
    if not host or host.endswith(".") or (is_address(host) and not _is_plain_address(host)):
        raise _not_understood()
    if urlsplit(url).scheme.lower() != "https":
        raise _not_encrypted()
    return host


def redirected(url: str, location: str) -> str:
    """Return the absolute address of a redirect; the caller asks :func:`permitted_host` whether to follow it."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _not_understood() -> FileRejected:
    return FileRejected(
        f"The report's download link isn't a valid web address, so I didn't download the file. {CONTACT}"
    )


def _not_encrypted() -> FileRejected:
    return FileRejected("The report's download link isn't encrypted (https), so I didn't follow it.")


def _is_plain_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host(url: str) -> str:
    """Return the host that every parser agrees on, in lower case; empty when there is doubt."""
    if not _PLAIN.fullmatch(url):
        return ""
    try:
        parts = urlsplit(url)
        dialled = parse_url(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except (ValueError, LocationParseError):
        return ""
    if parts.username is not None or "@" in parts.netloc or host != (dialled.host or "").strip("[]").lower():
        return ""
    return host if _HOST.fullmatch(host) else ""
