"""What a queue holds: jobs, a handler's wish to run one again, and how full it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Table

NO_LANES: Final[Mapping[str, int]] = {}
GRACE = 55.0  # seconds that what runs may take to end after a stop: within the minute that most platforms give


@dataclass(frozen=True)
class Job:
    """What a handler gets: which task, on which id, under which lock, and the number of this run."""

    task: str
    key: str
    lock: str | None
    attempt: int
    """1 at the first run; one more for each run that ended in a counted `RetryLater`."""


@dataclass(frozen=True)
class RetryLater:
    """A handler's wish to run the job again after so many seconds, never sooner (unless it is put again meanwhile).

    `count=False`: nothing failed, this is a planned next check, and `attempt` starts at 1 again.
    `others`: seconds for which the task's other due jobs wait too, since they would fail for the same reason.
    """

    seconds: float
    count: bool = True
    others: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a wait that no clock can measure (ValueError)."""
        for wait in (self.seconds, self.others):
            if not math.isfinite(wait) or wait < 0:
                raise ValueError(f"a wait is a number of seconds from 0 up, not {wait}")


@dataclass(frozen=True, slots=True)
class RowWithJob:
    """A row to add to a table, and the job that is put with it; the job's key is the row's."""

    table: Table
    values: Mapping[str, Any]
    unique: tuple[str, ...]
    """Of these columns no two rows have the same values."""
    task: str
    lock: str | None = None
    person: str = ""


class Depth(TypedDict):
    """How full the queue is: jobs that are due (those that run included), jobs that wait for their time, and lag."""

    due: int
    delayed: int
    oldest_due_seconds: float


@dataclass(eq=False)
class Claim:
    """A job in the hands of the worker: its row's id, and in whose turn it runs."""

    id: int
    job: Job
    person: str
    put_again: bool
    """A put found the row there: before the run began, or (once it has ended) during the run."""
    ending: bool = False
    """A transaction that deletes its row was begun."""
    finished: bool = False
    """That transaction was committed."""
    worker: str | None = None
    """Who has it, where there are several workers."""

    @property
    def where(self) -> dict[str, Any]:
        """Return the parameters that name its row (not the id, which SQLite may give to another row later)."""
        return {"of_task": self.job.task, "of_key": self.job.key, "of_worker": self.worker}

    def finish(self) -> None:
        """Note that the transaction that ended it was committed."""
        self.finished = True
