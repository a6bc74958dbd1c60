"""Copy an SQLite database while others use it, into a file that is whole or not there.

SQLite's own online backup reads one snapshot and holds up no writer. The copy says of itself that it is one: see
``ops/restored.py`` for what the first start on it does.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bot.db import key_values
from bot.db.database import Database
from bot.errors import BotError

if TYPE_CHECKING:
    from datetime import datetime

LOCK_TIMEOUT: Final = 60.0
"""Seconds to wait for a lock on the source, which others hold for moments only."""


class BackupFailed(BotError):
    """The database could not be copied."""


def back_up(source: Path, target: Path, now: datetime) -> None:
    """Copy the database ``source``. Raises ``BackupFailed``; ``target`` is not there then, unless it was before."""
    if not source.exists():
        raise BackupFailed(f"There is no database yet: {source} doesn't exist.")
    if target.exists():
        raise BackupFailed(f"{target} exists. Choose another name: a backup never replaces a file.")
    try:
        handle, made = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 600
    except OSError as error:
        raise BackupFailed(f"The backup can't be written to {target.parent} ({error.strerror}).") from error
    os.close(handle)
    copy = Path(made)
    try:
        _copy(source, copy)
        _mark(copy, now)
        _sync(copy)
        copy.rename(target)
        _sync(target.parent)
    except sqlite3.Error as error:
        raise BackupFailed(f"The database could not be copied: {error}.") from error
    except OSError as error:
        raise BackupFailed(f"The backup can't be written to {target.parent} ({error.strerror}).") from error
    finally:
        for left in copy.parent.glob(f"{copy.name}*"):  # SQLite's own files beside it, too
            with suppress(FileNotFoundError):
                left.unlink()


def _copy(source: Path, copy: Path) -> None:
    with (
        closing(
            sqlite3.connect(f"file:{quote(str(source.absolute()))}?mode=ro", uri=True, timeout=LOCK_TIMEOUT)
        ) as reading,
        closing(sqlite3.connect(copy)) as writing,
    ):
        reading.backup(writing)
        found = writing.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise BackupFailed(f"The copy is damaged, and so may be the database: {found[0][0]}.")


def _mark(copy: Path, now: datetime) -> None:
    database = Database(f"sqlite:///{copy}")
    try:
        with database.begin() as tx:
            key_values.set(tx, key_values.RESTORED, "", now)
    finally:
        database.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
