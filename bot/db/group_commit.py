"""One transaction for all calls of the same moment.

A durable commit waits for the disk, and commits wait for each other. Calls that come during one share the next: twenty
events at once cost two commits, not twenty. No call waits for others to come, so a single event is as quick as without.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class _Waiting(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item
        self.error: Exception | None = None
        self.leads = False
        self.turn = threading.Event()


class GroupCommit(Generic[T]):
    """Call ``do`` with the items of all threads that call at the same time; an error is raised to each of them."""

    def __init__(self, do: Callable[[Sequence[T]], None]) -> None:
        self._do = do
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[T]] = []
        self._busy = False

    def __call__(self, item: T) -> None:
        """Return when ``do`` has succeeded with this item among others; raise what it raised."""
        mine = _Waiting(item)
        with self._lock:
            self._waiting.append(mine)
            mine.leads = not self._busy
            self._busy = True
        if not mine.leads:
            mine.turn.wait()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._do([one.item for one in batch])
        except Exception as error:  # noqa: BLE001 it is raised to each of them
            for one in batch:
                one.error = error
        with self._lock:
            successor = self._waiting[0] if self._waiting else None
            self._busy = successor is not None
        for one in batch:
            one.turn.set()
        if successor is not None:
            successor.leads = True
            successor.turn.set()
