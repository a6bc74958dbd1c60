"""Run the checks every minute and tell the people who run the bot, once, what is wrong, and once that it is over.

Open alerts are in the database, so a restart tells nothing twice. Without ``OPERATORS_SPACE`` only the log has them.
An alert that is told twice does less harm than one that is lost, so a message whose answer was lost is sent again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.db import alerts, key_values
from bot.errors import BotError, DatabaseUnavailable, without_tracking_id
from bot.messages.alerts import dated, lasted, problem, resolved
from bot.outbox import Unsure
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.db.alerts import Alert
    from bot.db.database import Database
    from bot.db.leader import Leader
    from bot.outbox import Outbox

log = structlog.get_logger(__name__)

EVERY: Final = 60.0
"""Seconds between rounds."""
STEP: Final = 1.0
"""Seconds until a round that was asked for begins."""
MOST: Final = 10
"""Different problems of one check that are told before it is over."""


class NotKnown(BotError):
    """This cannot be known at the moment."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong."""

    name: str
    """Short and stable: it is stored, and ``/readyz`` shows it."""
    look: Callable[[], str | None]
    """Return what is wrong and what to do, or None; change nothing. Raises ``BotError`` while nobody can know.

    Other words are another alert; ``{since}`` in them stands for the time when it was first found.
    """
    resolved: str
    """What is told when it is over; nothing if empty."""
    pending_for: timedelta = timedelta()
    """How long it must last before it is told and repaired."""
    keep_firing_for: timedelta = timedelta()
    """How long it must be away before it is over."""
    repair: Callable[[], str] | None = None
    """Repair what is wrong, and return what to tell instead, with what was done. Raises ``BotError``."""


class Alerts:
    """Run the checks, and tell what has changed since the last round."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        space: str | None,
        checks: Sequence[Check],
        now: Callable[[], datetime],
        *,
        leader: Leader,
        look_soon: threading.Event | None = None,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._space = space
        self._checks = tuple(checks)
        self._now = now
        self._look_soon = look_soon or threading.Event()
        self._leader = leader
        self._logged: set[str] = set()

    def forever(self, stop: threading.Event) -> None:
        """Run a round now, every minute, and soon after ``look_soon`` was set, in a thread until ``stop`` is set.

        The thread is not the maintenance's: while Webex hangs, a round may take longer than the worker may be silent.
        """
        threading.Thread(target=self._run, args=(stop,), name="alerts", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        due = time.monotonic()
        while not stop.is_set():
            if time.monotonic() >= due or self._look_soon.is_set():
                self._look_soon.clear()
                if self._leader.leads():
                    self.look()
                due = time.monotonic() + EVERY
            stop.wait(STEP)

    def take_over(self) -> None:
        """Take over what was told before this start. Raises ``DatabaseUnavailable``."""
        with self._database.begin() as tx:
            alerts.take_over(tx, {check.name for check in self._checks})

    def look(self) -> None:
        """Run every check once; what can't be known or told now is tried again in the next round."""
        for check in self._checks:
            try:
                self._run_check(check)
            except DatabaseUnavailable as error:
                log.debug("check_not_stored", check=check.name, cause=str(error))  # the database has its own log line
            except BotError as error:
                what = f"{check.name} {without_tracking_id(error.sentence)}"
                self._log_once(what, "alert_not_delivered", check=check.name, cause=str(error))
            except Exception:  # a check that fails must stop neither the others nor the next round
                log.exception("check_crashed", check=check.name)

    def _run_check(self, check: Check) -> None:
        try:
            found = check.look()
        except BotError as error:
            log.debug("check_inconclusive", check=check.name, cause=str(error))
            return
        with self._database.read() as tx:
            open_alerts = alerts.of_check(tx, check.name)
        if found is None:
            self._end(check, open_alerts)
        else:
            self._open(check, found, open_alerts)

    def _open(self, check: Check, found: str, open_alerts: Sequence[Alert]) -> None:
        alert = self._stored(check, _digest(found), open_alerts)
        if alert is None or self._now() - alert.since < check.pending_for:
            return
        if alert.firing_since is None:
            alert = self._change(alert, firing_since=self._now())
        text = dated((check.repair() if check.repair else "") or found, alert.since)
        self._log_once(f"{check.name} {alert.digest} {alert.since}", "alert", check=check.name, problem=text)
        if self._space is None or alert.told_at is not None:
            return
        try:
            self._tell(alert, "", problem(text))
        except Unsure:
            self._change(alert, firing_since=self._now())
            raise
        self._change(alert, told_at=self._now())

    def _stored(self, check: Check, digest: str, open_alerts: Sequence[Alert]) -> Alert | None:
        """Return this problem's alert, stored now if it is new; None where too many others are open."""
        known = next((one for one in open_alerts if one.digest in {digest, alerts.ANY}), None)
        if known is None and len(open_alerts) >= MOST:
            return None
        if known is not None and known.digest == digest and known.resolved_at is None:
            return known
        with self._database.begin() as tx:
            alerts.resolve(tx, check.name, None)
            if known is None:
                return alerts.add(tx, check.name, digest, self._now())
            return alerts.change(tx, known, digest=digest, resolved_at=None)

    def _end(self, check: Check, open_alerts: Sequence[Alert]) -> None:
        if not open_alerts:
            return
        fired = [one for one in open_alerts if one.firing_since is not None]
        away_since = open_alerts[0].resolved_at or self._now()
        if fired and self._now() - away_since < check.keep_firing_for:
            if open_alerts[0].resolved_at is None:
                with self._database.begin() as tx:
                    alerts.resolve(tx, check.name, away_since)
            return
        if fired and check.resolved and self._space is not None:
            told = any(one.told_at for one in fired)
            text = check.resolved if told else f"{check.resolved} {lasted(fired[0].since, away_since)}"
            try:
                self._tell(fired[0], ":resolved", resolved(text))
            except Unsure as error:
                log.info("alert_end_perhaps_not_delivered", check=check.name, cause=str(error))
        with self._database.begin() as tx:
            alerts.remove(tx, check.name)
        if fired:
            log.info("alert_resolved", check=check.name, since=fired[0].since.isoformat())

    def _change(self, alert: Alert, **values: Any) -> Alert:
        with self._database.begin() as tx:
            return alerts.change(tx, alert, **values)

    def _tell(self, alert: Alert, suffix: str, markdown: str) -> None:
        with self._database.read() as tx:
            where = key_values.operators_space(tx, self._space) if self._space else None
        under = alert.firing_since.isoformat() if alert.firing_since else ""
        self._outbox.send(f"alert:{alert.name}:{alert.digest}:{under}{suffix}", Target(room_id=where), markdown)

    def _log_once(self, what: str, event: str, **more: str) -> None:
        """Write a line, but not the same one every minute."""
        if what not in self._logged:
            self._logged.add(what)
            log.warning(event, **more)


def _digest(found: str) -> str:
    """Return the same for the same words."""
    return hashlib.sha256(without_tracking_id(found).encode()).hexdigest()[:16]
