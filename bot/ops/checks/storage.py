"""Whether the folder for files can be used: a bot that cannot write there answers everybody with a sentence only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from bot.errors import FileRejected
from bot.files import disk
from bot.ops.alerts import Check

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

FULL = "The disk of DATA_DIR is nearly full: the bot fetches no files any more. Make room."
CANNOT_WRITE = (
    "The bot cannot write its folder for files in DATA_DIR, so nobody gets one. Make it writable for the bot."
)
OVER = "The bot can write its folder for files again."


def folder_check(folder: Path) -> Check:
    """The check for the operators. A folder that is missing is made anew."""

    def look() -> str | None:
        probe = folder / f".probe-{os.getpid()}"
        try:
            # Only this one: a DATA_DIR that was moved away must find its place free when it comes back.
            folder.mkdir(mode=0o700, exist_ok=True)
            probe.write_bytes(b"x")
            probe.unlink()
            disk.check_room(folder)
        except FileRejected:
            return FULL
        except OSError as exc:
            log.warning("folder_not_writable", cause=exc.strerror)
            return CANNOT_WRITE
        return None

    return Check("folder", look, OVER)
