"""Incoming hooks: an address that may be called by everyone who knows it, and does one thing in one space.

A hook is its API key's and stops with it. Of the token in its address only the hash is kept.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from bot.db import api_tables

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

START: Final = "rbh_"
"""How a token begins, so that the log's mask and scanners for leaked secrets find it."""
SECRET_BYTES: Final = 32
CALLER: Final = "hook:"
"""How what stands for a hook begins where a person's ID would stand: ``hook:3``."""

_hooks, _keys = api_tables.hooks.c, api_tables.api_keys.c
_NAMES = tuple(one.name for one in api_tables.hooks.c if one.name not in {"sha256", "revoked_at"})
_ALIVE = (
    select(*(api_tables.hooks.c[name] for name in _NAMES))
    .join(api_tables.api_keys, _keys.id == _hooks.key_id)
    .where(_hooks.revoked_at.is_(None), _keys.revoked_at.is_(None))
)
_BY_HASH = _ALIVE.where(_hooks.sha256 == bindparam("hash"))


class HookAction(StrEnum):
    """What a hook does."""

    DELIVER = "deliver"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook that may be called."""

    id: int
    reference: str
    key_id: int
    action: HookAction
    room_id: str
    title: str | None
    """Words of the title of what is delivered; None: each call says them."""
    family: str | None
    template_id: str | None
    period: str | None
    """The period of what is run, in words; None: each call says it, or there is none."""
    sealed_secret: str | None
    """What signs the calls, readable only with the token."""
    created_at: datetime
    called_at: datetime | None
    told_at: datetime | None
    """When its space was last told that nothing could be done."""

    @property
    def caller(self) -> str:
        """Return what stands for it where a person's ID would stand."""
        return caller_of(self.id)


def caller_of(hook_id: int) -> str:
    """Return what stands for a hook where a person's ID would stand; its jobs have it as their lock."""
    return f"{CALLER}{hook_id}"


def new_token() -> str:
    """Return a new token."""
    return START + base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()


def add(tx: Transaction, token: str, values: dict[str, Any]) -> None:
    """Insert a hook."""
    tx.execute(api_tables.hooks.insert(), values | {"sha256": _hash(token)})


def by_token(tx: Transaction, token: str) -> Hook | None:
    """Return the hook of a token, whatever it is, unless the hook or its key is revoked."""
    return tx.first(_read, _BY_HASH, {"hash": _hash(token)})


def get(tx: Transaction, hook_id: int) -> Hook | None:
    """Return a hook by its row unless it or its key is revoked."""
    return tx.first(_read, _ALIVE.where(_hooks.id == hook_id))


def of_key(tx: Transaction, key_id: int, *, before: int | None, most: int) -> list[Hook]:
    """Return a key's hooks, the newest first, from the one before a row on."""
    query = _ALIVE.where(_hooks.key_id == key_id, *([] if before is None else [_hooks.id < before]))
    return [_read(row) for row in tx.execute(query.order_by(_hooks.id.desc()).limit(most))]


def callers_of_key(tx: Transaction, key_id: int) -> list[str]:
    """Return what stands for each hook of a key."""
    ids = select(_ALIVE.where(_hooks.key_id == key_id).subquery().c.id)
    return [caller_of(hook_id) for hook_id in tx.execute(ids).scalars()]


def count(tx: Transaction, key_id: int) -> int:
    """Return how many hooks of a key may be called."""
    counted = select(func.count()).select_from(_ALIVE.where(_hooks.key_id == key_id).subquery())
    return int(tx.execute(counted).scalar_one())


def revoke(tx: Transaction, key_id: int, reference: str, now: datetime) -> bool:
    """Revoke a key's hook. Return False when the key has none with this reference."""
    this = (_hooks.key_id == key_id, _hooks.reference == reference, _hooks.revoked_at.is_(None))
    return tx.execute(update(api_tables.hooks).where(*this).values(revoked_at=now)).rowcount == 1


def set_values(tx: Transaction, hook_id: int, **values: datetime) -> None:
    """Store when a hook was called, or when its space was told something."""
    tx.execute(update(api_tables.hooks).where(_hooks.id == hook_id).values(**values))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def _read(row: Any) -> Hook:
    values = dict(zip(_NAMES, row, strict=True))
    return Hook(**values | {"action": HookAction(values["action"])})
