"""Import Webex's SDK without cryptography, which only its guest issuers need: that would cost the worker 9 MiB."""

from __future__ import annotations

import sys

_is_loaded = "cryptography" in sys.modules
if not _is_loaded:
    sys.modules["cryptography"] = None  # type: ignore[assignment]  # PyJWT finds none, and does without
try:
    from webexteamssdk import WebexTeamsAPI, dict_data_factory
    from webexteamssdk.exceptions import webexteamssdkException
finally:
    if not _is_loaded:
        del sys.modules["cryptography"]

__all__ = ["WebexTeamsAPI", "dict_data_factory", "webexteamssdkException"]
