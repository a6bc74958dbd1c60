"""Store when the web process lived, and until when it is certain that no message was missed.

The web process beats every minute; a gap between two beats is a downtime. Webex may also fail to reach a web process
that lives, so catching up has a mark of its own, and goes by that alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.db import key_values

if TYPE_CHECKING:
    from bot.db.database import Transaction

# The stored names are those of older versions, which may run beside this one.
FIRST_STARTED: Final = "began"
"""Updated when the bot first ran on this database; databases of older versions don't have it."""
WEB_SEEN: Final = "door_seen"
"""Updated at each beat of a web process."""
CAUGHT_UP_UNTIL: Final = "looked"
"""Updated to the time until which every message was looked for."""
DOWNTIME: Final = "downtime"
"""Holds the downtime that wasn't caught up on yet."""

BEAT_EVERY: Final = 60.0
"""Seconds between two beats."""
NOTICEABLE: Final = timedelta(minutes=2, seconds=30)
"""A longer downtime is worth telling people of; a restart is not."""
LONGEST: Final = timedelta(days=1)
"""How far back messages are answered; anyone who asked before that has asked again."""
NEW: Final = "The database is new: messages from before this first start aren't answered."


@dataclass(frozen=True, slots=True)
class Downtime:
    """A time in which messages may have been missed."""

    since: datetime
    until: datetime

    @property
    def noticeable(self) -> bool:
        """Return True when people may have waited."""
        return self.until - self.since > NOTICEABLE


def begin(tx: Transaction, now: datetime) -> bool:
    """Store when the bot first ran on this database; return True when that is now.

    What was written before isn't answered: another database may have had the answers, and nobody wants them twice.
    """
    if not is_unused(tx):
        return False
    for name in (CAUGHT_UP_UNTIL, FIRST_STARTED):
        key_values.set(tx, name, "", now)
    return True


def begin_again(tx: Transaction, now: datetime) -> None:
    """Store that the bot first runs on this database now: another one has the answers to what was written before."""
    for name in (FIRST_STARTED, WEB_SEEN, CAUGHT_UP_UNTIL):
        key_values.set(tx, name, "", now)
    key_values.delete(tx, DOWNTIME)


def is_unused(tx: Transaction) -> bool:
    """Return True while the bot has never run on this database."""
    return key_values.updated_at(tx, WEB_SEEN) is None and caught_up_until(tx) is None


def first_started(tx: Transaction, now: datetime) -> datetime | None:
    """Return when the bot first ran on this database; None where nobody knows, or the clock was ahead then."""
    at = key_values.updated_at(tx, FIRST_STARTED)
    return at if at is not None and at <= now else None


def beat(tx: Transaction, now: datetime, *, started: bool) -> Downtime | None:
    """Beat; return the downtime that ends with it: at a start always, later when the last beat is too old."""
    before = key_values.updated_at(tx, WEB_SEEN)
    key_values.set(tx, WEB_SEEN, "", now)
    if before is None or before > now:  # the clock was ahead then: catching up goes by its own mark
        return Downtime(now, now) if started else None
    return Downtime(before, now) if started or now - before > NOTICEABLE else None


def web_lives(tx: Transaction, now: datetime) -> bool:
    """Return True when a web process has beaten lately."""
    seen = key_values.updated_at(tx, WEB_SEEN)
    return seen is not None and abs(now - seen) <= NOTICEABLE


def worker_lives(tx: Transaction, now: datetime) -> bool:
    """Return True when a worker has stored lately that it runs, which each does every minute."""
    seen = key_values.updated_at(tx, key_values.WORKER_SEEN)
    return seen is not None and abs(now - seen) <= NOTICEABLE


def caught_up_until(tx: Transaction) -> datetime | None:
    """Return until when every message was looked for."""
    return key_values.updated_at(tx, CAUGHT_UP_UNTIL)


def downtime(tx: Transaction) -> Downtime | None:
    """Return the downtime that wasn't caught up on yet."""
    kept = key_values.get(tx, DOWNTIME)
    return Downtime(**{name: datetime.fromisoformat(at) for name, at in json.loads(kept).items()}) if kept else None


def add_downtime(tx: Transaction, found: Downtime) -> None:
    """Store a downtime, together with one that wasn't caught up on yet."""
    kept = downtime(tx) or found
    both = Downtime(min(kept.since, found.since), max(kept.until, found.until))
    text = json.dumps({name: at.isoformat() for name, at in asdict(both).items()})
    key_values.set(tx, DOWNTIME, text, found.until)


def caught_up(tx: Transaction, until: datetime, covered: Downtime | None) -> None:
    """Store that every message until then was looked for, and that a downtime is covered."""
    key_values.set(tx, CAUGHT_UP_UNTIL, "", until)
    if downtime(tx) == covered:
        key_values.delete(tx, DOWNTIME)
