"""Who asked for what, where, and what came of it: rows that are added and never changed.

A row is written by the transaction that it tells of, so there is never one without the other. It holds ids, times and
short words of our own; never a text of a message, a title, an address, a link or the content of a file.

Where someone asked is a space's id, but for 1:1 spaces a plain word: such a space has one person, so its id would name
them as their own does, and lead from what they do later to what was forgotten.

The database refuses changes itself (triggers, see migrations 0002 and 0004): an UPDATE of anything but the person, who
may only become a pseudonym and only once, and a DELETE of what is not older than the day that :func:`prune` has noted.
That guards against slips and bugs of the program. Anyone who owns the database can drop the triggers: to be safe from
them, export the rows regularly (``reportbot audit --json``) to a place that is not theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update

from bot.db import key_values
from bot.db.id_spellings import spellings
from bot.db.tables import audit
from bot.errors import Refused, WebexError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Executable, Select

    from bot.db.database import Transaction
    from bot.errors import BotError

LONGEST_WORD = 64
LONGEST_ID = 600
"""Letters of an id; ours and Webex's are shorter, and a forged one must not fill the disk."""
KEPT_SINCE = "audit_kept_since"
"""The fact that the DELETE trigger reads: rows before this time may go."""

ASKED, ANSWERED, ALLOWED, DIRECT_ONLY = "asked", "answered", "allowed", "allowed:directly"
"""Outcomes of a request: a request was opened; no policy was needed; policy allowed it (and answered directly)."""
DELETED = "deleted"
"""The outcome of a confirmed deletion."""
CHANGED = "changed"
"""The outcome of a change of settings."""
REFUSED, ERROR, FAILED = "refused", "error", "failed"
DELIVERY = "delivery"
"""The act of a request's end; its outcome is ``delivered``, ``failed``, ``refused``, ``canceled``, ``expired`` or
``unsure``, with the cause behind a colon."""
REQUEST = "request"
"""The act of an event whose words could not be read."""
UNKNOWN_WORD = "unknown"
SETTINGS, FORGET, IMPORT, KEYS = "settings", "forget", "import", "keys"
WEBHOOKS, HOOK = "webhooks", "hook"
PSEUDONYM = "forgotten-"
"""How a pseudonym begins; the triggers take nothing else in a person's place."""
DIRECT = "direct"
"""Webex's type of a 1:1 space."""
DIRECT_SPACE = "1:1"
"""Stands in the place of such a space's id."""

_INSERT = audit.insert()
_NAMES = audit.c.keys()
_UNFIT = re.compile(r"[^a-z0-9_:]+")


class Channel(StrEnum):
    """How something came in."""

    CHAT = "chat"
    BUTTON = "button"
    SYSTEM = "system"
    """The bot itself: what happens without anyone asking for it just then."""
    CLI = "cli"
    API = "api"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one row says; empty means that there is none."""

    channel: Channel
    act: str
    outcome: str
    person_id: str | None = None
    room_id: str | None = None
    """As :func:`place` says it."""
    report_id: str | None = None
    reference: str | None = None
    """The request's or the error's, the same as the person was told and the log has."""
    tracking: str | None = None
    """Webex's tracking ids, separated by spaces, where Webex gave them with an error."""


@dataclass(frozen=True, slots=True)
class Row(Entry):
    """A row as it is kept."""

    id: int = 0
    at: datetime | None = None


def record(tx: Transaction, entry: Entry, now: datetime) -> None:
    """Add one row."""
    values = {
        "at": now,
        "channel": entry.channel.value,
        "act": _word(entry.act),
        "outcome": _word(entry.outcome),
        "person_id": _id(entry.person_id),
        "room_id": _id(entry.room_id),
        "report_id": _id(entry.report_id),
        "reference": _id(entry.reference),
        "tracking": _id(entry.tracking),
    }
    tx.execute(_INSERT, values)


def _word(text: str) -> str:
    return _UNFIT.sub("_", text.lower())[:LONGEST_WORD]


def _id(text: str | None) -> str | None:
    return text[:LONGEST_ID] if text else None


def place(room_id: str | None, room_type: str | None) -> str | None:
    """Return the place for a row: a group space's ID, ``1:1``, or nothing where Webex did not say which it is."""
    if room_type == DIRECT:
        return DIRECT_SPACE
    return room_id if room_type else None


def is_direct(place: str | None) -> bool:
    """Return True when a row's place is a 1:1 space."""
    return place == DIRECT_SPACE


