"""A call that proves who answers at ``PUBLIC_URL``: ``doctor`` sends it, the webhook route answers it. Pure.

Its body is no event of Webex's and never could be one: it is compared to the byte and has no ``resource``. So nothing
is kept and nothing is done for it. The answer proves that anyone who answers knows the secret, which no page that says
"200" to everything can do.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNATURE: Final = "X-Spark-Signature"
MARK: Final = "X-Reportbot-Probe"
"""Says of a probe with a wrong signature that it comes from who holds the secret: it is rejected, and not counted."""
_BODY = re.compile(rb'\{"reportbot probe":"([0-9a-f]{32})"\}')


def body_of(nonce: str) -> bytes:
    """Write the body of a probe; ``nonce`` is 32 hexadecimal digits, others each time."""
    return b'{"reportbot probe":"%s"}' % nonce.encode()


def nonce_in(body: bytes) -> str | None:
    """Read a body; None when it isn't a probe."""
    found = _BODY.fullmatch(body)
    return found[1].decode() if found else None


def signature_of(body: bytes, secret: bytes) -> str:
    """Sign a body as Webex does."""
    return hmac.new(secret, body, "sha1").hexdigest()


def proof_of(nonce: str, secret: bytes) -> str:
    """Answer a probe. What is signed begins with words of its own, so it can't pass for a signature of an event."""
    return "reportbot " + hmac.new(secret, f"reportbot probe answered: {nonce}".encode(), "sha256").hexdigest()


def mark_of(nonce: str, secret: bytes) -> str:
    """Return what only who holds the secret can write; no answer has it."""
    return hmac.new(secret, f"reportbot probe to reject: {nonce}".encode(), "sha256").hexdigest()


def is_marked(body: bytes, given: str, secrets: Sequence[bytes]) -> bool:
    """Return True for a probe with the mark of one of the secrets."""
    nonce = nonce_in(body)
    if nonce is None:
        return False
    written = given.encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(mark_of(nonce, secret).encode(), written) for secret in secrets)
