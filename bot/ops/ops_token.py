"""Tell operators from strangers where figures are served: operators send ``OPS_TOKEN``."""

from __future__ import annotations

import hmac
from typing import Final

TOKEN_NEEDED: Final = "Metrics need OPS_TOKEN: Authorization: Bearer <OPS_TOKEN>.\n"  # noqa: S105 words about it
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def is_operator(authorization: str, token: str | None) -> bool:
    """Return True when an ``Authorization`` header has the token; compared in constant time."""
    scheme, _, sent = authorization.partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(sent.strip().encode(), token.encode())
