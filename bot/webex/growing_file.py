"""A report's file while it is being fetched, for who passes it on at the same time.

Its end is held back until the whole of it has been proved and someone says that it may go: anyone who reads it before
has a file that is not complete, and Webex throws an upload away that breaks off. So nothing bad is ever posted.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

HELD_BACK: Final = 64 * 1024
"""Bytes of the end that wait for the proof."""


class AbandonedError(Exception):
    """The file will not come, or must not go on."""


class GrowingFile:
    """Written by one thread (which says how far it is), read by another; ``read`` waits for what has not come."""

    def __init__(self, path: Path, size: int, kind: str) -> None:
        self.size = size
        """Bytes, as the download host has announced them."""
        self.kind = kind
        """``zip`` or ``csv``, by the first bytes."""
        self._file = path.open("rb", buffering=0)
        self._at = 0
        self._may_go = 0
        self._abandoned = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Bytes that are still to be read."""
        return self.size - self._at

    def came(self, size: int) -> None:
        """So many bytes are on the disk now."""
        with self._changed:
            self._may_go = max(self._may_go, min(size, self.size - HELD_BACK))
            self._changed.notify_all()

    def release(self) -> None:
        """It is proved and may be posted: the rest may be read."""
        with self._changed:
            self._may_go = self.size
            self._changed.notify_all()

    @property
    def abandoned(self) -> bool:
        """Return True when it will not come, or must not go on."""
        return self._abandoned

    def abandon(self) -> None:
        """Anyone who reads it must stop."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def read(self, most: int = -1) -> bytes:
        """Give the next bytes, at least one before the end. Raises :class:`AbandonedError`."""
        if most == 0 or self._at == self.size:
            return b""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or self._may_go > self._at)
            if self._abandoned:
                raise AbandonedError
            ready = self._may_go - self._at
        data = self._file.read(ready if most < 0 else min(ready, most))
        if not data:
            raise AbandonedError  # the file is shorter than it was said to be
        self._at += len(data)
        return data

    def close(self) -> None:
        """Let go of the file; the reader does it."""
        self._file.close()
