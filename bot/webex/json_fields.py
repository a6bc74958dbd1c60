"""Read the loose values of Webex's report answers: texts, numbers, days, moments and link lifetimes.

Webex documents few of these types, and its examples contradict each other (a number comes as a string, a string as a
number, a time as seconds or as a date). So every reader takes any JSON value and answers a clean value or "unknown";
none of them raises.
"""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bot.logs import redact
from bot.text import one_line

LONGEST_TEXT: Final = 2000
"""Characters kept of a title and the like: more than a card can show, and a bound on what is stored."""
LONGEST_NUMBER: Final = 32
"""Digits and signs of a number that can mean anything here; longer ones only cost time."""

LONGEST_LIFETIME: Final = 1e8
"""A number up to this is a lifetime; a larger one can only be a date."""
LONGEST_IN_SECONDS: Final = 7 * 86400.0
"""A week, as long as such links last anywhere: a larger lifetime without a unit is read as milliseconds."""
EPOCH_SECONDS: Final = (1e9, 1e11)
"""2001 to the year 5138, as seconds since 1970."""
EPOCH_MILLISECONDS: Final = (1e12, 1e14)
LONGEST_MOMENT: Final = 64
"""Characters of a date and time in its longest sensible spelling."""

_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_ZONE_WORD = re.compile(r"\s*(utc|gmt)$", re.IGNORECASE)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a download link ends, whichever way Webex said it."""

    seconds: float
    """From the moment the details were fetched; negative when the link had ended already."""
    at: datetime


def read_text(value: Any, longest: int | None = LONGEST_TEXT) -> str:
    """Return text without control characters and lone surrogates, which neither a card nor a database takes.

    No secret of the bot's is in it, since it is kept and shown. ``longest=None``: to the letter, for ids and links.
    """
    if isinstance(value, str):
        clean = _UNSTORABLE.sub(" ", value).strip()
        if longest is None:
            return clean
        return redact(clean)[:longest] if one_line(clean) else ""  # a title of zero-width spaces is none
    number = read_number(value)
    if number is None:
        return ""
    return str(int(number)) if number.is_integer() else str(number)


def read_number(value: Any) -> float | None:
    """Return a finite number, also when it comes as a string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        return float(text) if len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text) else None
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_size(value: Any) -> int | None:
    """Return a size in Webex's (undocumented) unit; None for 0, which means unknown, and for what is no number."""
    number = read_number(value)
    return int(number) if number is not None and number >= 1 else None


def read_moment(value: Any) -> datetime | None:
    """Return an aware UTC time: ISO 8601 in its many spellings (UTC by default), a mail date, or an epoch."""
    if isinstance(value, str) and len(value) <= LONGEST_MOMENT:
        text = _ZONE_WORD.sub("", value.strip())
        for spelling in (datetime.fromisoformat, parsedate_to_datetime):
            with contextlib.suppress(ValueError, OverflowError, TypeError, IndexError):
                return _aware(spelling(text))
    number = read_number(value)
    return None if number is None else _epoch(number)


def read_day(value: Any) -> date | None:
    """Return a calendar day; a time of day behind it does not move it to another day."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value.strip()[: len("2024-03-24")])
    moment = read_moment(value)
    return None if moment is None else moment.date()


def read_sites(value: Any) -> tuple[str, ...]:
    """Return site names from a list, or from one string with commas."""
    parts = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else []
    return tuple(text for text in (read_text(part) for part in parts) if text)


def read_expiry(raw: Any, fetched_at: datetime) -> Expiry | None:
    """Return how long a link lasts. ``fetched_at`` (aware) is when Webex gave the details.

    Unit and origin are not documented: a small number is taken as seconds from ``fetched_at``, one of more than a week
    as milliseconds, a large one as an epoch in seconds or milliseconds, text as ISO 8601 (a time or a duration). None
    for everything else.
    """
    lifetime = _lifetime(raw)
    try:
        if lifetime is not None:
            return Expiry(lifetime, fetched_at + timedelta(seconds=lifetime))
        at = read_moment(raw)
        return None if at is None else Expiry((at - fetched_at).total_seconds(), at)
    except OverflowError:
        return None


def _lifetime(raw: Any) -> float | None:
    number = read_number(raw)
    if number is not None:
        seconds = number if number <= LONGEST_IN_SECONDS else number / 1000
        return seconds if 0 < number <= LONGEST_LIFETIME else None
    found = _DURATION.fullmatch(raw.strip()) if isinstance(raw, str) and len(raw) <= LONGEST_NUMBER else None
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    return total if 0 < total <= LONGEST_LIFETIME else None


def _epoch(number: float) -> datetime | None:
    if EPOCH_SECONDS[0] <= number < EPOCH_SECONDS[1]:
        return datetime.fromtimestamp(number, UTC)
    if EPOCH_MILLISECONDS[0] <= number < EPOCH_MILLISECONDS[1]:
        return datetime.fromtimestamp(number / 1000, UTC)
    return None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
