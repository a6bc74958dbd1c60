"""What Webex gives back, as data: people, messages, spaces, roles, and where a message goes.

IDs are Webex's own opaque strings, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Card = dict[str, Any]


DIRECT = "direct"
GROUP = "group"
"""Webex's types of spaces."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token belongs to, or who wrote."""

    id: str
    display_name: str
    first_name: str
    org_id: str
    emails: tuple[str, ...] = ()
    nick_name: str = ""
    kind: str = "person"
    """``person`` or ``bot``, or empty when Webex does not tell."""
    roles: tuple[str, ...] = ()
    """Role ids; only an administrator's token is shown them."""

    def goes_by(self, an_id: str | None, email: str | None = None) -> bool:
        """Return True when an id, in any of its spellings, or an e-mail address is this person's.

        Webex also makes ids of an e-mail address, so an id may be one of the addresses.
        """
        known = {id_key(one) for one in (self.id, *self.emails) if one}
        return any(id_key(one) in known for one in (an_id, email) if one)


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a space, as ``GET /messages/{id}`` gives it."""

    id: str
    room_id: str
    room_type: str
    person_id: str
    person_email: str = ""
    text: str = ""
    markdown: str = ""
    html: str = ""
    parent_id: str | None = None
    files: int = 0
    """How many files hang on it."""
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A press of a card's button, as ``GET /attachment/actions/{id}`` gives it."""

    id: str
    message_id: str
    room_id: str
    person_id: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """One member of a space."""

    person_id: str
    person_org_id: str
    """Empty when Webex does not tell, which counts as outside."""
    person_email: str = ""
    id: str = ""
    room_id: str = ""
    room_type: str = ""
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """A space that the bot is in."""

    id: str
    title: str
    kind: str
    """``group`` or ``direct``."""
    last_activity: datetime | None = None
    is_public: bool = False
    """Everyone of its organization can find it and join it."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of a person. Either part may be empty: Webex need not let us list the names."""

    id: str
    """As Webex gives it: encoded, or bare from SCIM (``id_full_admin``)."""
    name: str = ""
    """As ``GET /roles`` gives it, such as ``Partner Full Administrator``."""


@dataclass(frozen=True, slots=True)
class RolesOf:
    """What policy needs to know of a person."""

    person_id: str
    org_id: str
    emails: frozenset[str]
    """Lower case."""
    roles: frozenset[Role]
    name: str = ""
    """The display name."""
    time_zone: str = ""
    """As the person chose it in Webex, an IANA name; empty when Webex does not tell."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message of ours went."""

    message_id: str
    room_id: str
    """Empty when it went to a person and Webex did not tell the space."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to say something: a space (in a thread, to its root), or a person 1:1."""

    room_id: str | None = None
    parent_id: str | None = None
    person_id: str | None = None
    direct: bool = False
    """True for a 1:1 space, where a bot may list the messages."""
