"""The secrets that sign outbound events. None is stored: each is derived from the program's one secret when it is used.

The web process has no ``SECRET_KEY``, so the worker tells it a new webhook's secret; for that moment it is encrypted
with the bot token, which both have and which is not in the database.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks import Webhook as Signer

from bot.access.token_store import derived

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.outbound_events import OutboundEvent

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
ON_THE_WAY: Final = "webhook secret for the web process"


def secret_of(key: bytes, reference: str, number: int) -> str:
    """Return a webhook's secret; ``key``: one of ``SECRET_KEY``, ``number``: which of its secrets."""
    info = f"outbound webhook {reference} {number}".encode()
    secret = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(key)
    return PREFIX + base64.b64encode(secret).decode()


def sealed(secret: str, bot_token: str) -> str:
    """Encrypt a secret for the web process."""
    return derived([bot_token.encode()], ON_THE_WAY).encrypt(secret.encode()).decode()


def opened(secret: str, bot_token: str) -> str:
    """Decrypt what the worker has encrypted."""
    return derived([bot_token.encode()], ON_THE_WAY).decrypt(secret.encode()).decode()


def signed_headers(event: OutboundEvent, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature by each secret; ``now`` must be in UTC."""
    assert not now.utcoffset(), "the library takes a time of another zone for one in UTC"
    signatures = [Signer(secret).sign(event.event_id, now, event.payload) for secret in secrets]
    return {
        "webhook-id": event.event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