def calls_since(tx: Transaction, callers: Collection[str], since: datetime) -> int:
    """Return how many calls there were of keys of the API, or hooks, since then; ``callers``: what stands for them."""
    calls = (audit.c.person_id.in_(callers), audit.c.channel == Channel.API.value)  # it has one spelling
    query = select(func.count()).where(*calls, audit.c.at > since)
    return int(tx.execute(query).scalar_one())


def joined(word: str, why: str) -> str:
    """Return ``refused:not_administrator``, or the word alone where there is no more to say."""
    return f"{word}:{why}" if why not in {"", word} else word


def cause_of(error: BotError) -> str:
    """Return a short, stable word for an error: policy's reason, ``webex_404``, or the error's kind."""
    if isinstance(error, Refused):
        return error.reason
    if isinstance(error, WebexError):
        return f"webex_{error.status or 'silent'}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def tracking_of(error: BotError | None) -> str | None:
    """Return Webex's tracking IDs of an error, also of one that gathers several answers."""
    gathered = getattr(error, "answers", None)
    errors = list(gathered.values()) if isinstance(gathered, dict) else [error]
    ids = [one.tracking_id for one in errors if isinstance(one, WebexError) and one.tracking_id]
    return " ".join(ids) or None


def read(
    tx: Transaction,
    *,
    limit: int,
    after: int = 0,
    person_id: str | None = None,
    report_id: str | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """Return rows in the order they were written, from the one behind ``after`` (a row's id) on."""
    where = [audit.c.id > after, *_about(tx, person_id, report_id)]
    if since is not None:
        where.append(audit.c.at >= since)
    return _rows(tx, select(audit).where(*where).order_by(audit.c.id).limit(limit))


def latest(
    tx: Transaction,
    limit: int,
    *,
    skip: int = 0,
    person_id: str | None = None,
    report_id: str | None = None,
    without: Select[tuple[str]] | None = None,
    reader_id: str | None = None,
) -> list[Row]:
    """Give the newest rows but the first ``skip``, newest first.

    ``without``: a query of the report ids of which none are given but the reader's own rows: someone who asked for an
    id and got nothing finds that on record, whether there is such a report or not.
    """
    where = _about(tx, person_id, report_id)
    if without is not None:
        shown = audit.c.report_id.is_(None) | audit.c.report_id.not_in(without)
        where.append(or_(shown, *_about(tx, reader_id, None)))
    return _rows(tx, select(audit).where(*where).order_by(audit.c.id.desc()).limit(limit).offset(skip))


def with_reference(tx: Transaction, reference: str, *, person_id: str | None = None) -> list[Row]:
    """Return what was told with a reference, oldest first; of one person if one is named."""
    where = [audit.c.reference == reference, *_about(tx, person_id, None)]
    return _rows(tx, select(audit).where(*where).order_by(audit.c.id))


def _about(tx: Transaction, person_id: str | None, report_id: str | None) -> list[ColumnElement[bool]]:
    where = [] if report_id is None else [audit.c.report_id == report_id]
    if person_id is not None:
        where.append(audit.c.person_id.in_(spellings(tx, audit.c.person_id, person_id)))
    return where


def _rows(tx: Transaction, query: Executable) -> list[Row]:
    found = (dict(zip(_NAMES, row, strict=True)) for row in tx.execute(query))
    return [Row(**one | {"channel": Channel(one["channel"])}) for one in found]


def is_there_before(tx: Transaction, before: datetime) -> bool:
    """Return True when there are rows of before a time."""
    return tx.execute(select(audit.c.id).where(audit.c.at < before).limit(1)).first() is not None


def prune(tx: Transaction, before: datetime, now: datetime, limit: int) -> int:
    """Delete rows of before a time, oldest first, at most so many; gives how many went.

    The time is noted first: the database deletes nothing that is younger than it.
    """
    old: Sequence[int] = (
        tx.execute(select(audit.c.id).where(audit.c.at < before).order_by(audit.c.at).limit(limit)).scalars().all()
    )
    if not old:
        return 0
    key_values.set(tx, KEPT_SINCE, before.astimezone(UTC).isoformat(timespec="microseconds"), now)
    return tx.execute(delete(audit).where(audit.c.id.in_(old))).rowcount


def is_pseudonym(person_id: str) -> bool:
    """Return True when an ID stands for someone who was forgotten."""
    return person_id.startswith(PSEUDONYM)


def rename(tx: Transaction, person_id: str, pseudonym: str) -> int:
    """Put a pseudonym in a person's place; gives in how many rows."""
    theirs = audit.c.person_id.in_(spellings(tx, audit.c.person_id, person_id))
    return tx.execute(update(audit).where(theirs).values(person_id=pseudonym)).rowcount
