"""People and spaces by name, as parts of sentences. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot.db import audit
from bot.db.api_keys import is_caller
from bot.text import escape_card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.webex.types import Person

LONGEST_NAME, LONGEST_ADDRESS, LONGEST_SPACE = 60, 80, 80
FORMER_USER, FORGOTTEN, NAMELESS, BOT = "Former user", "Forgotten user", "Name not available", "Report bot"
ID_END: Final = 8
"""Letters of an ID that stand for one without a name or title."""
ANOTHER_SPACE: Final = "another space"
DIRECTLY: Final = "directly"


def untitled(report_id: str) -> str:
    """Return what stands for a report without a known title, to be escaped: ``Report …8YWE5NzU``."""
    return f"Report …{report_id[-ID_END:]}"


@dataclass(frozen=True, slots=True)
class Names:
    """Names by ID, as far as Webex tells them."""

    people: Mapping[str, Person] = field(default_factory=dict)
    spaces: Mapping[str, str] = field(default_factory=dict)
    missing: str = FORMER_USER
    """What somebody is called whom Webex does not name."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Names of the API's keys, by what stands for them where a person's ID would stand."""
    by_id: bool = False
    """Whoever, and what space, is not named is shown by the end of the ID: at a terminal, where Webex may be down."""

    def person(self, person_id: str | None) -> str:
        """Return a person's name, to be escaped."""
        if not person_id:
            return BOT
        if audit.is_pseudonym(person_id):
            return FORGOTTEN
        if is_caller(person_id):
            return f"API key {self.keys.get(person_id, person_id.rpartition(':')[2])}"[:LONGEST_NAME]
        person = self.people.get(person_id)
        if person is not None:
            return person.display_name[:LONGEST_NAME]
        return f"user …{person_id[-ID_END:]}" if self.by_id else self.missing

    def address(self, person_id: str | None) -> str:
        """Return a person's email address, where Webex tells it."""
        person = self.people.get(person_id or "")
        return person.emails[0][:LONGEST_ADDRESS] if person is not None and person.emails else ""

    def namesakes(self) -> frozenset[str]:
        """Return the names that more than one of these people have."""
        names = Counter(map(self.person, self.people))
        return frozenset(name for name, number in names.items() if number > 1)

    def space(self, room_id: str | None) -> str:
        """Return a space's name, to be escaped, or ``another space``."""
        name = self.spaces.get(room_id or "", "")
        return name or (f"space …{room_id[-ID_END:]}" if self.by_id and room_id else ANOTHER_SPACE)

    def place(self, room_id: str | None, *, direct: bool) -> str:
        """Return ``directly``, ``in **Admin reports**`` or ``in another space``, for a card or a message."""
        if direct:
            return DIRECTLY
        name = self.space(room_id)
        return f"in {name}" if name == ANOTHER_SPACE else f"in **{escape_card(name, LONGEST_SPACE)}**"
