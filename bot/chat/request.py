"""One request, whichever door it came through: a typed word or a button's press."""

from __future__ import annotations

from dataclasses import dataclass

from bot.ports import Target
from bot.reports.whereto import DIRECT


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants what, and where. Nothing in it is believed: ids are looked up, and policy is asked, every time."""

    origin: str
    """The event that it came with (``messages:<id>``); what is said because of it carries this in its key."""
    person_id: str
    room_id: str
    room_type: str
    parent_id: str | None
    """The root of the thread to answer in."""
    word: str
    rest: tuple[str, ...] = ()
    pressed: str | None = None
    """The message id of the card whose button was pressed."""

    @property
    def direct(self) -> bool:
        """Whether it came from a 1:1 space."""
        return self.room_type == DIRECT

    @property
    def target(self) -> Target:
        """Where the answer goes."""
        return Target(room_id=self.room_id, parent_id=self.parent_id, direct=self.direct)

    @property
    def privately(self) -> Target:
        """The asker, 1:1."""
        return Target(person_id=self.person_id, direct=True)
