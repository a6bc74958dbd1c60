"""Keys of the HTTP API.

Of a key itself only its hash is kept. It is looked up at each call, so a revocation holds at once, in every process.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from bot.db import api_tables, hooks
from bot.webex.ids import id_key, may_be_space

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from bot.db.database import Database, Transaction

START: Final = "rbk_"
"""How a key begins, so that scanners for leaked secrets find it."""
SHOWN: Final = len(START) + 6
"""Letters of a key that are kept and shown, to tell keys apart."""
SECRET_BYTES: Final = 32
USED_EVERY: Final = timedelta(minutes=1)
"""A key's last use is stored once in so long."""
ALL_SPACES: Final = "all"

CALLER: Final = "key:"
"""How what stands for a key begins where a person's ID would stand: ``key:3``."""

_keys = api_tables.api_keys.c
_ROWS = select(api_tables.api_keys).order_by(_keys.id)
_BY_HASH = _ROWS.where(_keys.sha256 == bindparam("hash"))


class Right(StrEnum):
    """What a key may do."""

    DELIVER = "deliver"
    """Deliveries, and reading reports and templates."""
    CREATE = "create"
    """Running reports, and deleting those that it made."""
    MANAGE = "manage"
    """Subscriptions, schedules, hooks, webhooks."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key."""

    id: int
    name: str
    prefix: str
    """Its first letters."""
    spaces: frozenset[str] | None
    """The spaces that it reaches, by what all spellings of a space's ID have in common; None: all spaces."""
    rights: frozenset[Right]
    created_by: str
    """A person's ID, or ``command line``."""
    created_at: datetime
    used_at: datetime | None
    """Of the last use, to the minute."""
    revoked_at: datetime | None

    def may_reach(self, room_id: str) -> bool:
        """Return True when it may have something delivered to a space."""
        return self.spaces is None or (id_key(room_id) in self.spaces and may_be_space(room_id))

    @property
    def owner(self) -> str:
        """Return what stands for it where a person's ID would stand: ``key:3``."""
        return caller_of(self.id)


def _read(row: Any) -> ApiKey:
    spaces = None if row.spaces == ALL_SPACES else frozenset(json.loads(row.spaces or "[]"))
    rights = frozenset(Right(one) for one in row.rights.split(","))
    known = (row.created_by, row.created_at, row.used_at, row.revoked_at)
    return ApiKey(row.id, row.name, row.prefix, spaces, rights, *known)


def new_key() -> str:
    """Return a new key, which nobody knows until it is stored and shown."""
    return START + base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()


def store(
    tx: Transaction,
    key: str,
    name: str,
    spaces: Sequence[str] | None,
    rights: Collection[Right],
    *,
    created_by: str,
    now: datetime,
) -> None:
    """Store a key, of which only the hash is kept. ``spaces``: IDs, None for all."""
    values = {
        "name": name,
        "prefix": key[:SHOWN],
        "sha256": hashlib.sha256(_bytes(key) or b"").hexdigest(),
        "spaces": ALL_SPACES if spaces is None else json.dumps(sorted({id_key(one) for one in spaces})),
        "rights": ",".join(sorted(rights)),
        "created_by": created_by,
        "created_at": now,
    }
    tx.execute(api_tables.api_keys.insert(), values)


def create(
    tx: Transaction,
    name: str,
    spaces: Sequence[str] | None,
    rights: Collection[Right],
    *,
    created_by: str,
    now: datetime,
) -> str:
    """Make and store a key and return it: it is never shown again. ``spaces``: IDs, None for all."""
    key = new_key()
    store(tx, key, name, spaces, rights, created_by=created_by, now=now)
    return key


def by_secret(tx: Transaction, key: str) -> ApiKey | None:
    """Return the key with this text unless it is revoked."""
    secret = _bytes(key)
    if secret is None:
        return None
    row = tx.execute(_BY_HASH, {"hash": hashlib.sha256(secret).hexdigest()}).one_or_none()
    return None if row is None or row.revoked_at is not None else _read(row)


def _bytes(key: str) -> bytes | None:
    """Return the bytes that a key stands for; None for what is no key."""
    try:
        secret = base64.b64decode(key.removeprefix(START) + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) == SECRET_BYTES and key.startswith(START) else None


def get(tx: Transaction, key_id: int) -> ApiKey | None:
    """Return a key by its row unless it is revoked."""
    return tx.first(_read, _ROWS.where(_keys.id == key_id, _keys.revoked_at.is_(None)))


def valid(database: Database, key_id: int) -> ApiKey | None:
    """Return a key by its row unless it is revoked, in a transaction of its own."""
    with database.read() as tx:
        return get(tx, key_id)


def listed(tx: Transaction) -> list[ApiKey]:
    """Return all keys, the oldest first, also those that are revoked."""
    return [_read(row) for row in tx.execute(_ROWS)]


def named(tx: Transaction, name: str) -> list[ApiKey]:
    """Return the keys of a name that are not revoked."""
    return [one for one in listed(tx) if one.name == name and one.revoked_at is None]


def meant(tx: Transaction, word: str) -> list[ApiKey]:
    """Return the keys that are not revoked and have this name, or these first letters."""
    wanted = word.rstrip("…")
    return [one for one in listed(tx) if one.revoked_at is None and wanted in {one.name, one.prefix}]


def caller_of(key_id: int) -> str:
    """Return what stands for a key where a person's ID would stand."""
    return f"{CALLER}{key_id}"


def is_caller(person_id: str | None) -> bool:
    """Return True for what stands for a key or one of its hooks, and for nobody of Webex."""
    return (person_id or "").startswith((CALLER, hooks.CALLER))


def key_id_of(person_id: str) -> int | None:
    """Return the row of the key that stands in a person's place; None for a person."""
    return int(person_id.removeprefix(CALLER)) if person_id.startswith(CALLER) else None


def names(tx: Transaction, person_ids: Iterable[str | None]) -> dict[str, str]:
    """Return what the keys and hooks among these are called, by what stands for them; also those that are revoked."""
    wanted = {one for one in person_ids if one and is_caller(one)}
    if not wanted:
        return {}
    found = {caller_of(row.id): row.name for row in tx.execute(select(_keys.id, _keys.name))}
    of_hooks = select(api_tables.hooks.c.id, _keys.name).join(
        api_tables.api_keys, _keys.id == api_tables.hooks.c.key_id
    )
    found |= {f"{hooks.CALLER}{row.id}": f"{row.name} (hook)" for row in tx.execute(of_hooks)}
    return {one: found[one] for one in wanted & found.keys()}


def is_use_to_store(key: ApiKey, now: datetime) -> bool:
    """Return True when its last use was stored long enough ago."""
    return key.used_at is None or abs(now - key.used_at) >= USED_EVERY


def set_used(tx: Transaction, key_id: int, now: datetime) -> None:
    """Store that a key was used."""
    tx.execute(update(api_tables.api_keys).where(_keys.id == key_id).values(used_at=now))


def revoke(tx: Transaction, key_id: int, now: datetime) -> bool:
    """Revoke a key. Return False when it was revoked before."""
    revoked = update(api_tables.api_keys).where(_keys.id == key_id, _keys.revoked_at.is_(None)).values(revoked_at=now)
    return tx.execute(revoked).rowcount == 1
