"""Looks at what is fetched in a thread of its own, so that the line to Webex need not wait for the processor.

Digests, unpacking and most of counting let other threads run meanwhile. A small file is looked at where it comes: a
thread costs more than it.
"""

from __future__ import annotations

import threading
from queue import Queue
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

WORTH_IT_FROM: Final = 4 * 1000**2
"""Bytes after which the rest is looked at in a thread."""
MOST_WAITING: Final = 8
"""Pieces that wait; who gives more of them waits, too, so that they do not fill the memory."""

log = structlog.get_logger(__name__)


class Aside:
    """Hands pieces to ``look``, in their order. What it raises is raised at the next piece, or at the end."""

    def __init__(self, look: Callable[[bytes], None]) -> None:
        self._look = look
        self._inline = 0
        """Bytes that were looked at where they came."""
        self._pieces: Queue[bytes | None] = Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._tried = False
        self._error: BaseException | None = None

    def take(self, piece: bytes) -> None:
        """Have the next piece looked at."""
        if self._thread is None and (self._inline < WORTH_IT_FROM or not self._begun()):
            self._inline += len(piece)
            self._look(piece)
            return
        if self._error is not None:
            raise self._error
        self._pieces.put(piece)

    def end(self) -> None:
        """Wait until all is looked at; nothing may be given afterwards."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Look at no more than is being looked at. Again is harmless, also after the end."""
        self._look = _not_at_all
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None

    def _begun(self) -> bool:
        if self._tried:
            return False
        self._tried = True
        thread = threading.Thread(target=self._run, name="aside", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads on this machine: it takes longer
            log.warning("looked_at_on_the_way", cause=str(error))
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            try:
                self._look(piece)
            except BaseException as error:  # noqa: BLE001 raised in the thread that gives the pieces
                self._error = error
                self._look = _not_at_all


def _not_at_all(_: bytes) -> None:
    """Look at nothing: who gives pieces must not wait for ever."""
