"""Read what an HTTP answer means, without sending anything: errors, waits, links to the next page.

Webex's error body is ``{"message", "errors": [{"description"}], "trackingId"}`` with a ``trackingId`` header. Text from
outside is cleaned before it gets into an error, because errors are logged and shown: no link, no token, no markup.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from requests.utils import parse_header_links

from bot.errors import ADMIN_TOKEN, IN_CIRCLES, TOO_LARGE, TOO_MANY_PAGES, UNREADABLE, WebexError
from bot.logs import redact
from bot.text import CONTROL_CHARACTERS
from bot.webex.causes import OAUTH_CODES, chain_of
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT: Final = 3600.0
"""Seconds; a longer Retry-After is cut to this."""
LONGEST_MESSAGE: Final = 300
LONGEST_READ: Final = 1200
"""Letters of a foreign text that are looked through for links and credentials, of which it may lose many."""
LONGEST_HEADER: Final = 100
SPACE_CLOSED: Final = frozenset({403, 404})
"""How Webex answers when the bot was removed from the space, the space was deleted, or only moderators may post."""
MAX: Final = "max"
"""The parameter for the size of a page."""

_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic)\s+\S+", re.IGNORECASE)
_TRACKING_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_FAMILY_WORDS = "|".join(piece for family in FAMILIES.values() for piece in family.path.split("/"))
_WORDS = (
    rf"{_FAMILY_WORDS}|v1|v2|report|templates|people|me|roles|messages|direct|attachment|actions|webhooks|memberships|"
    r"rooms|organizations|identity|scim|Users|access_token"
)
"""What may stand in a path's template; every other piece is an id."""
_ID_PIECE = re.compile(rf"(?<=/)(?!(?:{_WORDS})(?:/|$))[^/]+")


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, as a number or HTTP date, cut to 0…3600; None when unreadable.

    ``now``: seconds since 1970, for the date. Webex has sent ``rand(30),add(30)``, which is no telling.
    """
    raw = header(headers, "Retry-After").strip()
    if not raw or len(raw) > LONGEST_HEADER:
        return None
    seconds = None
    with suppress(ValueError):
        seconds = float(raw)
    if seconds is None:
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            moment = parsedate_to_datetime(raw)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            seconds = moment.timestamp() - (time.time() if now is None else now)
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def error_from(
    call: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: tuple[str, ...] = (),
    whose: str = ADMIN_TOKEN,
) -> WebexError:
    """Make the error of an answer that is not a success. ``secrets`` are taken out of Webex's message.

    ``whose``: the token that the call was made with, in words.
    """
    details: Any = None
    with suppress(ValueError, RecursionError):
        details = json.loads(body)
    message, tracking = "", tracking_id(headers)
    if isinstance(details, dict):
        message = _text(details.get("message")) or _first_description(details.get("errors"))
        code = _text(details.get("error"))
        if code in OAUTH_CODES:
            message = f"{code}: {message or _text(details.get('error_description'))}"
        said = _text(details.get("trackingId"))
        tracking = tracking or (said if _TRACKING_ID.fullmatch(said) else "")
    if redact(tracking) != tracking or any(secret and secret in tracking for secret in secrets):
        tracking = ""
    return WebexError(
        call,
        status,
        message=cleaned(message, secrets),
        tracking_id=tracking,
        retry_after=retry_after(headers),
        whose=whose,
    )


def json_of(method: str, url: str, body: bytes) -> Any:
    """Read a success's body. Raises ``WebexError`` when it is no JSON: a GET may be repeated, a POST took effect."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        failure = unreadable(f"{method} {urlsplit(url).path}")
    raise failure


def unreadable(call: str) -> WebexError:
    """Make the error of a success whose body cannot be read; what a POST did is then unknown."""
    reached = True if call.startswith("GET ") else None
    return WebexError(call, None, message=UNREADABLE, reached=reached)


def too_large(call: str) -> WebexError:
    """Make the error of a success that is too large to be read; it will not be smaller the next time."""
    reached = True if call.startswith("GET ") else None
    return WebexError(call, None, message=TOO_LARGE, reached=reached, passing=False)


def endless(call: str, *, circles: bool) -> WebexError:
    """Make the error of a listing that comes to no end: its pages lead in ``circles``, or there are too many."""
    return WebexError(call, None, message=IN_CIRCLES if circles else TOO_MANY_PAGES, passing=False)


def tracking_id(headers: Mapping[str, str]) -> str:
    """Return Webex's tracking id, which its support asks for; empty when there is none, or none that can be shown."""
    raw = header(headers, "trackingId").strip()
    return raw if _TRACKING_ID.fullmatch(raw) else ""


def cleaned(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return text from outside, fit for an error: one short line without links, credentials and secrets."""
    text = redact(text)
    for secret in secrets:
        if secret:
            text = text.replace(secret, "(hidden)")
    text = text[:LONGEST_READ]  # after the secrets, of which half a one would not be known any more
    text = _BEARER.sub(r"\1 (hidden)", _LINK.sub("(link)", " ".join(CONTROL_CHARACTERS.sub(" ", text).split())))
    return text.strip()[:LONGEST_MESSAGE]


def header(headers: Mapping[str, str], name: str) -> str:
    """Return one header's value in any letter case, or empty."""
    value = headers.get(name)
    if value is None:
        value = next((value for key, value in headers.items() if key.lower() == name.lower()), "")
    return value


def next_link(headers: Mapping[str, str]) -> str | None:
    """Return the address of the next page (RFC 8288), if any."""
    for link in parse_header_links(header(headers, "Link")):
        if link.get("rel", "").lower() == "next" and link.get("url"):
            return str(link["url"])
    return None


def next_page(url: str, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> str | None:
    """Return the address of the next page with everything that ``params`` asked for at the first, if there is one.

    Webex's links have lost filters, and carried ``max=null``, on which the next call fails.
    """
    link = next_link(headers)
    if link is None:
        return None
    try:
        whole = urlsplit(urljoin(url, link))
    except ValueError:
        return link  # the transport refuses it
    pairs = parse_qsl(whole.query, keep_blank_values=True)
    sized = any(name == MAX and value.isdecimal() for name, value in pairs)
    asked = {name: str(value) for name, value in (params or {}).items() if not (name == MAX and sized)}
    fit = [(name, value) for name, value in pairs if name != MAX or value.isdecimal()]
    if fit == pairs and set(asked.items()) <= set(pairs):
        return whole.geturl()
    kept = [(name, value) for name, value in fit if name not in asked]
    return whole._replace(query=urlencode([*kept, *asked.items()])).geturl()


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address, comparable. Raises ``ValueError`` for what has none."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if not scheme or not host or parts.username is not None:
        raise ValueError("not a plain web address")
    return scheme, host, parts.port or {"http": 80, "https": 443}.get(scheme)


def template(path: str) -> str:
    """Return a path without its ids, for logs and metrics: ``/v1/reports/abc`` → ``/v1/reports/{id}``."""
    return _ID_PIECE.sub("{id}", path)


def names_of(error: BaseException) -> str:
    """Return a foreign error as its chain of types and the system's words; its text may hold links and is left out."""
    found: list[str] = []
    for one in chain_of(error):
        # Only the number: an error of requests is an OSError too, whose "strerror" can be any text.
        words = os.strerror(one.errno) if isinstance(one, OSError) and isinstance(one.errno, int) else ""
        found.append(f"{type(one).__name__} ({words})" if words else type(one).__name__)
    return ": ".join(found)


def _first_description(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    return _text(first.get("description")) if isinstance(first, dict) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
