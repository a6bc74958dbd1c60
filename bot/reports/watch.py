"""Watches the reports that are not done yet.

One list call for a family and region serves every watch of it, however many. Details are asked only for an id that is
absent from the list (lag, another region, a sub-partner), at growing intervals, and before the list's word ends a watch
without its file. A round is a job with a next time;
nobody sleeps in a thread.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from bot.db import requests
from bot.db.requests import State
from bot.errors import BotError, WebexError
from bot.messages.sentences import named
from bot.queue import RetryLater, tasks
from bot.reports import unknown_status
from bot.reports.endings import end
from bot.text import duration, escape_markdown
from bot.webex.ids import id_key
from bot.webex.report import Phase, Report, is_known_status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from bot.db.database import Database, Transaction
    from bot.db.requests import Delivery
    from bot.queue import Queue
    from bot.webex.catalog import Catalog

log = structlog.get_logger(__name__)

LONGEST_INTERVAL = 300.0
"""Seconds between two looks at an old watch."""
SHARE_OF_AGE = 0.1
"""A tenth of the youngest watch's age: a report of minutes is seen in seconds, one of hours in minutes."""
LONGEST_DETAILS_INTERVAL = 3600.0
"""Seconds between two details calls for an id that the list does not show."""
CLOCK_SLACK = 1.0
"""Seconds by which a clock may step back before it counts as set back."""
GONE_AFTER = 3
"""Times that Webex must say "unknown" of a report it knew, before the watch ends: the first may be lag."""
UNKNOWN_TO_WEBEX = 404
BY_WEBEX = "by_webex"
"""The audit's word for a report that Webex could not make."""


def interval(age: float, shortest: float) -> float:
    """Seconds to the next look, by the youngest watch's age in seconds; ``shortest`` is ``POLL_INTERVAL``."""
    return max(shortest, min(age * SHARE_OF_AGE, LONGEST_INTERVAL))


def details_interval(missing: int, shortest: float) -> float:
    """Seconds to the next details call for an id that was absent from the list so many times."""
    return max(shortest, min(shortest * 2.0 ** min(missing, 30), LONGEST_DETAILS_INTERVAL))


def watch_key(family: str, region: str | None) -> str:
    """The key of the watch job for a family and region."""
    return f"{family}:{region or ''}"


def deliver_key(family: str, report_id: str) -> str:
    """The key of the job that delivers a report."""
    return f"{family}:{report_id}"


def put_delivery(tx: Transaction, queue: Queue, family: str, delivery: Delivery, *, if_absent: bool = False) -> None:
    """Have a delivery's report fetched and posted, in its asker's turn; one at a time for a report."""
    key = deliver_key(family, delivery.report_id)
    person = id_key(delivery.asker_id)
    queue.put(tx, tasks.DELIVER, key, lock=f"deliver:{key}", person=person, if_absent=if_absent)


