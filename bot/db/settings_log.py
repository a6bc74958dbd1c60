"""Notices at the worker's start which settings differ from those of the start before, for the audit.

What is kept of each setting is a keyed fingerprint (HMAC with the program's own key): it says "the same" or "another",
and gives nothing away about the value, be it a token or a list of addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bot.db import audit, key_values
from bot.db.audit import Door, Entry
from bot.settings import Settings, secret_key

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction

FACT = "settings_seen"
PURPOSE = b"settings seen"
KEY = "secret_key"
"""The setting whose change makes all other fingerprints incomparable, that once."""
FIRST = "first_start"


def note(tx: Transaction, settings: Settings, now: datetime) -> list[str]:
    """Write one row for each setting that was changed, and keep what they are now; gives the names.

    Raises ``SettingsError`` when the key cannot be read.
    """
    seen = fingerprints(settings)
    kept = key_values.get(tx, FACT)
    before: dict[str, str] = json.loads(kept) if kept else {}
    if seen == before:
        return []
    key_values.set(tx, FACT, json.dumps(seen, sort_keys=True), now)
    if not before:
        audit.record(tx, Entry(Door.SYSTEM, audit.SETTINGS, FIRST), now)
        return []
    # A setting that only one of two versions of the program knows was not changed by anybody.
    changed = sorted(name for name in seen.keys() & before.keys() if seen[name] != before[name])
    if KEY in changed:
        changed = [KEY]
    for name in changed:
        audit.record(tx, Entry(Door.SYSTEM, audit.SETTINGS, audit.joined("changed", name)), now)
    return changed


def fingerprints(settings: Settings) -> dict[str, str]:
    """A fingerprint for each setting, by its name."""
    key = hmac.digest(secret_key(settings), PURPOSE, "sha256")
    values = {name: _text(getattr(settings, name)) for name in Settings.model_fields} | {KEY: ""}
    return {
        name: hmac.new(key, f"{name}={value}".encode(), hashlib.sha256).hexdigest() for name, value in values.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return json.dumps([_text(one) for one in value])
    return repr(value) if value is None else str(value)
