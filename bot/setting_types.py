"""How the text of one variable becomes a value: a pure function for each kind of setting, and the types made of them.

A function takes the stripped, non-empty text and returns the value, or raises ``ValueError`` with what is wrong and the
remedy, as the end of a sentence that begins with the variable's name. A secret's value never gets into that sentence.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr

from bot.webex.addresses import is_loopback
from bot.webex.ids import decoded
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_SECRET: Final = 16
MOST_SECRETS: Final = 2
MOST_DAYS: Final = 36500
HIGHEST_NUMBER: Final = 999_999_999
HIGHEST_PORT: Final = 65535

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_NAME = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?")
"""The name of a machine, also one that only a network of containers knows."""
_VERSION = re.compile(r"/v[0-9]+$")
_VISIBLE = re.compile(r"[!-~]+")
_BEARER = re.compile(r"(authorization:\s*)?bearer\s+", re.IGNORECASE)
_NEVER_IN_A_TOKEN = set("\"'<>`")
_EMAIL = re.compile(r"[^@\s\"'`<>()\[\]{},;:]+@[^@\s\"'`<>()\[\]{},;:]+")
_NEVER_IN_A_NAME = set('"<>[]{}`')
_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_SPACE_LINK = re.compile(
    rf"(?:webexteams|webex|https?)://\S*?(?:[?&]space=|/spaces/)({_UUID})(?![0-9a-f-])\S*", re.IGNORECASE
)
_ID_TEXT = re.compile(r"ciscospark://[^/\s]+/([A-Z_]+)/[^/\s]+")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
NO_DATABASE_ADDRESS: Final = (
    "is not a database address that can be read. Write it like postgresql://user@host:5432/name. A password follows "
    "the user and a colon; write @ : / ? # % [ in it as %40 %3A %2F %3F %23 %25 %5B."
)
WRONG_PARAMETER: Final = (
    "has a parameter after its “?” with a name or value that PostgreSQL's libpq doesn't know. Write them like "
    "?sslmode=require; if that “?” is part of the password, write it as %3F."
)
SPACE, ORGANIZATION = "ROOM", "ORGANIZATION"
"""The kinds of IDs that settings hold, as Webex writes them inside an ID."""


def is_public(host: str) -> bool:
    """Return False for an address or a name that is only reachable from inside a machine or a network."""
    bare = host.strip("[]")
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(bare).is_global
    return "." in bare and not is_loopback(bare)


def _quoted(raw: str) -> str:
    """Quote a wrong value: enough of it to find it, too little of a secret that was put into the wrong variable."""
    return f"“{raw}”" if len(raw) < SHORTEST_SECRET else f"“{raw[:8]}…”"


def without_quotes(raw: str) -> str:
    """Remove white space and a pair of quotation marks around a value: shells do so, env files don't."""
    text = raw.strip()
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def _without_brackets(raw: str) -> str:
    """Remove ``<`` and ``>`` around a value, as around a placeholder or an address."""
    text = raw.strip()
    return text[1:-1].strip() if text.startswith("<") and text.endswith(">") else text


def _items(raw: str) -> list[str]:
    """Split a list at commas and line breaks; empty parts do not count."""
    return [item for item in map(without_quotes, re.split(r"[,\n]", raw)) if item]


def token(raw: str) -> str:
    """Read a token or a client's ID: visible ASCII only, since it goes into a header."""
    text = _without_brackets(without_quotes(_BEARER.sub("", _without_brackets(raw), count=1)))
    if not _VISIBLE.fullmatch(text):
        raise ValueError("contains a space, a line break or a letter that no token has. Copy it again.")
    if _NEVER_IN_A_TOKEN & set(text):
        raise ValueError("contains a quotation mark or bracket, which no token has. Copy it again.")
    return text


def one_or_two_secrets(raw: str) -> tuple[str, ...]:
    """Read a secret that something is signed or encrypted with, or two while it is rotated."""
    found = tuple(_items(raw))
    if not 1 <= len(found) <= MOST_SECRETS:
        raise ValueError("must be one secret, or two separated by a comma while you rotate it.")
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise ValueError(f"is too short: use at least {SHORTEST_SECRET} characters (try: openssl rand -hex 32).")
    return found


def web_address(raw: str) -> str:
    """Read a base address; it comes back without trailing slash."""
    raw = _without_brackets(raw)
    try:
        url = urlsplit(raw)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or not _VISIBLE.fullmatch(raw) or url.scheme not in {"http", "https"} or url.path.startswith("//"):
        raise ValueError("is not a web address. Write it like https://bot.example.com.")
    if set("<>") & set(raw):
        raise ValueError("contains a placeholder in < and >. Replace it.")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must not contain a user, a query or a fragment. Write only https://, the host and a path.")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("is plain http. Use https (http is only for this machine's own addresses).")
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
        raise ValueError(f"has {_quoted(raw)}, which isn't https. Plain http is only for this machine's own addresses.")
    if is_loopback(host):
        return host
    if not _HOST.fullmatch(host):
        raise ValueError(f"has {_quoted(raw)}, which isn't a host. Write files.example.com or *.example.com.")
    if host.startswith("*.") and "." not in host[2:]:
        raise ValueError(
            f"has {_quoted(raw)}, which would send the admin token almost anywhere. Name a domain, like *.example.com."
        )
    return host


