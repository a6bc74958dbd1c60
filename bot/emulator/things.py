"""The things a Webex world is made of, as plain records; who may do what with them is written elsewhere."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

FULL_ADMIN = "id_full_admin"
READONLY_ADMIN = "id_readonly_admin"
# Webex publishes the ids of its partner roles nowhere, so a client can know them by their names alone.
PARTNER_FULL_ADMIN = "6d2d6bd3-7e10-4c7b-9a6d-0c1f4f0f5a11"
PARTNER_READONLY_ADMIN = "0b8a4f52-93f4-4c25-8f0e-5a7d3b1e7c42"
PARTNER_ADMIN = "c5f3a1de-2f6b-4b0a-b1de-7d9e2c6a8f73"
"""The weaker one: it manages some customers, and gets no partner reports."""
PARTNER_SALES_ADMIN = "atlas-portal.partner.salesadmin"
PARTNER_HELP_DESK = "atlas-portal.partner.helpdesk"

ROLE_NAMES = {
    FULL_ADMIN: "Full Administrator",
    READONLY_ADMIN: "Read-only Administrator",
    "id_user_admin": "User and Device Administrator",
    "id_device_admin": "Device Administrator",
    PARTNER_FULL_ADMIN: "Partner Full Administrator",
    PARTNER_READONLY_ADMIN: "Partner Read-only Administrator",
    PARTNER_ADMIN: "Partner Administrator",
    PARTNER_SALES_ADMIN: "Sales Full Administrator",
    PARTNER_HELP_DESK: "Help Desk Administrator",
}

Family = Literal["partner", "organization"]
TokenKind = Literal["integration", "personal", "service_app", "bot"]
Content = bytes | str | Callable[[], Iterable[bytes]]


def iso(moment: float) -> str:
    """Epoch seconds as Webex's messaging API writes them: ISO 8601, milliseconds, Z."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def report_time(moment: float) -> str:
    """Epoch seconds as the report families write them: `2024-03-24 17:13:39`, in UTC and without saying so."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(eq=False)
class Organization:
    """A customer or partner; only a partner has partner reports.

    `region` is its home region; without Pro Pack its reports are refused. `sites` are those with meetings, empty: any.
    `partner_id` is the partner of which it is a sub-partner.
    """

    id: str
    name: str
    created: float
    is_partner: bool = False
    pro_pack: bool = True
    region: str = "US"
    sites: tuple[str, ...] = ()
    partner_id: str | None = None


@dataclass(eq=False)
class Person:
    """Someone, or a bot. `roles` holds what a role's id ends with (`id_full_admin`), not the id."""

    id: str
    emails: list[str]
    display_name: str
    first_name: str
    last_name: str
    org_id: str
    created: float
    roles: list[str] = field(default_factory=list)
    type: Literal["person", "bot"] = "person"
    note: str = ""
    deactivated: bool = False
    time_zone: str = ""
    """Webex leaves it out where none is configured."""
    own_id: str = ""
    """How `/people/me` spells the id, where it is not as events and messages do."""

    @property
    def email(self) -> str:
        """Return the one address that matters."""
        return self.emails[0]

    @property
    def is_bot(self) -> bool:
        """Return True when this is a bot."""
        return self.type == "bot"


@dataclass(eq=False)
class Token:
    """An access token; `scopes` None means every scope that its kind can have."""

    value: str
    person: Person
    kind: TokenKind
    scopes: frozenset[str] | None
    expires_at: float | None = None


@dataclass(eq=False)
class Refreshable:
    """What `POST /access_token` needs. `refresh_token` always holds the newest one: each use replaces it."""

    client_id: str
    client_secret: str
    refresh_token: str
    person: Person
    kind: TokenKind
    scopes: frozenset[str] | None
    expires_in: int
    refresh_token_expires_in: int
    refresh_expires_at: float
    rotates: bool = True


@dataclass(eq=False)
class Space:
    """A space (room in the API): a group, or the 1:1 of two. Who is of its organization may join a public one."""

    id: str
    title: str
    type: Literal["group", "direct"]
    creator_id: str
    created: float
    org_id: str
    last_activity: float
    note: str = ""
    is_public: bool = False


@dataclass(eq=False)
class Membership:
    """One person in one space."""

    id: str
    space_id: str
    person_id: str
    created: float
    is_moderator: bool = False


@dataclass(eq=False)
class StoredFile:
    """A file posted to a space, kept in the emulator's own folder. `size` in bytes, `sha256` in hex."""

    id: str
    name: str
    size: int
    sha256: str
    content_type: str
    path: Path


@dataclass(eq=False)
class Message:
    """A message as the API shows it; `attachments` holds cards, `files` at most one file."""

    id: str
    room_id: str
    parent_id: str | None
    person_id: str
    text: str | None
    markdown: str | None
    html: str | None
    attachments: list[dict[str, Any]]
    files: list[StoredFile]
    mentioned: list[str]
    created: float
    updated: float | None = None
    edits: int = 0
    deleted: bool = False

    @property
    def card(self) -> dict[str, Any] | None:
        """Return the content of the message's card, when it has one."""
        content = self.attachments[0].get("content") if self.attachments else None
        return content if isinstance(content, dict) else None


@dataclass(eq=False)
class AttachmentAction:
    """A pressed Submit button."""

    id: str
    message_id: str
    person_id: str
    room_id: str
    inputs: dict[str, Any]
    created: float


@dataclass(eq=False)
class Webhook:
    """A subscription of one token's owner. `failures` are the moments of failed deliveries, `revived_at` of a PUT."""

    id: str
    name: str
    target_url: str
    resource: str
    event: str
    owner_id: str
    org_id: str
    app_id: str
    created: float
    filter: str | None = None
    secret: str | None = None
    status: Literal["active", "inactive"] = "active"
    failures: list[float] = field(default_factory=list)
    disabled_at: float | None = None


@dataclass(frozen=True)
class Event:
    """One webhook call that is to be made: the body is signed as it stands."""

    webhook_id: str
    resource: str
    event: str
    data_id: str
    target_url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Delivery:
    """How one webhook call went: an HTTP status, or none and the reason in words. `seconds` from send to answer."""

    event: Event
    status: int | None
    problem: str
    at: float
    seconds: float

    @property
    def ok(self) -> bool:
        """Webex counts every answer that is not 2xx as a failure."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the 2xx family


@dataclass(eq=False)
class Template:
    """A kind of report that one family offers; `max_days` is the longest period, from `data_start` on (ISO days).

    `sample`: what its reports hold, a kind of `sample_csv.py`; two plain rows without.
    """

    id: int
    family: Family
    title: str
    service: str
    max_days: int = 31
    data_start: str = "2025-01-01"
    needs_sites: bool = False
    takes_dates: bool = True
    sample: str = ""
