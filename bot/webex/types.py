"""The words that the core and its shelves share: what the bot asks of Webex, and what it gets back.

``chat/`` and ``reports/`` know Webex by these names only; ``webex/`` fills them in and ``wiring.py`` joins the two.
Ids are Webex's own opaque strings, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.files.csv_contents import Contents
    from bot.webex.report import Family, Report

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


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A report's file on our disk, verified."""

    path: Path
    size: int
    sha256: str
    kind: str
    """``zip`` or ``csv``, by the first bytes."""
    contents: Contents | None = None
    """What its CSV holds; None: nobody has counted."""
    checksum_differs: bool = False
    """Whether Webex's checksum fits nothing of it; then it came twice alike."""
    downloads: int = 0
    """How often the report was downloaded until now, as far as this bot knows."""


class GrowingFile(Protocol):
    """A report's file while it is being fetched: its end waits for ``release``. ``bot/webex/growing_file.py``."""

    @property
    def size(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def abandoned(self) -> bool: ...
    def __len__(self) -> int: ...
    def read(self, most: int = -1) -> bytes: ...
    def release(self) -> None: ...
    def abandon(self) -> None: ...
    def close(self) -> None: ...


class PendingUpload(Protocol):
    """An upload of a file that still comes; nothing is posted before ``finish``."""

    @property
    def target(self) -> Target: ...
    def finish(self, markdown: str) -> Posted | None:
        """Post it; None when that is not possible this way, and nothing was posted. Raises ``WebexError``."""
        ...

    def abandon(self) -> None: ...


class Chat(Protocol):
    """Spaces and messages, with the bot's token. Every call raises ``WebexError``."""

    def me(self) -> Person: ...
    def message(self, message_id: str) -> Message: ...
    def action(self, action_id: str) -> Action: ...
    def post(self, target: Target, *, markdown: str, card: Card | None = None) -> Posted: ...
    def upload(self, target: Target, *, path: Path, name: str, content_type: str, markdown: str) -> Posted: ...
    def begin_upload(
        self, target: Target, arriving: GrowingFile, *, name: str, content_type: str, room: int
    ) -> PendingUpload: ...
    def edit(self, message_id: str, room_id: str, *, markdown: str) -> None: ...
    def delete(self, message_id: str) -> None: ...
    def recent(self, target: Target, since: datetime | None = None) -> Sequence[Message]:
        """The newest messages of a thread or of a 1:1 space, newest first; the places where a bot may look.

        ``since``: all that were written since then, up to a bound.
        """
        ...

    def members(self, room_id: str) -> Sequence[Membership]: ...
    def membership(self, membership_id: str) -> Membership: ...
    def written_to_bot(self, space: Space, since: datetime) -> Sequence[Message]: ...
    def space(self, room_id: str) -> Space: ...


class Spaces(Protocol):
    """Where the bot is and what was written to it there, with its own token. Every call raises ``WebexError``."""

    def active_spaces(self, since: datetime, most: int) -> Sequence[Space]:
        """Spaces with something new since then, the latest first."""
        ...

    def written_to_bot(self, space: Space, since: datetime) -> Sequence[Message]:
        """The messages of a 1:1 space since then, or in a group space those that mention the bot; newest first."""
        ...


class Reports(Protocol):
    """Reports of both families, with the admin token. Every call raises ``WebexError`` or ``ReportUnreadable``."""

    def details(self, family: Family, report_id: str) -> Report: ...
    def list(self, family: Family, region: str | None = None) -> Sequence[Report]: ...


class Files(Protocol):
    """The download host, with the admin token. Raises ``WebexError`` or ``FileRejected``. ``bot/webex/download.py``."""

    def download(
        self,
        report: Report,
        to: Path,
        *,
        progress: Callable[[int, int], None] | None = None,
        begun: Callable[[GrowingFile], None] | None = None,
        twin: str = "",
    ) -> Downloaded: ...


class Directory(Protocol):
    """Who is who, with the admin token. Raises ``WebexError`` or ``Refused``."""

    def our_org(self) -> str: ...
    def me(self) -> Person: ...
    def roles_of(self, person_id: str) -> RolesOf: ...
    def find(self, email: str) -> str | None:
        """The id of the person with this address; None when Webex knows nobody."""
        ...

    def people(self, person_ids: Collection[str]) -> Mapping[str, Person]:
        """People by id, with name and addresses; who is gone is left out."""
        ...