class Watch:
    """One round for a family and region."""

    def __init__(
        self, database: Database, queue: Queue, catalog: Catalog, now: Callable[[], datetime], poll_interval: float
    ) -> None:
        self._database = database
        self._queue = queue
        self._catalogue = catalog
        self._now = now
        self._shortest = poll_interval
        self._said: set[tuple[str, str | None]] = set()
        """Families and regions whose list does not answer, as the log knows already."""

    def run(self, key: str) -> RetryLater | None:
        """Look once; the answer says when to look again, or None when nothing is pending any more."""
        family, _, region = key.partition(":")
        waiting = self._waiting(family, region or None)
        if not waiting:
            return None
        # Also at those whose time is over: perhaps it was the bot that was away, and their report is done.
        unseen, pause = self._look(family, region or None, waiting)
        self._expire(family, region or None, unseen)
        waiting = self._waiting(family, region or None)
        return RetryLater(max(self._next(waiting), pause), count=False) if waiting else None

    def _look(self, family: str, region: str | None, waiting: Sequence[Delivery]) -> tuple[set[int], float]:
        """Ask Webex and act on what it says.

        Gives the rows of which it said nothing, and the seconds for which it asked to be left alone.
        """
        try:
            listed = {id_key(report.id): report for report in self._catalogue.listing(family, region)}
        except BotError as error:
            if error.passing:
                self._say_once("watch_list_failed", family, region, error)
                return {delivery.id for delivery in waiting}, error.retry_after or 0.0
            # The list is refused, yet details may be given: each id is then asked for by itself.
            self._say_once("watch_list_refused", family, region, error)
            listed = {}
        else:
            self._said.discard((family, region))
        seen: list[tuple[Delivery, Report | BotError]] = []
        unseen: set[int] = set()
        asked: set[int] = set()
        pause = 0.0
        for delivery in waiting:
            report: Report | BotError | None = listed.get(id_key(delivery.report_id))
            if not isinstance(report, Report) or self._in_doubt(delivery, report):
                asked.add(delivery.id)
                report = self._ask_for(delivery)
            too_early = self._too_early(delivery) and self._now() < delivery.deadline_at
            if isinstance(report, Report) and _may_be_ready(report) and too_early:
                continue
            if isinstance(report, BotError) and report.passing:
                unseen.add(delivery.id)
                pause = max(pause, report.retry_after or 0.0)
            elif report is not None:
                seen.append((delivery, report))
        now = self._now()
        # All in one transaction, so that one download serves everybody who waits for the same report.
        with self._database.begin(durable=False) as tx:
            for delivery, report in seen:
                self._act(tx, delivery, report, now, listed=delivery.id not in asked)
        return unseen, pause

    def on_failure(self, key: str, sentence: str) -> None:
        """A round that cannot be made at all ends the watches it would have served."""
        family, _, region = key.partition(":")
        with self._database.begin() as tx:
            for delivery in requests.pending(tx, family, region or None):
                end(tx, self._queue, delivery, State.FAILED, sentence, self._now(), why="given_up")

    def _next(self, waiting: Sequence[Delivery]) -> float:
        youngest = max(delivery.asked_at for delivery in waiting)
        return interval((self._now() - youngest).total_seconds(), self._shortest)

    def _waiting(self, family: str, region: str | None) -> list[Delivery]:
        with self._database.read() as tx:
            return requests.pending(tx, family, region)

    def _say_once(self, event: str, family: str, region: str | None, error: BotError) -> None:
        """One line for an outage, however often it is looked."""
        say = log.debug if (family, region) in self._said else log.warning
        self._said.add((family, region))
        say(event, family=family, region=region, cause=str(error))

    def _expire(self, family: str, region: str | None, unseen: Collection[int]) -> None:
        """End those whose time is over; not where Webex said nothing of their report: see ``waiting.py``."""
        now = self._now()
        found = self._waiting(family, region)
        overdue = [one for one in found if one.deadline_at <= now and one.id not in unseen]
        if overdue:
            with self._database.begin() as tx:
                for one in overdue:
                    end(tx, self._queue, one, State.EXPIRED, too_long(one), now, why="not_done_in_time")

    def _too_early(self, delivery: Delivery) -> bool:
        """Whether the time of the next look has not come: the list lags behind the details, one way or the other.

        One that is farther off than it was set to is due: the clock has been set back since.
        """
        if delivery.next_look_at is None:
            return False
        left = (delivery.next_look_at - self._now()).total_seconds()
        return 0.0 < left <= details_interval(delivery.missing - 1, self._shortest) + CLOCK_SLACK

    def _in_doubt(self, delivery: Delivery, listed: Report) -> bool:
        """Whether the list would end a watch without its file: the details may know better."""
        return listed.phase is Phase.FAILED or (listed.phase is Phase.PENDING and delivery.deadline_at <= self._now())

    def _ask_for(self, delivery: Delivery) -> Report | BotError | None:
        """Ask for one report; None when its time has not come."""
        if self._too_early(delivery) and self._now() < delivery.deadline_at:
            return None
        try:
            return self._catalogue.details(delivery.family or "", delivery.report_id)
        except BotError as error:
            return error

    def _act(
        self, tx: Transaction, delivery: Delivery, seen: Report | BotError, now: datetime, *, listed: bool
    ) -> None:
        """Keep what Webex says of one report, and move its delivery on."""
        learned: dict[str, Any] = {"looks": delivery.looks + 1, "missing": 0, "next_look_at": None}
        if not listed:
            wait = details_interval(delivery.missing, self._shortest)
            learned |= {"missing": delivery.missing + 1, "next_look_at": now + timedelta(seconds=wait)}
        if isinstance(seen, WebexError) and seen.status == UNKNOWN_TO_WEBEX and delivery.missing + 1 < GONE_AFTER:
            requests.note(tx, delivery.id, **learned)
        elif isinstance(seen, BotError):
            unknown = isinstance(seen, WebexError) and seen.status == UNKNOWN_TO_WEBEX
            sentence = gone(delivery) if unknown else seen.sentence
            end(tx, self._queue, delivery, State.FAILED, sentence, now, error=seen)
        elif seen.phase is Phase.FAILED:
            requests.note(tx, delivery.id, status=seen.status, looks=delivery.looks + 1)
            end(tx, self._queue, delivery, State.FAILED, failed(delivery.title), now, why=BY_WEBEX)
        elif seen.phase is Phase.READY:
            self._have_fetched(tx, delivery, seen, now, ready_at=now)
        elif unknown_status.is_due(tx, seen, now):
            self._have_fetched(tx, delivery, seen, now)
        else:
            if delivery.status is not None and not is_known_status(delivery.status):
                unknown_status.seen(tx, seen, now)  # an unknown word that comes back later begins its minutes again
            requests.note(tx, delivery.id, status=seen.status, **learned)

    def _have_fetched(self, tx: Transaction, delivery: Delivery, seen: Report, now: datetime, **learned: Any) -> None:
        looks = delivery.looks + 1
        if requests.move(tx, delivery, State.READY, now, status=seen.status, looks=looks, **learned):
            put_delivery(tx, self._queue, delivery.family or "", delivery)


def fetch_what_is_ready(tx: Transaction, queue: Queue, report: Report, now: datetime) -> None:
    """Have a report fetched for all who wait for it, since its details say that it is ready: the list may lag."""
    for one in requests.of_report(tx, report.family.value, report.id, {State.PENDING}):
        if requests.move(tx, one, State.READY, now, status=report.status, ready_at=now):
            put_delivery(tx, queue, report.family.value, one)


def _may_be_ready(report: Report) -> bool:
    return report.phase is Phase.READY or unknown_status.is_unknown(report)


def failed(title: str | None) -> str:
    """What is said when Webex could not make a report."""
    return f"{named(title)} failed: Webex could not make it. Make it anew; nothing will follow for this one."


def too_long(delivery: Delivery) -> str:
    """What is said when a watch reaches its deadline."""
    watched = duration((delivery.deadline_at - delivery.asked_at).total_seconds())
    status = f" Its last status was “{escape_markdown(delivery.status)}”." if delivery.status else ""
    return (
        f"{named(delivery.title)} was not done after {watched}, so I stopped watching it.{status} "
        f"To go on, write `report {delivery.report_id}`."
    )


def gone(delivery: Delivery) -> str:
    """What is said when Webex does not know a watched report any more."""
    return f"{named(delivery.title)} is gone: Webex does not know it any more. It was probably deleted; make it anew."
