"""Whether the door was there: it gives a sign of life every minute, and a gap between two signs is an absence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.ledger import facts

if TYPE_CHECKING:
    from bot.store import Transaction

DOOR_SEEN = "door_seen"
SIGN_EVERY = 60.0
"""Seconds between two signs of life."""
NOTICEABLE = timedelta(minutes=2, seconds=30)
"""A longer silence is an absence, and worth a word to people; a restart is neither."""


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
        return (
            f"I was away from {since} to {self.until:%H:%M} UTC. Now I answer what was written meanwhile; "
            "if you pressed a button, please press it again."
        )


def sign(tx: Transaction, now: datetime, *, started: bool) -> Absence | None:
    """Give a sign of life. Gives the absence that it ends: at a start always, later when the last sign is too old.

    The very first sign ends no absence: what was written before the bot was there is not for it.
    """
    before = facts.noted_at(tx, DOOR_SEEN)
    facts.note(tx, DOOR_SEEN, "", now)
    if before is None or before >= now:
        return None
    return Absence(before, now) if started or now - before > NOTICEABLE else None


def read_key(key: str) -> Absence:
    """The absence of a job's key."""
    since, until, *silently = key.split("-")
    return Absence(datetime.fromtimestamp(int(since), UTC), datetime.fromtimestamp(int(until), UTC), not silently)
