"""A link to a message in Webex, where its ids allow one. Pure.

Webex documents ``webexteams://im?space=<bare id>``, which opens the app at a space; what its apps copy as "link to the
message" adds ``&message=<bare id>`` (seen, not documented; a client that does not know it opens the space). The API's
ids are base64 of ``ciscospark://<where>/MESSAGE/<bare id>``. What does not read like that gets no link.
"""

from __future__ import annotations

import re

from bot.webex.ids import decoded

SCHEME = "webexteams"
_ID = re.compile(r"ciscospark://[^/]+/(?P<kind>[A-Z]+)/(?P<bare>[0-9a-fA-F-]{16,64})")


def message_link(room_id: str | None, message_id: str | None) -> str | None:
    """``webexteams://im?space=…&message=…``; None when one of the ids cannot be read."""
    space, message = _bare(room_id, "ROOM"), _bare(message_id, "MESSAGE")
    return f"{SCHEME}://im?space={space}&message={message}" if space and message else None


def _bare(an_id: str | None, kind: str) -> str | None:
    found = _ID.fullmatch(decoded(an_id or ""))
    return found["bare"] if found and found["kind"] == kind else None
