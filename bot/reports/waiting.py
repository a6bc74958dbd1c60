"""Tells anyone who waits that Webex has trouble, once, and that nothing need be done; and keeps what hinders a job.

It stands around the jobs that a person waits for: each is tried again by itself, for a day if need be, and without this
the person would see nothing happen. What is said tells nothing of the report, so anyone may read it.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import select

from bot.db import failures
from bot.db import requests as request_rows
from bot.db.requests import IN_HAND, State
from bot.db.tables import deliveries as requests
from bot.errors import BotError, DatabaseUnavailable, WebexError
from bot.queue import tasks
from bot.reports.endings import end
from bot.reports.trouble_line import AFTER_ERRORS, line_for_answer, line_for_file, sentence
from bot.webex.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Database, Transaction
    from bot.db.requests import Delivery
    from bot.outbox import Outbox
    from bot.queue import Queue, RetryLater
    from bot.queue.tasks import Task
    from bot.webex.report import Report

log = structlog.get_logger(__name__)

WATCH_PATIENCE: Final = timedelta(minutes=15)
"""How long a watch, or a file that is done, may be in trouble without a word: who waits for it waits anyway."""
EXTRA_TIME: Final = timedelta(hours=6)
"""How long Webex must have been in trouble before a request ends with its deadline: perhaps the bot itself was away."""
TOO_LONG: Final = "Webex had trouble for too long, so I stopped trying. Ask again to go on."
SAYING: Final = ("/messages", "/attachment")
"""In the paths of calls by which something is said: where these fail, this cannot be said either."""


class Waiting:
    """One task with this around it."""

    def __init__(  # noqa: PLR0917 the same row for each task, in ``wiring.py``
        self, name: str, task: Task, database: Database, queue: Queue, outbox: Outbox, now: Callable[[], datetime]
    ) -> None:
        self._name = name
        self._task = task
        self._database = database
        self._queue = queue
        self._outbox = outbox
        self._now = now
        self._patience = AFTER_ERRORS if name == tasks.ANSWER else WATCH_PATIENCE
        self._hindered: set[str] | None = None
        """Keys with a hindrance on record; None: nobody has looked since the start."""

    def run(self, key: str) -> RetryLater | None:
        """Run the task. Raises what it raises."""
        try:
            again = self._task.run(key)
        except DatabaseUnavailable:
            raise  # nothing can be kept, and it is not Webex
        except BotError as error:
            if not error.passing:
                self._over(key)
            elif self._met(key, error):
                return None
            raise
        self._settled(key)
        return again

    def on_failure(self, key: str, sentence: str) -> None:
        """Give the task up."""
        self._over(key)
        self._task.on_failure(key, sentence)

    def _settled(self, key: str) -> None:
        """The task has run without an error."""
        self._over(key)

    def _met(self, key: str, error: BotError) -> bool:
        """Keep what went wrong and tell who has waited for long. True: the time of all of them is over."""
        now = self._now()
        with self._database.begin(durable=False) as tx:
            hindrance = failures.note(tx, self._name, key, error.sentence, now)
            waiting = _who_waits(tx, self._name, key)
        if self._hindered is not None:
            self._hindered.add(key)
        if waiting and now - hindrance.since >= EXTRA_TIME:
            late = [one for one in waiting if one.deadline_at <= now]
            self._end(late, error, now)
            if len(late) == len(waiting):
                self._over(key)
                return True
            waiting = [one for one in waiting if one not in late]
        if isinstance(error, WebexError) and not any(part in error.call for part in SAYING):
            for one in waiting:
                since = one.asked_at if self._name == tasks.ANSWER else hindrance.since
                # Webex may ask to be left alone for an hour: then it is said now, since it is not tried before.
                if now + timedelta(seconds=error.retry_after or 0.0) - since >= self._patience:
                    line = line_for_answer if self._name == tasks.ANSWER else line_for_file
                    line(self._outbox, one).say(sentence(error))
        return False

    def _end(self, late: Sequence[Delivery], error: BotError, now: datetime) -> None:
        with self._database.begin() as tx:
            for one in late:
                end(tx, self._queue, one, State.EXPIRED, TOO_LONG, now, why="trouble_for_too_long", error=error)

    def _over(self, key: str) -> None:
        """Forget the hindrance, if there was one."""
        if self._hindered is None:
            with self._database.read() as tx:
                self._hindered = set(failures.keys(tx, self._name))
        if key in self._hindered:
            with self._database.begin(durable=False) as tx:
                failures.over(tx, self._name, key)
            self._hindered.discard(key)


class Listening(Catalog):
    """A catalogue that remembers, for the thread that asks, the last error that will pass: a watch only looks again."""

    _heard = threading.local()

    def listing(self, family: str, region: str | None) -> Sequence[Report]:
        """As in the catalogue."""
        try:
            return super().listing(family, region)
        except BotError as error:
            self._heard.trouble = error if error.passing else None
            raise

    def details(self, family: str, report_id: str) -> Report:
        """As in the catalogue."""
        try:
            return super().details(family, report_id)
        except BotError as error:
            self._heard.trouble = error if error.passing else None
            raise

    def forget(self) -> None:
        """Begin again, in this thread."""
        self._heard.trouble = None

    @property
    def trouble(self) -> BotError | None:
        """What this thread has met since it began anew."""
        return getattr(self._heard, "trouble", None)


class WaitingWatch(Waiting):
    """The watch with this around it; ``catalog`` is the one that it asks."""

    def __init__(  # noqa: PLR0917 as above
        self,
        watch: Task,
        catalog: Listening,
        database: Database,
        queue: Queue,
        outbox: Outbox,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(tasks.WATCH, watch, database, queue, outbox, now)
        self._catalogue = catalog

    def run(self, key: str) -> RetryLater | None:
        """Run one round."""
        self._catalogue.forget()
        return super().run(key)

    def _settled(self, key: str) -> None:
        trouble = self._catalogue.trouble
        if trouble is None:
            self._over(key)
        else:
            self._met(key, trouble)


def _who_waits(tx: Transaction, task: str, key: str) -> list[Delivery]:
    """The requests that a job serves, those that joined another one included: each has a thread of its own."""
    where: list[ColumnElement[bool]]
    family, _, rest = key.partition(":")
    if task == tasks.ANSWER:
        where = [requests.c.id == int(key), requests.c.state == State.ASKED.value]
    elif task == tasks.WATCH:
        region = requests.c.region == rest if rest else requests.c.region.is_(None)
        where = [requests.c.family == family, region, requests.c.state == State.PENDING.value]
    else:
        states = [state.value for state in IN_HAND]
        where = [requests.c.family == family, requests.c.report_id == rest, requests.c.state.in_(states)]
    ids = tx.execute(select(requests.c.id).where(*where).order_by(requests.c.id)).scalars().all()
    found = (request_rows.get(tx, number) for number in ids)
    return [one for one in found if one is not None]
