"""The secrets that sign outbound events. None is stored: each is derived from the program's one secret when it is used.

The web process has no ``SECRET_KEY``, so the worker tells it a new webhook's secret; for that moment it is encrypted
with the bot token, which both have and which is not in the database.

What encrypts is imported by those who need it, since it costs a process 9 MiB and most have no webhook.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.fernet import MultiFernet

    from bot.db.outbound_events import OutboundEvent

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
ON_THE_WAY: Final = "webhook secret for the web process"


def secret_of(key: bytes, reference: str, number: int) -> str:
    """Return a webhook's secret; ``key``: one of ``SECRET_KEY``, ``number``: which of its secrets."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    info = f"outbound webhook {reference} {number}".encode()
    secret = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(key)
    return PREFIX + base64.b64encode(secret).decode()


def sealed(secret: str, bot_token: str) -> str:
    """Encrypt a secret for the web process."""
    return _fernet(bot_token).encrypt(secret.encode()).decode()


def opened(secret: str, bot_token: str) -> str:
    """Decrypt what the worker has encrypted."""
    return _fernet(bot_token).decrypt(secret.encode()).decode()


def _fernet(bot_token: str) -> MultiFernet:
    from bot.access.token_store import derived  # noqa: PLC0415

    return derived([bot_token.encode()], ON_THE_WAY)


def signed_headers(event: OutboundEvent, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature by each secret; ``now`` must be in UTC."""
    from standardwebhooks import Webhook as Signer  # noqa: PLC0415

    assert not now.utcoffset(), "the library takes a time of another zone for one in UTC"
    signatures = [Signer(secret).sign(event.event_id, now, event.payload) for secret in secrets]
    return {
        "webhook-id": event.event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
