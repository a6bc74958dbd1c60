"""How the text of one variable becomes a value: a small reader for each kind of setting, pure and without context.

A reader takes the stripped, non-empty text and returns the value, or raises ``ValueError`` with what is wrong and the
remedy, as the end of a sentence that begins with the variable's name. A secret's value never gets into that sentence.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from bot.webex.ids import decoded
from bot.webex.public_only import is_loopback

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
_BEARER = re.compile(r"(authorization:\s*)?bearer\s+", re.IGNORECASE)
_NEVER_IN_A_TOKEN = set("\"'<>`")
_EMAIL = re.compile(r"[^@\s\"'`<>()\[\]{},;:]+@[^@\s\"'`<>()\[\]{},;:]+")
_NEVER_IN_A_NAME = set('"<>[]{}`')
_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_IN_A_LINK = re.compile(
    rf"(?:webexteams|webex|https?)://\S*?(?:[?&]space=|/spaces/)({_UUID})(?![0-9a-f-])\S*", re.IGNORECASE
)
_ID_TEXT = re.compile(r"ciscospark://[^/\s]+/([A-Z_]+)/[^/\s]+")
QUOTES: Final = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
SPACE, ORGANIZATION = "ROOM", "ORGANIZATION"
"""The kinds of ids that settings hold, as Webex writes them within an id."""


def start_of(raw: str) -> str:
    """Enough of a wrong value to find it again, and too little of a secret that was put into the wrong variable."""
    return raw if len(raw) < SHORTEST_SECRET else f"{raw[:8]}…"


def without_quotes(raw: str) -> str:
    """Remove white space and a pair of quotation marks around a value: shells do so, env files don't."""
    text = raw.strip()
    while len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def without_brackets(raw: str) -> str:
    """Remove ``<`` and ``>`` around a value, as around a placeholder or an address."""
    text = raw.strip()
    return text[1:-1].strip() if text.startswith("<") and text.endswith(">") else text


def items(raw: str) -> list[str]:
    """Split a list at commas and line ends; empty parts do not count."""
    return [item for item in map(without_quotes, re.split(r"[,\n]", raw)) if item]


def token(raw: str) -> str:
    """Read a token or an id of a client: visible ASCII only, since it goes into a header."""
    text = without_brackets(without_quotes(_BEARER.sub("", without_brackets(raw), count=1)))
    if not _VISIBLE.fullmatch(text):
        raise ValueError("holds a space, a line break or a letter that no token has; copy it again, whole and alone")
    if _NEVER_IN_A_TOKEN & set(text):
        raise ValueError("holds a quotation mark or bracket, which no token has; copy it again, whole and alone")
    return text


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
    raw = without_brackets(raw)
    if not _VISIBLE.fullmatch(raw):
        raise ValueError("holds a space or a letter that no web address has; write it as https://name.example")
    try:
        url = urlsplit(raw)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https"} or url.path.startswith("//"):
        raise ValueError("is not a web address; write it as https://name.example")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must hold no user, query or fragment; write only https://, the host and a path")
    if set("<>") & set(unquote(url.path)):
        raise ValueError("has a path with < or > in it; write the address as it is, without a placeholder")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("is plain http; use https (http is only for this machine's own addresses)")
    return raw.rstrip("/")


def is_public(host: str) -> bool:
    """False for an address or a name that can only be reached from within a machine or a network."""
    bare = host.strip("[]")
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(bare).is_global
    return "." in bare and not is_loopback(bare)


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
    """Read e-mail addresses, also as ``mailto:`` links or between ``<`` and ``>``; they come back in lower case."""
    found = []
    for item in items(raw):
        address = item[item.rindex("<") :] if "<" in item else item
        address = without_brackets(address).lower().removeprefix("mailto:").partition("?")[0]
        if not _EMAIL.fullmatch(address):
            raise ValueError(f"“{start_of(item)}” is not an e-mail address; write ada@example.com,grace@example.com")
        found.append(address)
    return tuple(found)


def names(raw: str) -> tuple[str, ...]:
    """Read names or ids to the letter."""
    found = tuple(map(without_brackets, items(raw)))
    for item in found:
        if _NEVER_IN_A_NAME & set(item):
            raise ValueError(
                f"“{start_of(item)}” holds a bracket or quotation mark; write names or IDs with commas between"
            )
    return found


def webex_id(kind: str) -> Callable[[str], str]:
    """Make a reader of an ID in each spelling: as the API gives it, the bare UUID within, or a link that holds it.

    It comes back as the API writes it, since calls need it so; ids are compared by what is within.
    """
    what, others = (
        ("space", "as a UUID, or as a link to the space")
        if kind == SPACE
        else ("organization", "or as Control Hub does")
    )

    def read(raw: str) -> str:
        text = without_brackets(raw)
        link = _IN_A_LINK.fullmatch(text) if kind == SPACE else None
        bare = link[1] if link else text
        if re.fullmatch(_UUID, bare, re.IGNORECASE):
            return _encoded(f"ciscospark://us/{kind}/{uuid.UUID(bare)}")
        plain = _ID_TEXT.fullmatch(decoded(text) or text)
        if plain is None:
            raise ValueError(f"“{start_of(text)}” isn't the ID of {_a(what)}; write it as the API gives it, {others}")
        if plain[1] != kind:
            raise ValueError(f"“{start_of(text)}” is the ID of another thing ({plain[1]}); write that of {_a(what)}")
        return _encoded(text) if text == plain[0] else text.rstrip("=")

    return read


def webex_ids(kind: str) -> Callable[[str], tuple[str, ...]]:
    """Make a reader of a list of ids."""
    one = webex_id(kind)
    return lambda raw: tuple(map(one, items(raw)))


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _encoded(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


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
    if not raw.isprintable():  # a line break, or bytes that are no text
        raise ValueError("holds a character that is not text; write the folder as /var/lib/reportbot")
    try:
        return Path(raw).expanduser().absolute()
    except RuntimeError:
        raise ValueError(
            f"“{start_of(raw)}” begins with a user that isn't known here; write the folder as /var/lib/reportbot"
        ) from None


def host(raw: str) -> str:
    """Read the address to listen on: a name or an IP address without port; an IPv6 address may stand in brackets."""
    text = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text))
    name, _, port_ = text.rpartition(":")
    if name and port_.isdigit():
        raise ValueError(
            f"holds a port; set HOST to the address alone ({start_of(name.strip('[]'))}) and PORT to {port_[:5]}"
        )
    if not _HOST.fullmatch(text.lower()) or text.startswith("*"):
        raise ValueError(f"“{start_of(raw)}” is not an address to listen on; write 0.0.0.0, 127.0.0.1 or ::")
    return text


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