def host_patterns(raw: str) -> tuple[str, ...]:
    """Read the hosts that may be sent the admin token."""
    return tuple(map(host_pattern, _items(raw)))


def people(raw: str) -> tuple[str, ...]:
    """Read email addresses, also as ``mailto:`` links or between ``<`` and ``>``; they come back in lower case."""
    found = []
    for item in _items(raw):
        address = item[item.rindex("<") :] if "<" in item else item
        address = _without_brackets(address).lower().removeprefix("mailto:").partition("?")[0]
        if not _EMAIL.fullmatch(address):
            raise ValueError(
                f"has {_quoted(item)}, which isn't an email address. Write ada@example.com,grace@example.com."
            )
        found.append(address)
    return tuple(found)


def names(raw: str) -> tuple[str, ...]:
    """Read names or IDs to the letter."""
    found = tuple(map(_without_brackets, _items(raw)))
    for item in found:
        if _NEVER_IN_A_NAME & set(item):
            raise ValueError(
                f"has {_quoted(item)} with a bracket or quotation mark. Write names or IDs separated by commas."
            )
    return found


def webex_id(kind: str) -> Callable[[str], str]:
    """Make a reader of an ID in each spelling: as the API gives it, the bare UUID inside it, or a link to a space.

    It comes back as the API writes it, since calls need it so; IDs are compared by what is inside.
    """
    what, remedy = (
        ("a space", "Use its ID from the API, its UUID, or a link to the space.")
        if kind == SPACE
        else ("an organization", "Use its ID from the API or from Control Hub.")
    )

    def read(raw: str) -> str:
        text = _without_brackets(raw)
        link = _SPACE_LINK.fullmatch(text) if kind == SPACE else None
        bare = link[1] if link else text
        if re.fullmatch(_UUID, bare, re.IGNORECASE):
            return _encoded(f"ciscospark://us/{kind}/{uuid.UUID(bare)}")
        plain = _ID_TEXT.fullmatch(decoded(text) or text)
        if plain is None or plain[1] != kind:
            raise ValueError(f"has {_quoted(text)}, which isn't the ID of {what}. {remedy}")
        return _encoded(text) if text == plain[0] else text.rstrip("=")

    return read


def webex_ids(kind: str) -> Callable[[str], tuple[str, ...]]:
    """Make a reader of a list of IDs."""
    one = webex_id(kind)
    return lambda raw: tuple(map(one, _items(raw)))


def _encoded(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def families(raw: str) -> tuple[str, ...]:
    """Read the report families in the order in which they are asked."""
    found = tuple(item.lower().replace("organisation", "organization") for item in _items(raw))
    if not found or len(set(found)) != len(found) or not set(found) <= set(Family):
        names = " or ".join(Family)
        raise ValueError(f"must be {names}, or several of them separated by commas, in the order to ask.")
    return found


def database(raw: str) -> str:
    """Read SQLite with an absolute path, or ``postgresql://…`` (``postgres://`` and a named driver mean the same)."""
    scheme, found, rest = raw.partition("://")
    dialect = scheme.lower().split("+", 1)[0]
    if found and dialect in {"postgres", "postgresql"} and rest:
        _check_postgresql(rest)
        return f"postgresql://{rest}"
    if found and dialect == "sqlite" and rest.startswith("/") and len(rest) > 1 and ":memory:" not in rest:
        return f"sqlite:///{Path(rest[1:]).absolute()}"
    raise ValueError(
        "is not a database that the bot knows. Use sqlite:////folder/reportbot.db or postgresql://user@host/name."
    )


def connection_parameters(url: str) -> dict[str, Any]:
    """Return what a PostgreSQL URL says to the driver. Raises ``ValueError`` or SQLAlchemy's ``ArgumentError``."""
    from sqlalchemy import make_url  # noqa: PLC0415 - with PostgreSQL only

    parsed = make_url(url).set(drivername="postgresql+psycopg")
    _, parameters = parsed.get_dialect()().create_connect_args(parsed)
    return dict(parameters)


def _check_postgresql(rest: str) -> None:
    """Read what follows ``postgresql://`` with what reads it later. Their errors quote it, so none is passed on."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - with PostgreSQL only
    from psycopg.conninfo import make_conninfo, timeout_from_conninfo  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        urlsplit(f"postgresql://{rest}")
        parameters = connection_parameters(f"postgresql://{rest}")
        read = _is_plausible(rest, parameters)
    except (ValueError, ArgumentError):
        read = False
    if not read:
        raise ValueError(NO_DATABASE_ADDRESS)
    try:
        make_conninfo(**parameters)
        timeout_from_conninfo(parameters)
    except ProgrammingError:
        raise ValueError(WRONG_PARAMETER) from None


def _is_plausible(rest: str, parameters: dict[str, Any]) -> bool:
    """Return False if a part of the password was taken for something else. Raises ``ValueError`` for a wrong port."""
    hosts, ports = (str(parameters.get(name, "")).split(",") for name in ("host", "port"))
    for number in filter(None, ports):
        port(number)
    query = (rest.partition("@")[2] or rest).partition("?")[2]
    return (
        all(map(_is_host_of_database, filter(None, hosts)))
        and "@" not in parameters.get("dbname", "")
        and all("=" in one for one in filter(None, query.split("&")))
    )


def _is_host_of_database(text: str) -> bool:
    """Return True for the name or address of a machine, or the folder of a socket. No name is looked up."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(text)
        return True
    return text.startswith("/") or _NAME.fullmatch(text) is not None


def folder(raw: str) -> Path:
    """Read a folder; it comes back absolute."""
    if not raw.isprintable():  # a line break, or bytes that are no text
        raise ValueError("contains a character that isn't text. Write the folder like /var/lib/reportbot.")
    try:
        return Path(raw).expanduser().absolute()
    except RuntimeError:
        raise ValueError(
            f"has {_quoted(raw)}, which begins with an unknown user. Write the folder like /var/lib/reportbot."
        ) from None


def host(raw: str) -> str:
    """Read the address to listen on: a name or an IP address without port; an IPv6 address may stand in brackets."""
    text = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text))
    name, _, digits = text.rpartition(":")
    if name and digits.isdigit():
        raise ValueError(f"contains a port. Set HOST to {_quoted(name.strip('[]'))} and PORT to {digits[:5]}.")
    if not _HOST.fullmatch(text.lower()) or text.startswith("*"):
        raise ValueError(f"has {_quoted(raw)}, which isn't an address to listen on. Use 0.0.0.0, 127.0.0.1 or ::.")
    return text


