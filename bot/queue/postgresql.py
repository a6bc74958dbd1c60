"""The engine for many machines: the same table of jobs in PostgreSQL, with any number of workers.

A worker notes in the row that it runs the job, in one transaction with the choice, so that fair turns, lanes and locks
are those of the embedded engine. See docs/decisions/0035 for why this is not a library.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.queue.listener import Listener
from bot.queue.shared_jobs import Beats, SharedJobTable

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from bot.queue.wakeup import Wakeup


class PostgresqlQueue(SharedJobTable):
    """The queue of many machines; `folder` is the worker's own. The statement that puts a job wakes the workers."""

    def _entry(self, stop: threading.Event) -> tuple[Wakeup, AbstractContextManager[bool]]:  # noqa: ARG002 it never waits
        return Listener(self._database), self._beating()

    @contextmanager
    def _beating(self) -> Iterator[bool]:
        with Beats(self):
            yield False
