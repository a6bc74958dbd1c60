"""How the text of one variable becomes a value: a small reader for each kind of setting, pure and without context.

A reader takes the stripped, non-empty text and returns the value, or raises ``ValueError`` with what is wrong and the
remedy, as the end of a sentence that begins with the variable's name. A secret's value never gets into that sentence.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_SECRET: Final = 16
MOST_WEBHOOK_SECRETS: Final = 2
HIGHEST_PORT: Final = 65535
MOST_DAYS: Final = 36500
LONGEST_NUMBER: Final = 9

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_VERSION = re.compile(r"/v[0-9]+$")
_VISIBLE = re.compile(r"[!-~]+")


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses and for the name ``localhost``; other names are never resolved."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def start_of(raw: str) -> str:
    """Enough of a wrong value to find it again, and too little of a secret that was put into the wrong variable."""
    return raw if len(raw) < SHORTEST_SECRET else f"{raw[:8]}…"


def items(raw: str) -> list[str]:
    """Split a comma-separated list; empty parts do not count."""
    return [item for item in (part.strip() for part in raw.split(",")) if item]


def token(raw: str) -> str:
    """Read a token or an id of a client: visible ASCII only, since it goes into a header."""
    if not _VISIBLE.fullmatch(raw):
        raise ValueError("holds a space, a line break or a letter that no token has; copy it again, whole and alone")
    return raw


def webhook_secrets(raw: str) -> tuple[str, ...]:
    """Read the one or two secrets that sign webhooks."""
    found = tuple(items(raw))
    if not 1 <= len(found) <= MOST_WEBHOOK_SECRETS:
        raise ValueError("must be one secret, or two with a comma between them while you rotate; remove the others")
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise ValueError(f"is too short; each secret needs {SHORTEST_SECRET} characters (try: openssl rand -hex 32)")
    return found


def key_text(raw: str) -> str:
    """Read the text that a key is derived from."""
    if len(raw) < SHORTEST_SECRET:
        raise ValueError(f"is too short; it needs {SHORTEST_SECRET} characters or more (try: openssl rand -hex 32)")
    return raw


def web_address(raw: str) -> str:
    """Read a base address; it comes back without trailing slash."""
    try:
        url = urlsplit(raw)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https"}:
        raise ValueError("is not a web address; write it as https://name.example")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must hold no user, query or fragment; write only https://, the host and a path")
    if set("<>") & set(unquote(url.path)):
        raise ValueError("has a path with < or > in it; write the address as it is, without a placeholder")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("is plain http; use https (http is only for this machine's own addresses)")
    return raw.rstrip("/")


def api_address(raw: str) -> str:
    """Read the base address of the Webex API; it comes back with its version, ``/v1`` unless another one is named."""
    address = web_address(raw)
    return address if _VERSION.search(address) else f"{address}/v1"


def host_pattern(raw: str) -> str:
    """Bring one pattern to a bare host in lower case: any port is meant, so a port, scheme or path is left out."""
    scheme, _, rest = raw.lower().rpartition("://")
    host = rest.split("/", 1)[0]
    if host.startswith("["):
        host = host[1:].split("]", 1)[0]
    elif host.count(":") == 1:
        host = host.split(":", 1)[0]
    if scheme not in {"", "https"} and not (scheme == "http" and is_loopback(host)):
        raise ValueError(f"“{start_of(raw)}” is not https; plain http is only for this machine's own addresses")
    if is_loopback(host):
        return host
    if not _HOST.fullmatch(host):
        raise ValueError(f"“{start_of(raw)}” is not a host; write names as files.example.com or *.example.com")
    if host.startswith("*.") and "." not in host[2:]:
        raise ValueError(
            f"“{start_of(raw)}” would send the admin token nearly anywhere; name a domain, as *.example.com"
        )
    return host


def host_patterns(raw: str) -> tuple[str, ...]:
    """Read the hosts that may be sent the admin token."""
    return tuple(host_pattern(item) for item in items(raw))


def people(raw: str) -> tuple[str, ...]:
    """Read e-mail addresses; they come back in lower case."""
    found = tuple(item.lower() for item in items(raw))
    for item in found:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", item):
            raise ValueError(f"“{start_of(item)}” is not an e-mail address; write ada@example.com,grace@example.com")
    return found


def names(raw: str) -> tuple[str, ...]:
    """Read names or ids to the letter."""
    return tuple(items(raw))


def families(raw: str) -> tuple[str, ...]:
    """Read the report families in the order in which they are asked."""
    found = tuple(item.lower().replace("organisation", "organization") for item in items(raw))
    if not found or len(set(found)) != len(found) or not set(found) <= {"partner", "organization"}:
        raise ValueError("must be partner, organization, or both with a comma between them, in the order to ask")
    return found


def database(raw: str) -> str:
    """SQLite with an absolute path, or ``postgresql://…`` (``postgres://`` and a named driver mean the same)."""
    scheme, found, rest = raw.partition("://")
    dialect = scheme.lower().split("+", 1)[0]
    if found and dialect in {"postgres", "postgresql"} and rest:
        with contextlib.suppress(ValueError):
            urlsplit(raw)
            return f"postgresql://{rest}"
    if found and dialect == "sqlite" and rest.startswith("/") and len(rest) > 1 and ":memory:" not in rest:
        return f"sqlite:///{Path(rest[1:]).absolute()}"
    raise ValueError("is no database that the bot knows; use sqlite:////folder/reportbot.db or postgresql://…")


def folder(raw: str) -> Path:
    """Read a folder; it comes back absolute."""
    return Path(raw).expanduser().absolute()


def port(raw: str) -> int:
    """Read a TCP port."""
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= HIGHEST_PORT:
        raise ValueError(f"is not a port; write a number from 1 to {HIGHEST_PORT}")
    return int(raw)


def number(raw: str) -> int:
    """Read a whole number."""
    if not raw.isascii() or not raw.isdigit() or len(raw) > LONGEST_NUMBER:
        raise ValueError("is not a whole number; write it as 30")
    return int(raw)


def seconds(at_least: float) -> Callable[[str], float]:
    """Make a reader of a time in seconds."""

    def read(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if not at_least <= value < float("inf"):
            raise ValueError(f"is not a number of seconds, {at_least:g} or more; write it as 15 or 0.5")
        return value

    return read


def days(raw: str) -> int:
    """Read a whole number of days; 0 has a meaning of its own."""
    if not raw.isascii() or not raw.isdigit() or int(raw) > MOST_DAYS:
        raise ValueError(f"is not a whole number of days from 0 to {MOST_DAYS}; write it as 365")
    return int(raw)


def one_of(*words: str) -> Callable[[str], str]:
    """Make a reader of one word out of a few, in any letter case."""

    def read(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return raw.lower()

    return read
