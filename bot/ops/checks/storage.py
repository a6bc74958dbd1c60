"""Check that the bot can store what it needs: its folder for files, and its database."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import FileRejected
from bot.files import storage
from bot.messages.alerts import CANNOT_WRITE, DISK_FULL, STORAGE_OK, database_unavailable
from bot.ops.alerts import Check

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from bot.db.availability import LoggedDatabase

log = structlog.get_logger(__name__)

RECENT: Final = timedelta(minutes=10)
"""For how long an outage of the database that is over is told."""


def folder(path: Path) -> Check:
    """Return the check of the folder for files; a folder that is missing is created."""

    def look() -> str | None:
        probe = path / f".probe-{os.getpid()}"
        try:
            # Only this one: a DATA_DIR that was moved away must find its place free when it comes back.
            path.mkdir(mode=0o700, exist_ok=True)
            probe.write_bytes(b"x")
            probe.unlink()
            storage.check_room(path)
        except FileRejected:
            return DISK_FULL
        except OSError as exc:
            log.warning("folder_not_writable", cause=exc.strerror)
            return CANNOT_WRITE
        return None

    return Check("storage", look, STORAGE_OK)


def database_outage(database: LoggedDatabase, now: Callable[[], datetime]) -> Check:
    """Return the check that tells of a long outage of the database afterwards: during it nothing can be told."""

    def look() -> str | None:
        recent = [one for one in database.long_outages() if now() - one.until < RECENT]
        return database_unavailable(recent[-1].since, recent[-1].until) if recent else None

    return Check("database_outage", look, resolved="")
