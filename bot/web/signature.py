"""Check that Webex sent a webhook: HMAC of the raw body with the webhook's secret. Pure."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARK = "X-Spark-Signature"
"""Hex HMAC-SHA1 of the raw body, as Webex documents it."""
WEBEX = "X-Webex-Signature"
"""``SHA-256=…, SHA-512=…``, as one client of Webex's reads it; accepted when it verifies, never instead of a check."""

_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512"}
_PART = re.compile(r"\s*(sha-256|sha-512)\s*=\s*([0-9a-f]+)\s*", re.IGNORECASE)


class Headers(Protocol):
    """A request's headers."""

    def get(self, key: str, default: str, /) -> str:
        """Return one header's value."""
        ...


def is_signed(body: bytes, headers: Headers, secrets: Sequence[bytes]) -> bool:
    """Return True when one of the signatures is that of the body with one of the secrets; compared in constant time."""
    good = False
    for secret in secrets:
        # Every secret is tried even after one fits, so that the time tells nothing of which.
        good |= _spark(body, headers.get(SPARK, ""), secret) | _webex(body, headers.get(WEBEX, ""), secret)
    return good


def _spark(body: bytes, given: str, secret: bytes) -> bool:
    return _same(hmac.new(secret, body, "sha1").hexdigest(), given)


def _webex(body: bytes, given: str, secret: bytes) -> bool:
    good = False
    for part in given.split(",")[: len(_ALGORITHMS)]:
        match = _PART.fullmatch(part)
        if match:
            name, value = match.groups()
            good |= _same(hmac.new(secret, body, _ALGORITHMS[name.lower()]).hexdigest(), value)
    return good


def _same(ours: str, given: str) -> bool:
    # As bytes: compare_digest refuses text that is not ASCII, and a header may hold anything.
    return hmac.compare_digest(ours.encode(), given.strip().lower().encode("utf-8", "surrogateescape"))
