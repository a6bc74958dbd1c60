"""Try the file of a report whose status is not known: it may be there all the same.

Webex publishes no list of statuses. A word in none of ours counts as pending; when it has stayed the same for ten
minutes, the download is tried, three times at most, since Webex may allow 30 of each report. What proves whole is
posted; what does not changes nothing. It is stored by report, so that neither a restart nor another request starts to
count again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import key_values
from bot.webex.report import Phase, is_known_status, plain_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.database import Database, Transaction
    from bot.webex.report import Report

log = structlog.get_logger(__name__)

PREFIX: Final = "status:"
AFTER: Final = timedelta(minutes=10)
"""How long a word must have stayed the same before the first try."""
PAUSES: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(days=3650))
"""How long after the first, the second and the third try nothing is tried: after the third, never again."""
KEPT: Final = timedelta(days=7)
"""How long it is remembered; longer than a watch lasts."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is known of the status of one report."""

    word: str
    """Without case and separators."""
    next_at: datetime
    tries: int = 0
    proved: bool = False
    """Its file was fetched whole while the status was this word."""

    def is_due(self, now: datetime) -> bool:
        """Return True when its file may be asked for now."""
        return self.proved or now >= self.next_at


def seen(tx: Transaction, report: Report, now: datetime) -> Trial:
    """Store which status Webex gives a report that is not ready. Return what is known of it then."""
    word = plain_status(report.status)
    before = _read(tx, report)
    if before is not None and before.word == word:
        # A clock that was set back does not make anyone wait for a year.
        longest = PAUSES[before.tries - 1] if before.tries else AFTER
        if before.next_at - now <= longest:
            return before
    left = before.next_at if before is not None and before.tries == len(PAUSES) else now + AFTER
    trial = Trial(word, left, before.tries if before is not None else 0)
    _write(tx, report, trial, now)
    return trial


def is_due(tx: Transaction, report: Report, now: datetime) -> bool:
    """Return True when the file of a report that Webex does not call ready may be tried now; store its status."""
    return is_unknown(report) and seen(tx, report, now).is_due(now)


def is_unknown(report: Report) -> bool:
    """Return True for a status that is not known; no status at all is not known either."""
    return report.phase is Phase.PENDING and not is_known_status(report.status)


class Trials:
    """What ``deliver.py`` does about it, each in a transaction of its own. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def look(self, report: Report) -> Report:
        """Return the report, taken for ready if its file may be tried now."""
        if not is_unknown(report):
            return report
        now = self._now()
        with self._database.begin(durable=False) as tx:
            trial = _read(tx, report)
            if trial is None or not trial.is_due(now):  # else the list has called it by one word for long enough
                trial = seen(tx, report, now)
            if not trial.is_due(now):
                return report
            if not report.download_url:
                _write(tx, report, replace(trial, next_at=now + AFTER), now)
                return report
        return replace(report, taken_for_ready=True)

    def begin(self, report: Report) -> None:
        """Store before the download that it is tried: a kill in between costs a try and never adds one."""
        self._keep(report, lambda trial, now: trial if trial.proved else _tried(trial, now))

    def prove(self, report: Report) -> None:
        """Store that its file came whole: while Webex gives the same status, it counts as ready."""
        self._keep(report, lambda trial, _: replace(trial, proved=True))

    def fail(self, report: Report) -> Report:
        """Store that its file did not come, or not whole. Return the report as Webex calls it."""
        if not report.taken_for_ready:
            return report
        log.info("file_of_unknown_status_not_posted", status=report.status)
        self._keep(report, lambda trial, now: replace(trial, proved=False, next_at=now + PAUSES[trial.tries - 1]))
        return replace(report, taken_for_ready=False)

    def _keep(self, report: Report, change: Callable[[Trial, datetime], Trial]) -> None:
        if not report.taken_for_ready:
            return
        now = self._now()
        with self._database.begin() as tx:
            trial = _read(tx, report) or seen(tx, report, now)
            _write(tx, report, change(trial, now), now)


def _tried(trial: Trial, now: datetime) -> Trial:
    return replace(trial, tries=trial.tries + 1, next_at=now + PAUSES[trial.tries])


def forget_old(tx: Transaction, now: datetime) -> None:
    """Delete what no watch needs any more."""
    key_values.delete_older(tx, PREFIX, now - KEPT)


def _name(report: Report) -> str:
    return f"{PREFIX}{report.family.value}:{report.id}"


def _read(tx: Transaction, report: Report) -> Trial | None:
    kept = key_values.get(tx, _name(report))
    if kept is None:
        return None
    values = json.loads(kept)
    return Trial(**values | {"next_at": datetime.fromisoformat(values["next_at"])})


def _write(tx: Transaction, report: Report, trial: Trial, now: datetime) -> None:
    key_values.set(tx, _name(report), json.dumps(asdict(trial) | {"next_at": trial.next_at.isoformat()}), now)
