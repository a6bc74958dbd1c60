"""What keeps a request from going on just now: since when, and in words. For ``why``, and for who waits.

Only while it lasts: what went well again is forgotten. Known by the job that met it, so that one line serves everybody
whom a watch or a download serves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.db import key_values

if TYPE_CHECKING:
    from bot.db.database import Transaction

PREFIX = "hindered:"
STALE = timedelta(minutes=70)
"""What was not met again for so long is over: Webex makes nobody wait for more than an hour at a time."""

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hindrance:
    """A job fails for a passing reason since then; the last error as one sentence."""

    since: datetime
    words: str


def note(tx: Transaction, task: str, key: str, words: str, now: datetime) -> Hindrance:
    """Keep that a job could not do its work; gives what is known then, with the time of the first failure."""
    before = read(tx, task, key, now)
    found = Hindrance(before.since if before else now, words)
    value = json.dumps({"since": found.since.isoformat(), "words": words})
    key_values.set(tx, _name(task, key), value, now)
    return found


def over(tx: Transaction, task: str, key: str) -> None:
    """Forget it: the job has done its work, or ended."""
    key_values.delete(tx, _name(task, key))


def read(tx: Transaction, task: str, key: str, now: datetime) -> Hindrance | None:
    """What hinders a job now, if anything."""
    met_at = key_values.updated_at(tx, _name(task, key))
    kept = key_values.get(tx, _name(task, key))
    if met_at is None or kept is None or now - met_at > STALE:
        return None
    values = json.loads(kept)
    return Hindrance(datetime.fromisoformat(values["since"]), values["words"])


def forget_old(tx: Transaction, now: datetime) -> None:
    """Forget what was not met again for a day; its words may name a report."""
    key_values.delete_older(tx, PREFIX, now - KEPT)


def keys(tx: Transaction, task: str) -> list[str]:
    """The keys of a task's jobs that are hindered."""
    return key_values.names(tx, _name(task, ""))


def _name(task: str, key: str) -> str:
    return f"{PREFIX}{task}:{key}"
