"""Posts a file to a space, streamed from disk: a 100 MB report must not stand in memory, not even once.

Ours and not the SDK's: after a 429 the SDK sends an empty body again and hangs, its time-out fits no large file, and it
takes the file's name from the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from requests_toolbelt import MultipartEncoder

from bot.errors import FileRejected
from bot.webex import shapes
from bot.webex.answers import json_of, unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports import Posted, Target
    from bot.webex.transport import Transport

MAX_FILE_BYTES: Final = 100 * 1024 * 1024
"""Webex takes files up to 100 MB."""
TIMEOUT: Final = (60.0, 600.0)
"""Seconds that the line may stall while we send (to urllib3 that is the time to connect), and to wait for the answer
after the last byte: Webex scans the file first."""


def address(target: Target) -> dict[str, str]:
    """Where a message goes, in the fields of ``POST /messages``: a space (and thread), or a person 1:1."""
    fields = {
        "roomId": target.room_id,
        "toPersonId": None if target.room_id else target.person_id,
        "parentId": target.parent_id,
    }
    return {name: value for name, value in fields.items() if value}


def upload(transport: Transport, target: Target, *, path: Path, name: str, content_type: str, markdown: str) -> Posted:
    """Post the file at ``path`` as ``name`` with a line beside it.

    Raises ``FileRejected`` when it is over Webex's limit or cannot be read, and ``WebexError``: with ``reached`` None
    the answer was lost, and the file may be there.
    """
    call = "POST messages"
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as exc:
        raise FileRejected("The report's file is no longer on the bot's disk. Ask for it again.") from exc
    with file:
        if size > MAX_FILE_BYTES:
            raise FileRejected(
                f"The report's file has {size / 1024 / 1024:,.0f} MB; Webex takes no more than "
                f"{MAX_FILE_BYTES // 1024 // 1024} MB in one message."
            )
        fields = {**address(target), "markdown": markdown, "files": (name, file, content_type)}
        body = MultipartEncoder({field: value for field, value in fields.items() if value})
        response = transport.request(
            "POST",
            transport.base_url + "messages",
            data=body,
            headers={"Content-Type": body.content_type},
            timeout=TIMEOUT,
        )
    answer = json_of("POST", response.url, response.content)
    try:
        return shapes.posted(answer, target.room_id)
    except (shapes.ShapeError, AttributeError):
        failure = unreadable(call)
    raise failure
