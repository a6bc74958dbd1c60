"""Webex's ids, read: most are base64 of a text like ``ciscospark://us/ORGANIZATION/<bare id>``.

People paste the bare id as often as the whole one, and Webex itself wants the bare one in places; so ids are compared
by it. Pure.
"""

from __future__ import annotations

import base64
import binascii


def decoded(an_id: str) -> str:
    """Read ``ciscospark://us/ROLE/id_full_admin`` out of an id; empty for one that is not base64 of such a text."""
    bare = an_id.rstrip("=")
    try:
        text = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return text if text.startswith("ciscospark://") else ""


def readable_tail(an_id: str) -> str:
    """The last piece of a decoded id (``id_full_admin``), or empty."""
    return decoded(an_id).rpartition("/")[2]


def bare_id(an_id: str) -> str:
    """The bare id that SCIM wants, from an encoded one; others are given back as they are."""
    return readable_tail(an_id) or an_id
