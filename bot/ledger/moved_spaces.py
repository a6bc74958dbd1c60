"""A space that moves gets a new id (``rooms/migrated``): what the ledger knows of it moves along, in one transaction.

What such an event holds is documented nowhere, so every reading that makes sense is taken: two ids whose names say
which is which, two that do not, or one alone. Where one id is left, the bare ids tell: a space that moves to another
region may keep its own, with another region before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from bot.ledger import audit
from bot.ledger import facts as by_name
from bot.ledger.audit import Door, Entry
from bot.ledger.events import NEW, Event
from bot.ledger.spellings import spellings
from bot.ledger.tables import deliveries, events, facts, posts
from bot.webex_ids import id_key, same_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from bot.store import Transaction

RESOURCE, MIGRATED = "rooms", "migrated"
PREFIX = "moved_space:"
"""Begins the name of the fact that says where a space is now, by its old id."""
SPACE, LEFT, ENTERED = "space", "moved:from", "moved:to"
"""The audit's words: one row with the old id, one with the new."""
LONGEST_ID = 512
DEEPEST = 3
"""How deep ids are looked for in the event's data."""

_PLACE = r"(room|space|conversation)?(id)?"
_OLD = re.compile(rf"(old|prev|previous|former|from|source|origin|original|(moved|migrated)from|replace[sd]){_PLACE}")
_NEW = re.compile(rf"(new|current|next|to|target|dest|destination|(moved|migrated)to|replacement|successor){_PLACE}")
_PLAIN = re.compile(r"id|(room|space|conversation)id")


def is_move(event: Event) -> bool:
    """Whether the event says that a space has moved."""
    return (event.resource, event.event) == (RESOURCE, MIGRATED)


def event_of(data: Mapping[str, Any]) -> Event:
    """The event for the ledger, whatever its data look like; see :func:`ids_of` for what is kept of them."""
    old: str | None = None
    new: str | None = None
    plain: list[str] = []
    for name, value in _texts(data):
        if _OLD.fullmatch(name):
            old = old or value
        elif _NEW.fullmatch(name):
            new = new or value
        elif _PLAIN.fullmatch(name) and value not in plain:
            plain.append(value)
    if old and not new:
        new = next((one for one in plain if one != old), None)
    elif new and not old:
        old = next((one for one in plain if one != new), None)
    if old and new and old != new:
        return Event(RESOURCE, MIGRATED, f"{old} {new}", room_id=old)
    known = plain or [one for one in (old, new) if one]
    if not known:
        # Kept all the same: refusing what Webex sends could have the webhook disabled.
        digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
        return Event(RESOURCE, MIGRATED, f"unreadable:{digest}")
    return Event(RESOURCE, MIGRATED, known[0], room_id=known[-1])


def _texts(values: Mapping[str, Any], depth: int = 0, within: str = "") -> Iterator[tuple[str, str]]:
    """Names in small letters without joints, the outer one before the inner (``old.room.id``: ``oldroomid``)."""
    for key, value in values.items():
        name = within + re.sub(r"[^a-z]", "", str(key).lower())
        if isinstance(value, dict) and depth < DEEPEST:
            yield from _texts(value, depth + 1, name)
        elif isinstance(value, str) and value and " " not in value and value.isprintable() and len(value) <= LONGEST_ID:
            yield name, value


def ids_of(event: Event) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The old id and the new one where the event says which is which; else None twice and the ids that it names."""
    old, _, new = event.data_id.partition(" ")
    if new:
        return old, new, ()
    named = tuple(dict.fromkeys(one for one in (event.data_id, event.room_id) if one))
    return None, None, () if event.data_id.startswith("unreadable:") else named


def knows(tx: Transaction, room_id: str) -> bool:
    """Whether the ledger has anything in a space of this id."""
    tables = (deliveries, posts)
    return any(tx.execute(select(one.c.id).where(one.c.room_id == room_id).limit(1)).first() for one in tables)


def relatives(tx: Transaction, room_id: str) -> list[str]:
    """Other spellings of a space's id in the ledger."""
    seen = {one for table in (deliveries, posts) for one in spellings(tx, table.c.room_id, room_id)}
    return sorted(seen - {room_id})


def move(tx: Transaction, old: str, new: str, now: datetime) -> int:
    """Have everything in the ledger stand in the space's new place; gives how many requests moved with it."""
    moved, *_ = (
        tx.execute(
            update(table).where(table.c.room_id.in_(spellings(tx, table.c.room_id, old)), *only).values(room_id=new)
        ).rowcount
        for table, *only in ((deliveries,), (posts,), (events, events.c.state == NEW))
    )
    for one, _ in _moves(tx):
        if same_id(one, new):  # it may have moved back
            by_name.forget(tx, f"{PREFIX}{one}")
    tx.execute(
        update(facts).where(facts.c.name.startswith(PREFIX, autoescape=True), facts.c.value == old).values(value=new)
    )
    by_name.note(tx, f"{PREFIX}{old}", new, now)
    direct = tx.execute(select(posts.c.id).where(posts.c.room_id == new, posts.c.direct).limit(1)).first()
    for outcome, room_id in ((LEFT, old), (ENTERED, new)):
        where = audit.DIRECT_SPACE if direct else room_id
        audit.record(tx, Entry(Door.SYSTEM, SPACE, outcome, room_id=where), now)
    return moved


def note_spelling(tx: Transaction, room_id: str, spelled: str, now: datetime) -> None:
    """Keep how Webex spells the id of a space that the settings spell otherwise: calls need Webex's own."""
    by_name.note(tx, f"{PREFIX}{room_id}", spelled, now)


def now_at(tx: Transaction, room_id: str) -> str:
    """The id that a space has now: for the settings, which may still name an old one."""
    return next((new for old, new in _moves(tx) if same_id(old, room_id)), room_id)


def with_moved(tx: Transaction, room_ids: Collection[str]) -> frozenset[str]:
    """These spaces, by the ids of the settings and by those that they have now, in any spelling."""
    wanted = {id_key(one) for one in room_ids}
    return frozenset(room_ids) | {new for old, new in _moves(tx) if id_key(old) in wanted}


def _moves(tx: Transaction) -> list[tuple[str, str]]:
    """The old id of each space that has moved, and where it is now."""
    rows = tx.execute(select(facts.c.name, facts.c.value).where(facts.c.name.startswith(PREFIX, autoescape=True)))
    return [(row.name.removeprefix(PREFIX), row.value) for row in rows]