def networks(raw: str) -> tuple[str, ...]:
    """Read networks as CIDR blocks, or single addresses."""
    found = []
    for item in _items(raw):
        try:
            found.append(str(ipaddress.ip_network(item)))
        except ValueError:
            raise ValueError(f"has {_quoted(item)}, which isn't a network. Write it like 10.20.0.0/16.") from None
    return tuple(found)


def whole_number(at_least: int, at_most: int) -> Callable[[str], int]:
    """Make a reader of a whole number."""

    def read(raw: str) -> int:
        digits = raw.isascii() and raw.isdigit() and len(raw) <= len(str(at_most))
        if not digits or not at_least <= int(raw) <= at_most:
            raise ValueError(f"must be a whole number from {at_least} to {at_most}.")
        return int(raw)

    return read


port = whole_number(1, HIGHEST_PORT)


def seconds(at_least: float) -> Callable[[str], float]:
    """Make a reader of a time in seconds."""

    def read(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if not at_least <= value < float("inf"):
            raise ValueError(f"must be a number of seconds, {at_least:g} or more, such as 15 or 0.5.")
        return value

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Make a reader of one of a few words, in any letter case."""

    def read(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}.")
        return raw.lower()

    return read


Token = Annotated[SecretStr, BeforeValidator(token)]
ClientId = Annotated[str, BeforeValidator(token)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(one_or_two_secrets)]
WebAddress = Annotated[str, BeforeValidator(web_address)]
ApiAddress = Annotated[str, BeforeValidator(api_address)]
HostPatterns = Annotated[tuple[str, ...], BeforeValidator(host_patterns)]
People = Annotated[tuple[str, ...], BeforeValidator(people)]
Names = Annotated[tuple[str, ...], BeforeValidator(names)]
SpaceId = Annotated[str, BeforeValidator(webex_id(SPACE))]
SpaceIds = Annotated[tuple[str, ...], BeforeValidator(webex_ids(SPACE))]
OrganizationId = Annotated[str, BeforeValidator(webex_id(ORGANIZATION))]
OrganizationIds = Annotated[tuple[str, ...], BeforeValidator(webex_ids(ORGANIZATION))]
Families = Annotated[tuple[str, ...], BeforeValidator(families)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(database)]
Folder = Annotated[Path, BeforeValidator(folder)]
Networks = Annotated[tuple[str, ...], BeforeValidator(networks)]
Host = Annotated[str, BeforeValidator(host)]
Port = Annotated[int, BeforeValidator(port)]
Days = Annotated[int, BeforeValidator(whole_number(0, MOST_DAYS))]
Number = Annotated[int, BeforeValidator(whole_number(0, HIGHEST_NUMBER))]
PollInterval = Annotated[float, BeforeValidator(seconds(0.05))]
Deadline = Annotated[float, BeforeValidator(seconds(1))]
LogLevel = Annotated[str, BeforeValidator(one_of("debug", "info", "warning", "error"))]
LogFormat = Annotated[Literal["json", "text"], BeforeValidator(one_of("json", "text"))]
