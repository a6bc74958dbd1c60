"""The signature of a hook's calls: ``X-Hub-Signature-256: sha256=<hex>``, the HMAC of the raw body, as GitHub signs.

What signs must be kept in a form that can be read again. It is encrypted with a key that is made of the hook's token,
of which only the hash is kept: so the database alone gives nothing away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

HEADER: Final = "X-Hub-Signature-256"
START: Final = "sha256="


def seal(token: str, secret: str) -> str:
    """Encrypt what signs a hook's calls, readable only with the hook's token."""
    return _fernet(token).encrypt(secret.encode()).decode()


def is_signed(token: str, sealed: str, body: bytes, header: str) -> bool:
    """Return True when the header has the signature of the body."""
    secret = _fernet(token).decrypt(sealed)
    wanted = START + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), header.strip().encode(errors="replace"))


def _fernet(token: str) -> Fernet:
    from cryptography.fernet import Fernet  # noqa: PLC0415 only hooks with a secret need it

    key = hashlib.sha256(b"secret of a hook\0" + token.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
