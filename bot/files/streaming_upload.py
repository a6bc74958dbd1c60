"""Upload a large file to the first who waits for it while it is still being fetched, so that it takes half the time.

The end of it goes only when the file is proved and policy has been asked once more (``deliver.py``); until then Webex
has an upload that is not complete and shows nothing. Whatever goes wrong with it, the file is posted from the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from bot.files.file_name import CONTENT_TYPES, file_name
from bot.logs import redact
from bot.text import escape_markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bot.webex.chat import Chat
    from bot.webex.growing_file import GrowingFile
    from bot.webex.report import Report
    from bot.webex.types import Target
    from bot.webex.upload import PendingUpload

WORTH_IT_FROM: Final = 4 * 1000**2
"""Bytes; a smaller file is there in a moment."""
ROOM: Final = 250
"""Bytes for the line's rows, columns, size and period, which stand beside the title."""


class StreamingUpload:
    """What is under way to one target, if anything; broken off when the block ends, unless it was finished.

    ``target`` is asked when the upload begins: it says where the file may go then.
    """

    def __init__(self, chat: Chat, target: Callable[[], Target | None], report: Report, most: int) -> None:
        self._chat = chat
        self._target = target
        self._report = report
        self._most = most
        self.upload: PendingUpload | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self, growing: GrowingFile) -> None:
        """Start if the file is large enough; called at most once for each download."""
        self.abandon()
        target = self._target() if WORTH_IT_FROM <= growing.size <= self._most else None
        if target is not None:
            self.upload = self._chat.begin_upload(
                target,
                growing,
                name=redact(file_name(self._report, growing.kind)),
                content_type=CONTENT_TYPES[growing.kind],
                room=len(escape_markdown(self._report.title).encode()) + ROOM,
            )
        else:
            growing.close()

    def abandon(self) -> None:
        """Abort the upload that is under way."""
        if self.upload is not None:
            self.upload.abandon()
            self.upload = None

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()
