"""What a request or a run was made for when no person asked just then: a subscription, a schedule, a key of the API.

Subscriptions and schedules have an owner, a space and a state, which ``origins.py`` changes alike.

    active ◀──▶ paused ──▶ ended
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row


class Kind(StrEnum):
    """What it is."""

    SUBSCRIPTION = "subscription"
    SCHEDULE = "schedule"
    KEY = "key"
    """A key of the HTTP API. It has no owner: it is the organization's own."""


class OriginState(StrEnum):
    """State of a subscription or schedule."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class PauseCause(StrEnum):
    """Why it is paused."""

    PERSON = "person"
    """Someone paused it."""
    NOT_ALLOWED = "not_allowed"
    """Its owner may not have the reports any more."""
    OUTSIDERS = "outsiders"
    """Someone of another organization is in the space; it goes on by itself when they leave."""
    SPACE_CLOSED = "space_closed"
    """The bot was removed, the space is archived, or only moderators may post there."""
    FAILURES = "failures"
    """It failed several times in a row."""


PASSING: Final = frozenset({PauseCause.OUTSIDERS, PauseCause.SPACE_CLOSED})
"""Causes that pass by themselves: it is tried at its next time all the same, and resumes when that works."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One subscription or schedule, by its row."""

    kind: Kind
    id: int

    @property
    def key(self) -> str:
        """Return the key of its jobs: ``schedule:7``."""
        return f"{self.kind.value}:{self.id}"


def from_key(key: str) -> Origin:
    """Return what a job's key names."""
    kind, _, row = key.partition(":")
    return Origin(Kind(kind), int(row))


def of_columns(
    *, subscription_id: int | None = None, schedule_id: int | None = None, key_id: int | None = None
) -> Origin | None:
    """Return what these columns of a row name, if anything."""
    columns = {Kind.SUBSCRIPTION: subscription_id, Kind.SCHEDULE: schedule_id, Kind.KEY: key_id}
    return next((Origin(kind, row) for kind, row in columns.items() if row is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What a subscription and a schedule have in common."""

    id: int
    reference: str
    event_key: str
    """The event that made it; the same event makes it once."""
    person_id: str
    """Its owner: in their name reports are fetched and run, and they are told of failures."""
    room_id: str
    room_type: str
    state: OriginState
    pause_cause: PauseCause | None
    """Why it is paused; of an active one, why it was before it resumed by itself."""
    reason: str | None
    """Why it is paused, in a sentence."""
    created_at: datetime
    resumed_at: datetime | None
    """When it was last resumed: failures before that do not count."""
    ended_at: datetime | None

    @property
    def is_offered(self) -> bool:
        """Return True for one that is paused because its owner may not have it."""
        return self.state is OriginState.PAUSED and self.pause_cause is PauseCause.NOT_ALLOWED

    @property
    def waits(self) -> bool:
        """Return True for one that is paused and resumes by itself."""
        return self.state is OriginState.PAUSED and self.pause_cause in PASSING

    @property
    def direct(self) -> bool:
        """Return True for one of a 1:1 space."""
        return self.room_type == DIRECT

    @classmethod
    def read(cls, row: Row[Any]) -> Self:
        """Return a row of its table as an object."""
        values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 SQLAlchemy's public name begins so
        cause = values["pause_cause"]
        return cls(
            **values | {"state": OriginState(values["state"]), "pause_cause": PauseCause(cause) if cause else None}
        )
