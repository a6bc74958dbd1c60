"""Run the tasks of jobs: where a failed run becomes a wait, or a sentence for the person and a line in the log.

The sentence for the person and the line in the log carry the same reference.
"""

from __future__ import annotations

import random
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from bot import tracing
from bot.errors import DOWNLOAD, BotError, DatabaseUnavailable, WebexError
from bot.queue import RetryLater
from bot.queue.tasks import LANES

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from bot.queue import Job, Queue
    from bot.queue.tasks import Task
    from bot.tracing import Step

log = structlog.get_logger(__name__)

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
"""Seconds between tries while Webex has trouble: doubled each time, up to this, with jitter."""
MOST_TRIES = 1600
"""Tries of a job that fails for a passing reason: a good day of them."""
MOST_TRIES_WITHOUT_MEMORY = 9
"""Tries of a job for which the machine had too little memory: some two minutes of them."""
NO_MEMORY = "The bot's machine has too little memory. The people who run this bot must help; ask again then."
MOST_TRIES_OF_OTHERS = 60
"""Of a job whose task this version does not have, a minute apart."""
MOST_TRIES_WITH_BUGS = 5
"""Tries of a job that fails for a reason that nobody foresaw."""


def wait_before(attempt: int, asked: float | None, chance: float) -> float:
    """Return seconds until the next try: what Webex asked for at least, else doubling with jitter (``chance``, 0…1)."""
    own = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 16)) * (0.5 + chance / 2)
    return own if asked is None else max(asked, 0.0) + own * 0.1


def _asked(error: Exception) -> float | None:
    """Return the seconds that Webex asked to wait."""
    return error.retry_after if isinstance(error, BotError) else None


def _wait_of_others(error: Exception, own: float) -> float:
    """Return the seconds for which Webex would refuse the task's other jobs, too: they call it with the same token.

    As many as this one waits, so that jobs under one lock keep their order.
    """
    if not isinstance(error, WebexError) or error.status != HTTPStatus.TOO_MANY_REQUESTS or error.call == DOWNLOAD:
        return 0.0
    return 0.0 if error.retry_after is None else min(own, LONGEST_WAIT)


class JobRunner:
    """Run jobs until it is told to stop."""

    def __init__(
        self,
        queue: Queue,
        tasks: Mapping[str, Task],
        *,
        new_reference: Callable[[], str],
        observe: Callable[[str, str], None],
        threads: int = 16,
        start: Callable[[threading.Event, bool], None] | None = None,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._queue = queue
        self._tasks = tasks
        self._new_reference = new_reference
        self._observe = observe
        self._threads = threads
        self._start = start
        self._end = end

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set and what is in hand has ended or is handed back."""
        begin = None if self._start is None else partial(self._start, stop)
        self._queue.work(self.handle, threads=self._threads, lanes=LANES, stop=stop, begin=begin)
        if self._end is not None:
            self._end()

    def handle(self, job: Job) -> RetryLater | None:
        """Run one job; never raises."""
        with tracing.step(job.task) as step:
            again = self._run(job, step)
            if step.trace_ids:  # else it is no step of a request: as looking for what is due
                seconds = round(step.seconds, 3)
                log.info("job_run", task=job.task, outcome=step.outcome, seconds=seconds, tracking=step.tracking)
        return again

    def _run(self, job: Job, step: Step) -> RetryLater | None:
        task = self._tasks.get(job.task)
        if task is None:
            # A newer version runs beside this one; after an hour, an older one has left it behind.
            log.error("unknown_task", task=job.task)
            return RetryLater(60.0) if job.attempt < MOST_TRIES_OF_OTHERS else None
        try:
            again = task.run(job.key)
        except BotError as error:
            outcome = "again" if error.passing and job.attempt < MOST_TRIES else "failed"
            again = self._after(job, task, error, error.sentence, MOST_TRIES if error.passing else 1)
        except MemoryError as error:
            outcome = "again" if job.attempt < MOST_TRIES_WITHOUT_MEMORY else "failed"
            again = self._after(job, task, error, NO_MEMORY, MOST_TRIES_WITHOUT_MEMORY)
        except Exception as error:  # a bug must not stop the others, and its person must hear of it
            log.exception("job_crashed", task=job.task, attempt=job.attempt)
            outcome = "again" if job.attempt < MOST_TRIES_WITH_BUGS else "failed"
            again = self._after(job, task, error, "Something went wrong inside the bot.", MOST_TRIES_WITH_BUGS)
        else:
            outcome = "again" if again else "done"
        step.outcome = outcome
        self._observe(job.task, outcome)
        return again

    def _after(self, job: Job, task: Task, error: Exception, sentence: str, patience: int) -> RetryLater | None:
        if job.attempt < patience:
            wait = wait_before(job.attempt, _asked(error), random.random())  # noqa: S311 jitter, no secret
            # An outage of hours is a handful of lines for each job: at every doubling of its tries.
            say = log.warning if job.attempt & (job.attempt - 1) == 0 else log.debug
            if isinstance(error, DatabaseUnavailable):
                say = log.debug  # the database has logged it, once for all who use it
            cause = str(error) or type(error).__name__
            say("job_again", task=job.task, attempt=job.attempt, seconds=round(wait, 2), cause=cause)
            return RetryLater(wait, others=_wait_of_others(error, wait))
        reference = self._new_reference()
        log.error("job_given_up", task=job.task, reference=reference, cause=str(error) or type(error).__name__)
        try:
            task.on_failure(job.key, f"{sentence} Reference {reference}.")
        except (BotError, MemoryError) as told:
            log.error(  # noqa: TRY400 the cause says it all
                "person_not_told", task=job.task, reference=reference, cause=str(told) or type(told).__name__
            )
            if job.attempt < 2 * patience and (isinstance(told, MemoryError) or told.passing):
                return RetryLater(wait_before(job.attempt, _asked(told), 1.0))
        except Exception:  # a bug here too must not stop the others; the maintenance finds what is left open
            log.exception("giving_up_crashed", task=job.task, reference=reference)
        return None
