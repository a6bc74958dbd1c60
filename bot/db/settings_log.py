"""Record in the audit which settings differ from those of the start before.

A keyed digest is stored for each setting (HMAC with the program's own key): it tells "the same" from "another", and
gives nothing away about the value, be it a token or a list of addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from bot.db import audit, key_values
from bot.db.audit import Channel, Entry
from bot.settings import Settings, secret_keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.db.database import Transaction

STORED: Final = "settings_seen"
PURPOSE: Final = b"settings seen"
KEY: Final = "secret_key"
"""The setting whose change makes all other digests incomparable, that once, unless the old key is still given."""
FIRST: Final = "first_start"
OF_A_MACHINE: Final = frozenset({"data_dir", "host", "port", "metrics_port"})
"""What differs between machines that share a database: each one's restart would tell of the other's."""


def record_changes(tx: Transaction, settings: Settings, now: datetime) -> list[str]:
    """Record one audit entry for each setting that was changed, store what they are now, and return the names.

    Raises ``SettingsError`` when the key can't be read.
    """
    several_machines = tx.connection.dialect.name == "postgresql"
    compared = Settings.model_fields.keys() - (OF_A_MACHINE if several_machines else frozenset())
    seen, *by_old_keys = (digests(settings, compared, key) for key in secret_keys(settings))
    stored = key_values.get(tx, STORED)
    before: dict[str, str] = json.loads(stored) if stored else {}
    if seen == before:
        return []
    key_values.set(tx, STORED, json.dumps(seen, sort_keys=True), now)
    if not before:
        audit.record(tx, Entry(Channel.SYSTEM, audit.SETTINGS, FIRST), now)
        return []
    comparable = next((one for one in by_old_keys if one[KEY] == before.get(KEY)), seen)
    # A setting that only one of two versions of the program knows was not changed by anyone.
    changed = sorted(name for name in comparable.keys() & before.keys() if comparable[name] != before[name])
    if KEY in changed:
        changed = [KEY]
    elif comparable is not seen:
        changed.append(KEY)
    for name in changed:
        audit.record(tx, Entry(Channel.SYSTEM, audit.SETTINGS, audit.joined(audit.CHANGED, name)), now)
    return changed


def digests(settings: Settings, names: Iterable[str], secret: bytes) -> dict[str, str]:
    """Return a digest for each of these settings, by its name."""
    key = hmac.digest(secret, PURPOSE, "sha256")
    values = {name: _text(getattr(settings, name)) for name in names} | {KEY: ""}
    return {
        name: hmac.new(key, f"{name}={value}".encode(), hashlib.sha256).hexdigest() for name, value in values.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return json.dumps([_text(one) for one in value])
    return repr(value) if value is None else str(value)
