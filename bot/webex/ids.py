"""Webex's ids, read: most are base64 of a text like ``ciscospark://us/ORGANIZATION/<bare id>``.

Webex spells one person's id in several ways: with another cluster (``ciscospark://urn:TEAM:us-west-2_r/PEOPLE/…``),
padded, in the other alphabet of base64, in capitals, or bare. So the ids of people, spaces and organizations are
compared by :func:`same_id` or :func:`id_key` and by nothing else; what is sent to Webex is the id as Webex gave it. The
ids of messages are opaque and case-sensitive: they are compared as they are; those of reports, in what Webex lists, by
the same functions. Pure.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from functools import lru_cache

_PREFIX = "ciscospark://"
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_MESSAGE_OR_ROOM = re.compile(r"ciscospark://[^/]+/(?P<kind>[A-Z]+)/(?P<bare>[0-9a-fA-F-]{16,64})")
_ROOM = re.compile(r"ciscospark://[^/?#%\\]+/ROOM/[^/?#%\\]+")
_ORGANIZATION = re.compile(rf"ciscospark://[!-.0-~]{{1,64}}/ORGANIZATION/{_UUID.pattern}", re.IGNORECASE)
_TO_URL_SAFE = str.maketrans("+/", "-_")


@lru_cache(maxsize=4096)
def decoded(an_id: str) -> str:
    """Read ``ciscospark://us/ROLE/id_full_admin`` out of an id; empty for one that is not (base64 of) such a text."""
    if an_id.startswith(_PREFIX):
        return an_id
    bare = an_id.rstrip("=").translate(_TO_URL_SAFE)
    try:
        text = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return text if text.startswith(_PREFIX) else ""


def readable_tail(an_id: str) -> str:
    """Return the last piece of a decoded id (``id_full_admin``), or empty."""
    return decoded(an_id).rpartition("/")[2]


def bare_id(an_id: str) -> str:
    """Return the bare id that SCIM wants, from an encoded one; others are given back as they are."""
    return readable_tail(an_id) or an_id


def is_uuid(an_id: str) -> bool:
    """Return True for an id whose last part is a UUID, so that nobody can read from it what it is of."""
    return _UUID.fullmatch(bare_id(an_id)) is not None


@lru_cache(maxsize=4096)
def id_key(an_id: str) -> str:
    """Return what every spelling of a person's, a space's or an organization's id has in common, to compare by.

    That is the last part of the decoded id, in small letters. What is neither an encoded id nor a UUID nor an e-mail
    address is given back as it is: its case may matter.
    """
    tail = readable_tail(an_id)
    return (tail or an_id).lower() if tail or "@" in an_id or _UUID.fullmatch(an_id) else an_id


def same_id(one: str | None, other: str | None) -> bool:
    """Return True when two ids name the same person, space or organization; a missing id names nobody."""
    return bool(one) and bool(other) and (one == other or id_key(one or "") == id_key(other or ""))


def may_be_space(an_id: str) -> bool:
    """Return False for an encoded id of something else, and for one that Webex could read as another space's."""
    return not decoded(an_id) or _ROOM.fullmatch(decoded(an_id)) is not None


def organization_id(word: str) -> str:
    """Return the id of an organization as calls name it, from what Webex or Control Hub shows; empty for other words.

    Control Hub shows the UUID alone. Padding is left out, as Webex's answers do, so that one spelling is stored.
    """
    if _UUID.fullmatch(word):
        text = f"{_PREFIX}us/ORGANIZATION/{uuid.UUID(word)}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    found = _ORGANIZATION.fullmatch(decoded(word))
    return word.rstrip("=").translate(_TO_URL_SAFE) if found and not word.startswith(_PREFIX) else ""


def message_link(room_id: str | None, message_id: str | None) -> str | None:
    """Return the link to a message in Webex's apps; None when one of the ids cannot be read.

    Webex documents ``webexteams://im?space=<bare id>``, which opens the app at a space; what its apps copy as "link to
    the message" adds ``&message=<bare id>`` (seen, not documented; a client that does not know it opens the space).
    """
    space, message = _bare(room_id, "ROOM"), _bare(message_id, "MESSAGE")
    return f"webexteams://im?space={space}&message={message}" if space and message else None


def _bare(an_id: str | None, kind: str) -> str | None:
    found = _MESSAGE_OR_ROOM.fullmatch(decoded(an_id or ""))
    return found["bare"] if found and found["kind"] == kind else None
