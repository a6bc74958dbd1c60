"""A folder of each process's own for files that are being made, and the end of those whose process is dead.

The kernel's lock on a room ends with its process, however that ends. So nothing is judged by its age: a clock that
jumps takes nothing away from a download that goes on, and what a kill leaves is gone at the next start.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Final

import structlog

PREFIX: Final = ".room-"

log = structlog.get_logger(__name__)


class TempDir:
    """A room in ``folder``; threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = threading.Lock()
        self._room: Path | None = None
        self._lock: int | None = None

    def path(self) -> Path:
        """Give the room; it is made when it is first needed, and again when somebody has removed it.

        Raises ``OSError``.
        """
        with self._making:
            while self._room is None or not self._room.is_dir():
                self._leave()
                self._folder.mkdir(mode=0o700, exist_ok=True)
                room = Path(tempfile.mkdtemp(dir=self._folder, prefix=PREFIX))
                try:
                    self._lock = _locked(room)
                except FileNotFoundError:
                    continue  # before it was locked, somebody who clears up took it for a dead one's
                self._room = None if self._lock is None else room
            return self._room

    def clear(self) -> None:
        """Remove the rooms of dead processes. Never raises."""
        for room in self._folder.glob(f"{PREFIX}*"):
            if room == self._room:
                continue
            try:
                lock = _locked(room)
                if lock is not None:
                    try:
                        shutil.rmtree(room)
                    finally:
                        os.close(lock)
                    log.info("left_over_files_removed")
            except FileNotFoundError:
                continue  # somebody else was faster
            except OSError as exc:
                log.warning("left_over_files_stay", cause=exc.strerror)

    def close(self) -> None:
        """Leave the room, and remove it when it is empty: a thread that has outlived its time may still be in it."""
        with self._making:
            room = self._room
            self._leave()
            if room is not None:
                try:
                    room.rmdir()
                except OSError as exc:
                    log.info("left_over_files_stay", cause=exc.strerror)

    def _leave(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._room = self._lock = None


def _locked(room: Path) -> int | None:
    """Lock a room; gives the open handle, or None when its process lives. Raises ``OSError``."""
    handle = os.open(room, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return handle
