"""A report's file that is uploaded while it is being downloaded.

Its end is held back until the whole of it has been verified and :meth:`GrowingFile.release` is called: until then Webex
has an incomplete upload, which it discards when it breaks off. So nothing bad is ever posted.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

HELD_BACK: Final = 64 * 1024
"""Bytes of the end that wait for the verification."""


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
        """Return the bytes that are still to be read."""
        return self.size - self._at

    def came(self, size: int) -> None:
        """Let so many bytes be read, which are on the disk now, but for the end."""
        with self._changed:
            self._may_go = max(self._may_go, min(size, self.size - HELD_BACK))
            self._changed.notify_all()

    def release(self) -> None:
        """Let the rest be read: the file is verified and may be posted."""
        with self._changed:
            self._may_go = self.size
            self._changed.notify_all()

    @property
    def abandoned(self) -> bool:
        """Return True when it will not come, or must not go on."""
        return self._abandoned

    def abandon(self) -> None:
        """Make its reader stop: it will not come, or must not be posted."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def read(self, most: int = -1) -> bytes:
        """Return the next bytes, at least one before the end. Raises :class:`AbandonedError`."""
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
        """Close the file; its reader does so."""
        self._file.close()
