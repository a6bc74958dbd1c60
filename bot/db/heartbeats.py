"""Whether the bot heard what was written to it.

The door gives a sign of life every minute, and a gap between two signs is an absence. But Webex may also fail to reach
a door that lives; so it is on record, too, until when it is certain that nothing was missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.db import key_values

if TYPE_CHECKING:
    from bot.db.database import Transaction

BEGAN = "began"
"""The fact whose time says when the bot first ran on this database; databases of older versions have none."""
NEW: Final = "The database is new: what was written to me before this first start isn't answered."
DOOR_SEEN = "door_seen"
SIGN_EVERY = 60.0
"""Seconds between two signs of life."""
NOTICEABLE = timedelta(minutes=2, seconds=30)
"""A longer silence is an absence, and worth a word to people; a restart is neither."""

EXPECTED = "expected"
"""What the fact says before the first sign: the bot is set up, and nobody has seen its door."""

LONGEST = timedelta(days=1)
"""How far back the bot looks; anyone who asked before that has asked again."""
LOOKED = "looked"
"""The fact whose time says until when everything that was written was looked for."""
LOOK_EVERY = timedelta(minutes=10)
"""How often it is looked for although nothing seems to be amiss."""
LOOK = "look"
"""The key of the job that does so."""
LOCK = "catch-up"
"""One look at a time: two would say "I was away" twice."""


@dataclass(frozen=True, slots=True)
class Absence:
    """From the last sign of life to the first one after it."""

    since: datetime
    until: datetime
    told: bool = True
    """False: what was missed is answered without a word, since nobody knows from when on the door heard nothing."""

    @property
    def key(self) -> str:
        """The key of the job that makes up for it."""
        return f"{self.since.timestamp():.0f}-{self.until.timestamp():.0f}" + ("" if self.told else "-silently")

    @property
    def noticeable(self) -> bool:
        """Whether people may have waited."""
        return self.told and self.until - self.since > NOTICEABLE

    @property
    def sentence(self) -> str:
        """What is said in a space where something was missed."""
        same_day = self.since.date() == self.until.date()
        since = f"{self.since:%H:%M}" if same_day else f"{self.since:%Y-%m-%d %H:%M}"
        what = "meanwhile" if self.until - self.since <= LONGEST else "in the last 24 hours"
        return (
            f"I was away from {since} to {self.until:%H:%M} UTC. Now I answer what was written {what}; "
            "if you pressed a button, please press it again."
        )


def begin(tx: Transaction, now: datetime) -> bool:
    """Keep when the bot first ran on this database. True: that is now, so what was written before isn't for it.

    Another database may have had the answers to that, and nobody wants them twice.
    """
    return is_unused(tx) and key_values.set_if_absent(tx, BEGAN, "", now)


def is_unused(tx: Transaction) -> bool:
    """Return True while the bot has never run on this database."""
    return key_values.updated_at(tx, DOOR_SEEN) is None and key_values.updated_at(tx, LOOKED) is None


def began(tx: Transaction, now: datetime) -> datetime | None:
    """Return when the bot first ran on this database; None where nobody knows, or the clock was ahead then."""
    at = key_values.updated_at(tx, BEGAN)
    return at if at is not None and at <= now else None


def expect(tx: Transaction, now: datetime) -> None:
    """The bot is about to be heard of: what is written from now on is for it, although its door was never there."""
    begin(tx, now)
    key_values.set_if_absent(tx, DOOR_SEEN, EXPECTED, now)


def door_lives(tx: Transaction, now: datetime) -> bool:
    """Return True when a web process has given its sign of life lately."""
    seen = key_values.updated_at(tx, DOOR_SEEN)
    return seen is not None and key_values.get(tx, DOOR_SEEN) != EXPECTED and abs(now - seen) <= NOTICEABLE


def sign(tx: Transaction, now: datetime, *, started: bool) -> Absence | None:
    """Give a sign of life. Gives the absence that it ends: at a start always, later when the last sign is too old.

    The very first sign ends no absence: what was written before the bot was there is not for it.
    """
    before = key_values.updated_at(tx, DOOR_SEEN)
    key_values.set(tx, DOOR_SEEN, "", now)
    if before is None:
        return None
    if before > now:
        # The clock was ahead, and has been put right since: nobody knows for how long the door was away.
        return Absence(now - LONGEST, now, told=False) if started else None
    return Absence(before, now) if started or now - before > NOTICEABLE else None


def must_look(tx: Transaction, now: datetime, outage: tuple[datetime, datetime] | None) -> bool:
    """Whether it is time to look for what was written: regularly, or since Webex is back from an outage.

    What was written before the first such question is not looked for.
    """
    looked = key_values.updated_at(tx, LOOKED)
    if looked is None or looked > now:  # the clock has been set back
        key_values.set(tx, LOOKED, "", now)
        return False
    return now - looked >= LOOK_EVERY or (outage is not None and outage[1] > looked)


def looked_until(tx: Transaction) -> datetime | None:
    """Until when everything was looked for."""
    return key_values.updated_at(tx, LOOKED)


def note_looked(tx: Transaction, until: datetime) -> None:
    """Keep that everything that was written until then was looked for."""
    key_values.set(tx, LOOKED, "", until)


def unnoticed(looked: datetime, now: datetime, outage: tuple[datetime, datetime] | None) -> Absence:
    """What a regular look makes up for: an outage of Webex's, if there was one; else nobody knows of any absence."""
    if outage is not None and outage[1] > looked:
        return Absence(max(outage[0], looked), outage[1])
    return Absence(looked, now, told=now - looked > LOOK_EVERY + NOTICEABLE)


def read_key(key: str) -> Absence:
    """The absence of a job's key."""
    since, until, *silently = key.split("-")
    return Absence(datetime.fromtimestamp(int(since), UTC), datetime.fromtimestamp(int(until), UTC), not silently)
