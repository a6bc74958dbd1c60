"""Watch the reports that are not ready yet, and the lists in which subscriptions wait for more.

One list call for a family, region and sub-partner serves every request and subscription, however many. Details are
asked only for an ID that is absent from the list (lag, another region), at growing intervals, and before the list's
word ends a request without its file. A round is a job with a next time; nobody sleeps in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import messages, reports, requests, subscriptions
from bot.db.requests import State
from bot.errors import BotError, WebexError, refuses_token
from bot.messages import sentences
from bot.messages.report_form import REGIONS
from bot.queue import RetryLater, tasks
from bot.reports import durations, unknown_status
from bot.reports.lookup import BY_WEBEX
from bot.reports.requests import SLICE, close, close_all, deliver_to_waiting, put_thread
from bot.reports.subscriptions import announce
from bot.webex.ids import id_key
from bot.webex.report import Phase, Report, is_known_status
from bot.webex.report_lists import list_of_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction
    from bot.db.reports import Watched
    from bot.services import Services
    from bot.webex.report_lists import ReportList

log = structlog.get_logger(__name__)

LONGEST_DETAILS_INTERVAL: Final = 3600.0
"""Seconds between two details calls for an ID that the list does not show."""
CLOCK_SLACK: Final = 1.0
"""Seconds by which a clock may step back before it counts as set back."""
GONE_AFTER: Final = 3
"""Times that Webex must say "unknown" of a report it knew, before its requests end: the first may be lag."""
KNOWN_REGIONS: Final = frozenset({None, *REGIONS})
ROWS: Final = 500
"""Rows that one transaction changes alike."""
REFUSED: Final[Mapping[str, Report]] = MappingProxyType({})
"""What is listed where Webex refuses the list; details may be given all the same."""


def details_interval(missing: int, shortest: float) -> float:
    """Return the seconds to the next details call for an ID that was absent from the list so many times."""
    return max(shortest, min(shortest * 2.0 ** min(missing, 30), LONGEST_DETAILS_INTERVAL))


@dataclass(frozen=True, slots=True)
class Checked:
    """What a round learned of one report; None: its time has not come."""

    watched: Watched
    found: Report | BotError | None
    listed: bool = False


class Watch:
    """One round for one of Webex's lists, which the key names."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = services.database
        self._queue = services.queue
        self._catalog = services.catalog
        self._now = services.now
        self._shortest = services.poll_interval
        self._failing: set[ReportList] = set()
        """Lists that fail, as the log knows already."""
        self._fruitless: dict[ReportList, int] = {}
        """How often in a row Webex has refused a list, or shown nothing in that of an unknown region."""
        self._home: dict[str, str] = {}
        """The home region of each family as far as its list has shown it, empty where it shows several."""

    def run(self, key: str) -> RetryLater | None:
        """Check once and say when to check again, or None when nothing is pending any more."""
        which = list_of_key(key)
        if self._home_list_shows(which):
            return None
        lists = self._shown_with(which)
        with self._database.read() as tx:
            watched = {one: reports.watched(tx, one) for one in lists}
            standing = [one for one in lists if self._stands(tx, one)]
        if not standing and not any(watched.values()):
            return None
        listed, pause = self._list(which)
        if listed is not None:
            for one, theirs in watched.items():
                # Also those whose deadline has passed: perhaps the bot was away, and their report is ready.
                pause = max(pause, self._store(one, self._check_all(theirs, listed)) if theirs else 0.0)
            if listed is not REFUSED:
                self._learn_home(which, listed)
                for one in standing:
                    announce(self._services, one, listed.values())
        waits = []
        with self._database.read() as tx:
            if left := [each for one in lists for each in reports.watched(tx, one)]:
                waits.append(durations.next_check(tx, left, self._now(), self._shortest))
            if any(self._stands(tx, one) for one in lists):
                waits.append(self._interval(which))
        return RetryLater(max(min(waits), pause), count=False) if waits else None

    def _interval(self, which: ReportList) -> float:
        """Return the seconds to the next look for subscriptions; it grows while Webex refuses the list.

        Also while it shows nothing of a region that may be none: a program may name as many as it likes.
        """
        fruitless = self._fruitless.get(which, 0)
        longest = max(self._shortest, durations.LONGEST_INTERVAL)
        return min(self._shortest * 2.0 ** min(max(0, fruitless - 1), 30), longest)

    def _stands(self, tx: Transaction, which: ReportList) -> bool:
        """Return True when subscriptions wait for what a list shows, and its family is served."""
        return which.family in self._catalog.families and subscriptions.stand(tx, which)

    def _learn_home(self, which: ReportList, listed: Mapping[str, Report]) -> None:
        """Learn the home region's name: the list that names no region shows it."""
        if which.region is None and which.on_behalf_of is None and listed:
            regions = {report.region for report in listed.values()}
            self._home[which.family] = regions.pop() if len(regions) == 1 else ""

    def _shown_with(self, which: ReportList) -> list[ReportList]:
        """Return a list, and for the home region's also the list that names that region: they are the same."""
        home = self._home.get(which.family)
        at_home = which.region is None and which.on_behalf_of is None
        return [which, which._replace(region=home)] if home and at_home else [which]

    def _home_list_shows(self, which: ReportList) -> bool:
        """Return True when the round of the home region's list does what this one would."""
        if not which.region or which.on_behalf_of or which.region != self._home.get(which.family):
            return False
        home = which._replace(region=None)
        with self._database.begin(durable=False) as tx:
            if shows := self._stands(tx, home):
                self._queue.put(tx, tasks.WATCH, home.key, if_absent=True)
        return shows

    def on_failure(self, key: str, sentence: str) -> None:
        """Close the requests that a round which cannot be made at all would have served."""
        with self._database.read() as tx:
            watched = [each for one in self._shown_with(list_of_key(key)) for each in reports.watched(tx, one)]
        for one in watched:
            self._close_all(one, sentence, cause="given_up")

    def _list(self, which: ReportList) -> tuple[Mapping[str, Report] | None, float]:
        """Return the listed reports by ID, or None and the seconds to wait while Webex has trouble."""
        try:
            listed = self._catalog.listing(*which)
        except BotError as error:
            log_it = log.debug if which in self._failing else log.warning
            self._failing.add(which)
            self._count_fruitless(which, more=not error.passing)
            log_it("watch_list_failed", family=which.family, region=which.region, cause=str(error))
            if not error.passing and not _is_dead(error):
                return REFUSED, 0.0
            for one in self._shown_with(which):
                self._fails(requests.of_list(one), error)
            return None, error.retry_after or 0.0
        self._failing.discard(which)
        self._count_fruitless(which, more=which.region not in KNOWN_REGIONS and not listed)
        return {id_key(report.id): report for report in listed}, 0.0

    def _count_fruitless(self, which: ReportList, *, more: bool) -> None:
        if more:
            self._fruitless[which] = self._fruitless.get(which, 0) + 1
        else:
            self._fruitless.pop(which, None)

    def _check_all(self, watched: Sequence[Watched], listed: Mapping[str, Report]) -> list[Checked]:
        """Check each report. Where the list is refused, and the details of one too, no other is asked for."""
        checked: list[Checked] = []
        refused: BotError | None = None
        for one in watched:
            found = Checked(one, refused) if refused is not None else self._check(one, listed)
            if listed is REFUSED and isinstance(found.found, BotError) and refuses_token(found.found):
                refused = found.found
            checked.append(found)
        return checked

    def _check(self, one: Watched, listed: Mapping[str, Report]) -> Checked:
        now = self._now()
        early = self._is_early(one, now)
        report = listed.get(id_key(one.row.report_id))
        in_doubt = report is not None and (
            report.phase is Phase.FAILED or (report.phase is Phase.PENDING and one.deadline <= now)
        )
        if report is not None and not in_doubt:
            may_be_ready = report.phase is Phase.READY or unknown_status.is_unknown(report)
            # The list may be ahead of the details: what it calls ready waits for the time that was set.
            return Checked(one, None if may_be_ready and early else report, listed=True)
        if early:
            return Checked(one, None)
        row = one.row
        try:
            return Checked(one, self._catalog.details(row.family, row.report_id, row.on_behalf_of))
        except BotError as error:
            return Checked(one, error)

    def _is_early(self, one: Watched, now: datetime) -> bool:
        """Return True when the time of the next check has not come, unless a deadline has passed.

        One that is farther off than it was set to is due: the clock was set back since.
        """
        if one.row.next_check_at is None or now >= one.deadline:
            return False
        left = (one.row.next_check_at - now).total_seconds()
        return 0.0 < left <= details_interval(one.row.missing - 1, self._shortest) + CLOCK_SLACK

    def _store(self, which: ReportList, checked: Sequence[Checked]) -> float:
        """Write what changed and act on it. Return the seconds for which Webex asked to be left alone."""
        now = self._now()
        silent = {one.watched.row.report_id: one.found for one in checked if _is_trouble(one.found)}
        changed = [one for one in checked if one.found is not None and not _is_trouble(one.found)]
        unchanged = [one.watched.row.report_id for one in changed if self._is_unchanged(one)]
        if unchanged:
            with self._database.begin(durable=False) as tx:
                reports.count_check(tx, unchanged, now)
        for one in changed:
            if one.watched.row.report_id not in unchanged:
                self._act(one, now)
        for report_id, error in silent.items():
            assert isinstance(error, BotError)
            self._fails(requests.of_report(report_id), error)
        self._recover(which, silent)
        self._expire(checked, silent)
        return max((error.retry_after or 0.0 for error in silent.values() if isinstance(error, BotError)), default=0.0)

    @staticmethod
    def _is_unchanged(one: Checked) -> bool:
        row, found = one.watched.row, one.found
        return (
            one.listed
            and isinstance(found, Report)
            and found.phase is Phase.PENDING
            and found.status == row.status
            and not unknown_status.is_unknown(found)
        )

    def _act(self, one: Checked, now: datetime) -> None:
        """Store what Webex says of one report, and act on it."""
        row, found = one.watched.row, one.found
        if isinstance(found, BotError):
            unknown = isinstance(found, WebexError) and found.status == HTTPStatus.NOT_FOUND
            if unknown and row.missing + 1 < GONE_AFTER:
                with self._database.begin(durable=False) as tx:
                    self._set_missing(tx, one, now)
                return
            reason = sentences.gone(row.title) if unknown else found.sentence
            self._close_all(one.watched, reason, error=found)
            return
        assert found is not None
        found = reports.filled(found, row) if one.listed else found
        with self._database.begin(durable=False) as tx:
            seconds = durations.measured(row, found, now, self._shortest)
            reports.save(tx, found, now, **({} if seconds is None else {"seconds_to_ready": seconds}))
            due = unknown_status.is_due(tx, found, now)
            if found.phase is Phase.READY or due:
                reports.set_values(tx, row.report_id, checks=row.checks + 1)
                deliver_to_waiting(tx, self._queue, found, now)  # the details may yet call it by an unknown word
            else:
                if one.listed:
                    reports.count_check(tx, [row.report_id], now)
                else:
                    self._set_missing(tx, one, now)
                if row.status is not None and not is_known_status(row.status):
                    unknown_status.seen(tx, found, now)  # an unknown word that comes back begins its minutes again
        if found.phase is Phase.FAILED:
            self._close_all(one.watched, sentences.failed(row.title), cause=BY_WEBEX)

    def _set_missing(self, tx: Transaction, one: Checked, now: datetime) -> None:
        """Store that the list did not show it, and when its details are asked for again."""
        row = one.watched.row
        wait = timedelta(seconds=details_interval(row.missing, self._shortest))
        values = {"missing": row.missing + 1, "next_check_at": now + wait, "checks": row.checks + 1}
        reports.set_values(tx, row.report_id, checked_at=now, **values)

    def _close_all(self, one: Watched, reason: str, *, cause: str = "", error: BotError | None = None) -> None:
        close_all(self._database, self._queue, one.row.report_id, self._now(), reason=reason, cause=cause, error=error)

    def _fails(self, where: ColumnElement[bool], error: BotError) -> None:
        """Store that requests cannot go on for now; maintenance tells those who wait for long."""
        said = sentences.trouble(error) if isinstance(error, WebexError) else error.sentence
        with self._database.read() as tx:
            ids = requests.not_failing_so(tx, where, said)
        for some in _slices(ids):
            with self._database.begin(durable=False) as tx:
                requests.fails(tx, requests.are(some), said, self._now())

    def _recover(self, which: ReportList, silent: Mapping[str, object]) -> None:
        """Store that requests can go on, and have the threads say so that told of trouble."""
        with self._database.read() as tx:
            failing = requests.find(tx, *requests.failing(requests.of_list(which)))
            told = messages.with_slot(tx, [one.id for one in failing], ("trouble",)) if failing else set()
        over = {one.id: one for one in failing if one.report_id not in silent}
        for some in _slices(list(over)):
            with self._database.begin(durable=False) as tx:
                requests.recovers(tx, some)
        for some in _slices([one for one in over if one in told], SLICE):
            with self._database.begin(durable=False) as tx:
                for one in some:
                    put_thread(tx, self._queue, over[one])

    def _expire(self, checked: Sequence[Checked], silent: Mapping[str, object]) -> None:
        """Close requests whose deadline has passed, unless Webex said nothing of their report: see ``trouble.py``."""
        now = self._now()
        rows = {one.watched.row.report_id: one.watched.row for one in checked if one.watched.deadline <= now}
        for report_id in rows.keys() - silent.keys():
            with self._database.begin() as tx:
                row = reports.get(tx, report_id)
                if row is None or row.phase is Phase.READY:
                    continue
                for one in requests.find(tx, *requests.overdue(requests.of_report(report_id), now)):
                    reason = sentences.expired(one, row)
                    close(tx, self._queue, one, State.EXPIRED, now, reason=reason, cause="not_done_in_time")


def _is_dead(error: BotError) -> bool:
    """Return True when Webex doesn't accept the admin token at all, so no other call with it would help."""
    return isinstance(error, WebexError) and error.status == HTTPStatus.UNAUTHORIZED


def _is_trouble(found: Report | BotError | None) -> bool:
    """Return True for an answer that says nothing of the report: a refusal of the admin token doesn't, either."""
    return isinstance(found, BotError) and (found.passing or refuses_token(found))


def _slices(ids: Sequence[int], size: int = ROWS) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
