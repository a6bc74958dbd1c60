"""Find the report of a request, show its card, and have it watched or delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot import tracing
from bot.access.policy import Action
from bot.db import reports, requests, runs
from bot.db.requests import PERSON, State
from bot.errors import BotError, Refused, WebexError
from bot.messages import sentences
from bot.outbound.events import tell_ready
from bot.queue import RetryLater
from bot.reports import trouble
from bot.reports.report_calls import report_call
from bot.reports.report_messages import PolicyNotAsked
from bot.reports.requests import close, put_delivery, put_watch, reason_for, redirect_to_person
from bot.reports.runs import was_just_created
from bot.webex.catalog import NotFound
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.reports.thread import Thread
    from bot.reports.wanted_messages import ThreadState
    from bot.services import Services
    from bot.webex.report import Report

log = structlog.get_logger(__name__)

TOO_NEW: Final = 2.0
"""Seconds until a report that was just created is looked for again."""
BY_WEBEX = "by_webex"
"""The audit's word for a report that Webex could not generate."""


class Lookup:
    """The task behind ``report <id>``; the key is the request's ID."""

    def __init__(self, services: Services, thread: Thread) -> None:
        self._services = services
        self._thread = thread

    def run(self, key: str) -> RetryLater | None:
        """Answer a request. Raises ``WebexError`` while Webex has trouble, and is then run again."""
        with self._services.database.read(snapshot=False) as tx:
            found = reports.with_request(tx, int(key))
        if found is None:
            return None
        request, row = found
        tracing.begin(request.trace_id)
        state: ThreadState | None = None
        if request.state is State.OPEN and request.found_at is None:
            try:
                state = self._find(request, row)
            except BotError as error:
                if isinstance(error, NotFound) and self._is_too_new(request):
                    self._tell_silence(request, sentences.NOT_SHOWN_YET)
                    return RetryLater(TOO_NEW)
                if error.passing:
                    if not self._has_ended(request, error):
                        raise
                else:
                    self._close(request, error)
        if not request.listed:
            self._thread.sync(request.id, then=self._go_on, state=state)
            return None
        self._thread.sync(request.id, state=state)
        self._thread.sync(self._first_listed(request), then=self._go_on)
        return None

    def _is_too_new(self, request: Request) -> bool:
        """Return True for a report that the bot has just created: not all of Webex knows it yet."""
        with self._services.database.read() as tx:
            return was_just_created(tx, request.report_id, self._services.now())

    def _is_of_run(self, request: Request) -> bool:
        """Return True for the request of a report that the bot has created because of it."""
        with self._services.database.read() as tx:
            run = runs.of_report(tx, request.report_id)
        return run is not None and request.event_key.startswith(f"{run.event_key}:")

    def on_failure(self, key: str, sentence: str) -> None:
        """Say that there will be no answer."""
        request = self._get(key)
        if request is not None and request.found_at is None:
            with self._services.database.begin() as tx:
                now = self._services.now()
                close(tx, self._services.queue, request, State.FAILED, now, reason=sentence, cause="given_up")

    def _get(self, key: str) -> Request | None:
        with self._services.database.read() as tx:
            return requests.get(tx, int(key))

    def _find(self, request: Request, row: ReportRow | None) -> ThreadState | None:
        services = self._services
        known, on_behalf_of = (row.family, row.on_behalf_of) if row is not None else (None, None)
        by_itself = request.subscription_id is not None or request.schedule_id is not None
        # Who else is in the space is asked right before the card.
        decision = services.authorizer.decide(
            request.person_id,
            Action.READ,
            room_id=request.room_id,
            direct=request.direct,
            family=known if by_itself else None,  # its owner is refused, not told that there is no such report
            members=False,
            origin=request.origin,
        )
        decision.raise_if_refused()
        with report_call(services, lambda: self._tell_silence(request), services.now() - request.asked_at):
            families, others = decision.families, decision.others
            if others and request.by_button:  # that it isn't found is told to the person alone
                others = services.authorizer.others_alone(request.person_id)
            report = services.catalog.find(
                request.report_id,
                known,
                families=families,
                others=others,
                on_behalf_of=on_behalf_of,
                recent=request.subscription_id is not None,  # many may be for one report that has become ready
                typed=not request.by_button,
            )
        waited = request.subscription_id is not None or (row is not None and row.phase is not Phase.READY)
        return self._store(request, report, waited=waited)

    def _store(self, request: Request, report: Report, *, waited: bool) -> ThreadState | None:
        """Store what was found; ``waited``: the report was not ready before, as far as is known."""
        now = self._services.now()
        with self._services.database.begin(durable=False) as tx:
            reports.save(tx, report, now, missing=0, next_check_at=None)
            requests.set_found(tx, request.id, now)
            if report.phase is Phase.READY and waited:  # else it was ready when it was asked for
                tell_ready(tx, self._services.queue, report, lambda: [request], now)
            if report.phase is Phase.FAILED:
                reason = sentences.failed(report.title)
                close(tx, self._services.queue, request, State.FAILED, now, reason=reason, cause=BY_WEBEX)
            state = self._thread.load(tx, request.id)
        log.info("report_found", reference=request.reference, phase=report.phase.value)
        return state

    def _go_on(self, tx: Transaction, state: ThreadState, last: bool) -> None:  # noqa: FBT001 as the thread says it
        """Have the report watched or delivered, now that its card stands; ``last``: the job has no more to do."""
        self._put_next(tx, state)
        if last:
            self._services.queue.finish(tx)

    def _put_next(self, tx: Transaction, state: ThreadState, _: bool = False) -> None:  # noqa: FBT001, FBT002
        """Have reports watched or delivered: those of a list once each was looked up, so that its card stands above.

        One for which Webex has trouble does not hold up the others.
        """
        services = self._services
        together = state.listed or ((state.request, state.row),)
        open_ones = [(one, row) for one, row in together if one.state is State.OPEN]
        if any(one.found_at is None and one.failing_since is None for one, _ in open_ones):
            return
        for one, row in open_ones:
            if row is None or one.found_at is None:
                continue
            if row.phase is Phase.READY:
                put_delivery(tx, services.queue, row.family, row.report_id, one.person_id)
            else:
                put_watch(tx, services.queue, row, after=services.poll_interval)

    def _first_listed(self, request: Request) -> int:
        with self._services.database.read() as tx:
            return requests.first_listed(tx, request).id

    def _close(self, request: Request, error: BotError) -> None:
        """Close a request that has no report to wait for."""
        services = self._services
        refused = isinstance(error, Refused) and not isinstance(error, PolicyNotAsked)
        reason = error.sentence
        if isinstance(error, NotFound) and self._is_of_run(request):
            reason = sentences.NEVER_SHOWN
        to_presser = request.by_button and not request.direct  # in the space it is no one else's matter
        if to_presser:
            request = replace(request, destination=PERSON)
        if isinstance(error, Refused) and refused:
            log.info("request_refused", reference=request.reference, reason=error.reason)
            reason = reason_for(services.outbox, request, error)
        state = State.REFUSED if refused else State.FAILED
        with services.database.begin() as tx:
            if to_presser:
                redirect_to_person(tx, services.queue, request, None)
            close(tx, services.queue, request, state, services.now(), reason=reason, error=error)

    def _has_ended(self, request: Request, error: BotError) -> bool:
        """Store a failure that will pass, and tell it. Return True when that ends the request."""
        services = self._services
        if not isinstance(error, WebexError):
            return False
        now = services.now()
        with services.database.begin(durable=False) as tx:
            requests.fails(tx, requests.are([request.id]), sentences.trouble(error), now)
            failing = requests.get(tx, request.id) or request
            if trouble.ends(failing, now):
                reason = sentences.TROUBLE_TOO_LONG
                cause = "trouble_for_too_long"
                close(tx, services.queue, failing, State.EXPIRED, now, reason=reason, cause=cause, error=error)
                return True
        if not any(part in error.call for part in trouble.SENDING):
            # Webex may ask to be left alone for an hour: then it is told now, since it is not tried before.
            self._tell(request, error.retry_after or 0.0)
        return False

    def _tell_silence(self, request: Request, sentence: str = sentences.REPORTS_AWAY) -> None:
        """Tell that Webex gives no answer at all, or no report."""
        now = self._services.now()
        with self._services.database.begin(durable=False) as tx:
            requests.fails(tx, requests.are([request.id]), sentence, now)
        self._tell(request, 0.0)

    def _tell(self, request: Request, ahead: float) -> None:
        try:
            self._thread.sync(request.id, ahead)
            if request.listed:
                self._thread.sync(self._first_listed(request), then=self._put_next)
        except BotError as error:
            log.info("trouble_not_told", reference=request.reference, cause=str(error))
