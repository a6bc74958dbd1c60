"""Post a file to a space, streamed: a 100 MB report must not stand in memory, not even once.

A file that is still being fetched can be sent on meanwhile (:func:`begin`). Ours and not the SDK's: after a 429 the SDK
sends an empty body again and hangs, its time-out fits no large file, and it takes the file's name from the disk.
"""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

import structlog
from requests_toolbelt import MultipartEncoder

from bot.errors import BotError, FileRejected, WebexError
from bot.webex import parsing
from bot.webex.growing_file import AbandonedError
from bot.webex.responses import json_of, unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from bot.webex.growing_file import GrowingFile
    from bot.webex.http import HttpTransport
    from bot.webex.types import Posted, Target

log = structlog.get_logger(__name__)

CALL: Final = "POST messages"

MAX_FILE_BYTES: Final = 100 * 1024 * 1024
"""Webex takes files up to 100 MB."""
TIMEOUT: Final = (60.0, 600.0)
"""Seconds that the line may stall while we send (to urllib3 that is the time to connect), and to wait for the answer
after the last byte: Webex scans the file first."""


def address(target: Target) -> dict[str, str]:
    """Return where a message goes, in the fields of ``POST /messages``: a space (and thread), or a person 1:1."""
    fields = {
        "roomId": target.room_id,
        "toPersonId": None if target.room_id else target.person_id,
        "parentId": target.parent_id,
    }
    return {name: value for name, value in fields.items() if value}


def upload(
    transport: HttpTransport, target: Target, *, path: Path, name: str, content_type: str, markdown: str
) -> Posted:
    """Post the file at ``path`` as ``name`` with a line beside it.

    Raises ``FileRejected`` when it is over Webex's limit or cannot be read, and ``WebexError``: with ``reached`` None
    the answer was lost, and the file may be there.
    """
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as exc:
        raise FileRejected("The report's file is no longer on the bot's disk. Ask for it again.") from exc
    with file:
        if size > MAX_FILE_BYTES:
            raise FileRejected(
                f"The report's file is {size / 1024 / 1024:,.0f} MB; Webex accepts at most "
                f"{MAX_FILE_BYTES // 1024 // 1024} MB per message."
            )

        def post() -> Posted:
            file.seek(0)
            return _post(transport, target, markdown, (name, file, content_type))

        return transport.retries.call(post, reads=False)


def _post(transport: HttpTransport, target: Target, words: Any, file: tuple[str, Any, str]) -> Posted:
    # The words come last: of a file that still comes, they are not known before its end.
    fields = {**address(target), "files": file, "markdown": words}
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
        return parsing.posted(answer, target.room_id)
    except (parsing.ShapeError, AttributeError):
        failure = unreadable(CALL)
    raise failure


def begin(
    transport: HttpTransport, target: Target, growing: GrowingFile, *, name: str, content_type: str, room: int
) -> PendingUpload:
    """Send on what comes; ``room`` is the number of bytes kept for the words, which come last."""
    return PendingUpload(transport, target, (name, growing, content_type), room)


class PendingUpload:
    """An upload that goes on in a thread of its own while the file comes, and waits before its end for ``finish``."""

    def __init__(self, transport: HttpTransport, target: Target, file: tuple[str, GrowingFile, str], room: int) -> None:
        self.target = target
        self._transport = transport
        self._file = file
        self._growing = file[1]
        self._line = DeferredField(room)
        self._lock = threading.Lock()
        self._released = False
        self._ended = False
        self._result: Posted | Exception = WebexError(CALL, None, message="broken off", reached=False)
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="upload", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads on this machine: it is posted from the disk
            log.warning("upload_not_begun", cause=str(error))
            self._ended = True
            self._growing.close()

    def finish(self, markdown: str) -> Posted | None:
        """Send the end of the file, with these words; return None when that is impossible, and nothing was posted.

        Raises what a plain upload raises.
        """
        with self._lock:
            if self._ended or self._growing.abandoned or not self._line.say(markdown):
                self._growing.abandon()
                return None
            self._released = True
        self._growing.release()
        self._thread.join()
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    def abandon(self) -> None:
        """Abort it if it has not been finished: Webex discards what it has."""
        if not self._released:
            self._growing.abandon()

    def _run(self) -> None:
        try:
            self._result = _post(self._transport, self.target, self._line, self._file)
        except AbandonedError:
            log.debug("upload_broken_off")
        except Exception as exc:  # noqa: BLE001 raised in the thread that waits, or logged below if none does yet
            self._result = exc
        finally:
            self._growing.close()
            with self._lock:
                self._ended = True
        if isinstance(self._result, Exception) and not self._released:
            cause = str(self._result) if isinstance(self._result, BotError) else type(self._result).__name__
            log.info("upload_ended_early", cause=cause)


class DeferredField:
    """Words of a message that are known only when the file before them may go; blanks fill up their room."""

    def __init__(self, room: int) -> None:
        self._left = b" " * room

    def __len__(self) -> int:
        return len(self._left)

    def say(self, words: str) -> bool:
        """Set the words; return False when there are too many of them."""
        room, raw = len(self._left), words.encode()
        self._left = raw.ljust(room)[:room]
        return len(raw) <= room

    def read(self, most: int = -1) -> bytes:
        """Return the next bytes."""
        piece = self._left if most < 0 else self._left[:most]
        self._left = self._left[len(piece) :]
        return piece
