"""Read people, messages and the like out of Webex's JSON, so that no foreign object leaves ``webex/``.

An id that is missing makes the answer unreadable; everything else may be absent. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.webex.json_fields import read_moment
from bot.webex.types import Action, Membership, Message, Person, Posted, Space

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What JSON may hold but no database takes."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as it is registered."""

    id: str
    name: str
    target_url: str = field(repr=False)
    resource: str
    event: str
    filter: str = ""
    status: str = ""
    """``active`` or ``inactive``."""
    secret: str | None = field(default=None, repr=False)
    """Webex may show it; None when it does not."""


class ShapeError(ValueError):
    """The JSON is not what was asked for."""


def person(raw: Mapping[str, Any]) -> Person:
    """Read ``GET /people/…``. ``roles`` may come as a list, or as a list of one text with commas."""
    return Person(
        id=_id(raw, "id"),
        display_name=_text(raw, "displayName"),
        first_name=_text(raw, "firstName"),
        nick_name=_text(raw, "nickName"),
        org_id=_text(raw, "orgId"),
        emails=_texts(raw.get("emails")),
        kind=_text(raw, "type"),
        roles=_texts(raw.get("roles")),
    )


def message(raw: Mapping[str, Any]) -> Message:
    """Read ``GET /messages/{id}``; the text is kept unchanged, because ids in it are case-sensitive."""
    files = raw.get("files")
    return Message(
        id=_id(raw, "id"),
        room_id=_id(raw, "roomId"),
        room_type=_text(raw, "roomType"),
        person_id=_text(raw, "personId"),
        person_email=_text(raw, "personEmail"),
        text=_text(raw, "text"),
        markdown=_text(raw, "markdown"),
        html=_text(raw, "html"),
        parent_id=_text(raw, "parentId") or None,
        files=len(files) if isinstance(files, list) else 0,
        created=read_moment(raw.get("created")),
    )


def posted(raw: Mapping[str, Any], room_id: str | None = None) -> Posted:
    """Read ``POST /messages`` to ``room_id``: only the message's ID must be there, since a post is not repeated."""
    return Posted(message_id=_id(raw, "id"), room_id=_text(raw, "roomId") or room_id or "")


def action(raw: Mapping[str, Any]) -> Action:
    """Read ``GET /attachment/actions/{id}``; the button's own data comes merged into the inputs."""
    inputs = raw.get("inputs")
    return Action(
        id=_id(raw, "id"),
        message_id=_text(raw, "messageId"),
        room_id=_id(raw, "roomId"),
        person_id=_id(raw, "personId"),
        inputs=dict(inputs) if isinstance(inputs, dict) else {},
        created=read_moment(raw.get("created")),
    )


def membership(raw: Mapping[str, Any]) -> Membership:
    """Read one of ``GET /memberships``."""
    return Membership(
        person_id=_id(raw, "personId"),
        person_org_id=_text(raw, "personOrgId"),
        person_email=_text(raw, "personEmail"),
        id=_text(raw, "id"),
        room_id=_text(raw, "roomId"),
        room_type=_text(raw, "roomType"),
        created=read_moment(raw.get("created")),
    )


def webhook(raw: Mapping[str, Any]) -> Webhook:
    """Read one of ``GET /webhooks``."""
    return Webhook(
        id=_id(raw, "id"),
        name=_text(raw, "name"),
        target_url=_text(raw, "targetUrl"),
        resource=_text(raw, "resource"),
        event=_text(raw, "event"),
        filter=_text(raw, "filter"),
        status=_text(raw, "status"),
        secret=_text(raw, "secret") or None,
    )


def space(raw: Mapping[str, Any]) -> Space:
    """Read ``GET /rooms/{id}``."""
    return Space(
        id=_id(raw, "id"),
        title=_text(raw, "title"),
        kind=_text(raw, "type"),
        last_activity=read_moment(raw.get("lastActivity")),
        is_public=raw.get("isPublic") is True,
    )


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return _UNSTORABLE.sub("�", value) if isinstance(value, str) else ""


def _id(raw: Mapping[str, Any], name: str) -> str:
    value = _text(raw, name)
    if not value:
        raise ShapeError(name)
    return value


def _texts(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else [value]
    return tuple(piece.strip() for part in parts if isinstance(part, str) for piece in part.split(",") if piece.strip())
