"""The bot's disk: room on it, a folder for files that are being made, and what is said when it cannot be written.

The database lies on the same disk, so some of it always stays free.
"""

from __future__ import annotations

import errno
import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import CONTACT, FileRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEEP_FREE: Final = 200 * 1024**2
"""Bytes that stay free on the disk."""
ROOM_TO_KEEP: Final = 3 * 1024**3
"""Bytes that must be free for a file to stay that was delivered: room for the largest download, and for its parts."""
CHECK_ROOM_EVERY: Final = 16 * 1024**2
"""Bytes that are written between two looks at how much is free."""
WAIT_FOR_OTHERS: Final = 300.0
"""Seconds until a file is asked for again that has no room beside others: each time counts among Webex's 30 downloads.
"""
WAIT_FOR_PEOPLE: Final = 3600.0
"""Seconds until a file is asked for again that waits for the people who run the bot: a day of them leaves downloads."""
TEMPORARY: Final = "temp"
"""The folder for files that are being made."""

log = structlog.get_logger(__name__)


class NoRoom(FileRejected):
    """The bot's disk is nearly full. Ask again when the people who run this bot have freed some space."""

    def __init__(self, done: str) -> None:
        super().__init__(
            f"The bot's disk is nearly full, so the file wasn't {done}. Ask again when the people who run this bot "
            "have freed some space."
        )


class TempDir:
    """A folder in ``folder``, a worker's own, for files that are being made."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / TEMPORARY

    def path(self) -> Path:
        """Return the folder, which is made when it is not there. Raises ``OSError``."""
        self._path.mkdir(mode=0o700, exist_ok=True)
        return self._path

    def clear(self) -> None:
        """Remove what a killed worker has left; for a worker that has begun no job yet. Never raises."""
        try:
            shutil.rmtree(self._path)
            log.info("temp_files_removed")
        except FileNotFoundError:
            return
        except OSError as exc:
            log.warning("temp_cleanup_failed", cause=exc.strerror)


def check_room(folder: Path, *, coming: int = 0, keep_free: int = KEEP_FREE, done: str = "downloaded") -> None:
    """Raise ``NoRoom`` when ``coming`` more bytes in ``folder`` would leave too little; ``done``: what is not."""
    if shutil.disk_usage(folder).free - coming < keep_free:
        raise NoRoom(done)


def may_keep(folder: Path) -> bool:
    """Return True when a file that was delivered may stay a while without taking the space of another one."""
    return shutil.disk_usage(folder).free >= ROOM_TO_KEEP


class Coming:
    """Counts what the running downloads will still write: what is free is there once, for all of them together."""

    def __init__(self, keep_free: int = KEEP_FREE) -> None:
        self._keep_free = keep_free
        self._left: dict[object, int] = {}
        self._guard = threading.Lock()

    @contextmanager
    def counted(self, folder: Path, size: int) -> Iterator[Callable[[int], None]]:
        """Count a download of ``size`` bytes (0: nobody knows) within the block; gives what is told how many came.

        Raises ``FileRejected`` there and while bytes come, passing where it is for the other downloads alone.
        """
        download, looked_at = object(), 0

        def came(so_far: int) -> None:
            nonlocal looked_at
            if so_far - looked_at >= CHECK_ROOM_EVERY:
                looked_at = so_far
                self._look(folder, download, max(size - so_far, 0))

        try:
            self._look(folder, download, size)
            yield came
        finally:
            with self._guard:
                self._left.pop(download, None)

    def _look(self, folder: Path, download: object, left: int) -> None:
        with self._guard:
            self._left[download] = left
            check_room(folder, coming=left, keep_free=self._keep_free)
            try:
                check_room(folder, coming=sum(self._left.values()), keep_free=self._keep_free)
            except FileRejected:
                waits = FileRejected("The bot's disk has no space for this file until other downloads are finished.")
                waits.passing, waits.retry_after = True, WAIT_FOR_OTHERS
                raise waits from None


@contextmanager
def writing(done: str = "downloaded") -> Iterator[None]:
    """Turn the errors of a disk into ``FileRejected``, within the block."""
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoRoom(done) from exc
        raise FileRejected(
            f"The bot can't write its folder for files ({exc.strerror or type(exc).__name__}). {CONTACT}"
        ) from exc


def remove(path: Path) -> None:
    """Remove a file that may be gone. One that cannot be removed is left to the maintenance."""
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        log.warning("file_not_removed", cause=exc.strerror)
