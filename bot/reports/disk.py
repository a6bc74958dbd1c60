"""Room on the bot's disk, and what is said when there is none or it cannot be written: alike wherever a file is made.

The database lies on the same disk, so some of it always stays free.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import FileRejected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEEP_FREE: Final = 200 * 1024**2
"""Bytes that stay free on the disk."""
LOOK_EVERY: Final = 16 * 1024**2
"""Bytes that are written between two looks at how much is free."""

log = structlog.get_logger(__name__)


def check_room(folder: Path, *, coming: int = 0, keep_free: int = KEEP_FREE, done: str = "fetched") -> None:
    """Raise ``FileRejected`` when ``coming`` more bytes in ``folder`` would leave too little; ``done``: what is not."""
    if shutil.disk_usage(folder).free - coming < keep_free:
        raise full(done)


@contextmanager
def writing(done: str = "fetched") -> Iterator[None]:
    """Turn the errors of a disk into ``FileRejected``, within the block."""
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise full(done) from exc
        raise FileRejected(
            "The bot cannot write its folder for files "
            f"({exc.strerror or type(exc).__name__}). Its operators must help."
        ) from exc


def full(done: str) -> FileRejected:
    """What is said when the disk is full and the file was not fetched, or packed."""
    return FileRejected(
        f"The bot's disk is nearly full, so the file was not {done}. Its operators must make room; ask again then."
    )


def remove(path: Path) -> None:
    """Remove a file that may be gone. One that cannot be removed is left to the sweep."""
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        log.warning("file_not_removed", cause=exc.strerror)
