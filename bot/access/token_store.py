"""Keep the admin token's state for all processes, encrypted: a rotated refresh token must outlive a restart."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.db import key_values
from bot.errors import TokenNotLocked
from bot.process import give_to_owner
from bot.settings import denied
from bot.webex.tokens import TokenState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bot.db.database import Database, Transaction

log = structlog.get_logger(__name__)

FACT = "admin_token"
LOCK_FILE = "admin-token.lock"
KEY_BYTES = 32
UNREADABLE = "put the secret key back that it was encrypted with; else the token of the settings is used"


def derived(secrets: Sequence[bytes], purpose: str) -> MultiFernet:
    """Return a cipher for one purpose: the first secret encrypts, all of them decrypt."""

    def cipher(secret: bytes) -> Fernet:
        key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)
        return Fernet(base64.urlsafe_b64encode(key))

    return MultiFernet([cipher(secret) for secret in secrets])


def needs_first_key(tx: Transaction, keys: Sequence[bytes]) -> bool:
    """Return True when the state that is kept can be read, and not with the first key alone."""
    kept = key_values.get(tx, FACT)
    return kept is not None and not _opens(keys[:1], kept) and _opens(keys, kept)


def is_unreadable(tx: Transaction, keys: Sequence[bytes]) -> bool:
    """Return True when a state is kept that none of the keys can read: it was encrypted with another."""
    kept = key_values.get(tx, FACT)
    return kept is not None and not _opens(keys, kept)


def encrypt_with_first_key(tx: Transaction, keys: Sequence[bytes]) -> bool:
    """Encrypt the state that is kept with the first key; return True when it was encrypted with another of them."""
    if not needs_first_key(tx, keys):
        return False
    kept = key_values.get(tx, FACT) or ""
    key_values.set(tx, FACT, derived(keys, FACT).rotate(kept.encode()).decode(), datetime.now(UTC))
    return True


def _opens(keys: Sequence[bytes], kept: str) -> bool:
    if not keys:
        return False
    try:
        derived(keys, FACT).decrypt(kept.encode())
    except InvalidToken:
        return False
    return True


class DatabaseTokenStore:
    """Keep the state in ``key_values``.

    The lock is PostgreSQL's, or the kernel's on a file that this machine's processes share.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        keys: Callable[..., Sequence[bytes]],
        register_secrets: Callable[..., None],
    ) -> None:
        """Take the keys as ``secret_keys`` returns them; with ``make=False`` there may be none."""
        self._database = database
        self._folder = folder
        self._keys = keys
        self._hide = register_secrets
        self._told = False
        """True while it is known that the lock can't be had."""

    def load(self) -> TokenState | None:
        """Return the newest state; None when there is none, or when it was encrypted with a key that isn't given."""
        with self._database.read() as tx:
            kept = key_values.get(tx, FACT)
        if kept is None:
            return None
        try:
            state = TokenState(**json.loads(derived(self._keys(make=False), FACT).decrypt(kept.encode())))
        except (InvalidToken, ValueError, TypeError) as exc:
            log.warning("kept_token_unreadable", cause=type(exc).__name__, remedy=UNREADABLE)
            return None
        self._hide(state.access_token, state.refresh_token)
        return state

    def save(self, state: TokenState) -> None:
        """Keep a state over the one before."""
        self._hide(state.access_token, state.refresh_token)
        kept = derived(self._keys(), FACT).encrypt(json.dumps(asdict(state)).encode()).decode()
        now = datetime.now(UTC)
        with self._database.begin() as tx:
            key_values.set(tx, FACT, kept, now)
            for token, ends_at in (("access", state.expires_at), ("refresh", state.refresh_ends_at)):
                name = f"{key_values.ADMIN_TOKEN_ENDS}{token}"
                if ends_at is None:
                    key_values.delete(tx, name)
                else:
                    key_values.set(tx, name, str(ends_at), now)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock; it falls when the process dies. Raises ``TokenNotLocked`` when it can't be had."""
        if self._database.dialect == "postgresql":
            with self._database.locked(FACT):
                yield
            return
        handle = self._opened(self._folder / LOCK_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _opened(self, file: Path) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            try:
                handle = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                handle = os.open(file, flags)
            else:
                give_to_owner(handle, self._folder)
        except OSError as error:
            remedy = (
                denied(file) if isinstance(error, PermissionError) else f"{file} can't be opened ({error.strerror})"
            )
            if not self._told:  # each call to Webex asks
                log.error("admin_token_not_locked", remedy=remedy)  # noqa: TRY400 the remedy says it all
            self._told = True
            raise TokenNotLocked(error, remedy) from error
        self._told = False
        return handle
