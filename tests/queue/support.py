"""What the queue's tests share: an engine to open again, a worker that runs in threads, and waiting with a deadline."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from bot.db.database import Database
from bot.queue import Job, Queue, RetryLater, open_queue
from bot.queue.job_table import create_tables
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DEADLINE = 10.0  # seconds that a condition may take to come true on a busy machine


def left(database: Database, queue: Queue) -> int:
    """Return how many jobs there are, due or delayed."""
    with database.read() as tx:
        depth = queue.depth(tx)
    return depth["due"] + depth["delayed"]


@dataclass(frozen=True)
class Engine:
    """One kind of queue on one database: picklable, so that other processes open the same."""

    name: str
    url: str
    data_dir: Path

    def open(self) -> tuple[Database, Queue]:
        database = Database(self.url, lock_patience=0.5)
        return database, open_queue(database, self.data_dir)


def sqlite_engine(folder: Path) -> Engine:
    """Make an empty queue on a SQLite file."""
    made = Engine("sqlite", f"sqlite:///{folder / 'queue.db'}", folder)
    database = Database(made.url)
    create_tables(database)
    database.close()
    return made


@dataclass
class RunningWorker:
    """A worker in threads of this process, which notes every run and does what `does` says."""

    queue: Queue
    does: Callable[[Job], RetryLater | None] = lambda job: None
    threads: int = 4
    lanes: Mapping[str, int] = field(default_factory=dict)
    grace: float = 5.0
    starts: list[Job] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    ends: list[Job] = field(default_factory=list)

    begun: int = 0
    """How often it was told to begin, each time before its first job."""
    waited: bool = False
    """Whether it was told that it had to wait for another worker."""

    def __post_init__(self) -> None:
        self.stop = threading.Event()
        self.guard = threading.Lock()
        self.thread = threading.Thread(target=self._work)

    def _handle(self, job: Job) -> RetryLater | None:
        with self.guard:
            self.starts.append(job)
            self.times.append(time.monotonic())
        try:
            return self.does(job)
        finally:
            with self.guard:
                self.ends.append(job)

    def _work(self) -> None:
        self.queue.work(
            self._handle,
            threads=self.threads,
            lanes=self.lanes,
            stop=self.stop,
            grace=self.grace,
            begin=self._begin,
        )

    def _begin(self, waited: bool) -> None:
        assert not self.starts
        self.begun += 1
        self.waited = waited

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Stop and wait; only for workers whose handlers end."""
        self.stop.set()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive(), "work() did not return after the stop"

    @property
    def keys(self) -> list[str]:
        with self.guard:
            return [job.key for job in self.starts]

    def ran(self, *keys: str) -> None:
        """Wait until exactly these keys have started, in any order."""
        until(lambda: sorted(self.keys) == sorted(keys), f"runs of {keys}, not {self.keys}")
