"""Create the report of a run, and open the request that has it watched and delivered.

Webex has no idempotency key for it: when an answer was lost, the report is looked for in Webex's list before it is
created again (decision 25).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot import tracing
from bot.access.policy import Action, Verdict
from bot.db import audit, reports, runs
from bot.db.audit import Channel
from bot.db.one_at_a_time import BusyElsewhere
from bot.db.requests import DIRECT, Content
from bot.db.runs import RunState
from bot.errors import LOST_BEHIND_A_GATEWAY, BotError, Refused, WebexError
from bot.messages import sentences
from bot.outbox import Text
from bot.reports.report_calls import write_call
from bot.reports.requests import Asker, open_request, send_directly, tell_end
from bot.reports.room import NoRoom, make_room, make_room_once, says_full
from bot.reports.runs import is_report_of
from bot.reports.trouble import FIRST_ANSWER_PATIENCE
from bot.webex.report import Report
from bot.webex.types import Target

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.runs import Run
    from bot.services import Services

log = structlog.get_logger(__name__)

RETRY_FOR: Final = timedelta(hours=1)
"""How long it is tried; a person who still wants the report then asks again."""
CLOCKS_DIFFER: Final = timedelta(minutes=2)
"""By how much Webex's time of a creation may lie before ours."""
LISTED_AFTER: Final = timedelta(seconds=10)
"""How long Webex may need to list a report that it has created; so long after a lost answer none is created again."""
RUN: Final = "run"
"""The act of a run's end in the audit."""


class Create:
    """The task behind ``new``; the key is the run's ID."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> None:
        """Create the report. Raises ``BotError`` that passes, and is then run again."""
        with self._services.database.read() as tx:
            run = runs.get(tx, int(key))
        if run is not None:
            tracing.begin(run.trace_id)
        if run is None or audit.is_pseudonym(run.person_id):
            return
        if run.state is RunState.OPEN:
            self._run(run)
        self._services.outbox.delete(_trouble(run))

    def _run(self, run: Run) -> None:
        target = _target(run)
        try:
            target = self._place(run)
            with write_call(run.family):
                run = self._titled(run)
                report_id, answered = self._create(run)
        except BusyElsewhere:
            raise
        except BotError as error:
            if error.passing and self._age(run) < RETRY_FOR:
                self._tell_trouble(run, target, error)
                raise
            self._fail(run, target, error)
        else:
            self._store(run, report_id, answered=answered)

    def on_failure(self, key: str, sentence: str) -> None:
        """Say that there will be no report."""
        with self._services.database.read() as tx:
            run = runs.get(tx, int(key))
        if run is not None and run.state is RunState.OPEN:
            self._end(run, _target(run), RunState.FAILED, sentence, cause="given_up")

    def _place(self, run: Run) -> Target:
        """Ask policy; return where the answer goes. Raises ``Refused``."""
        decision = self._services.authorizer.decide(
            run.person_id,
            Action.CHANGE,
            room_id=run.room_id,
            direct=_target(run).direct,
            later=run.origin is not None,  # its owner has been there, and may have left
            family=run.family,
            origin=run.origin,
        )
        decision.raise_if_refused()
        in_space = decision.verdict is not Verdict.DIRECT_ONLY
        if not in_space and run.origin is not None:  # its file is for the space, or for nobody
            raise Refused(decision.sentence, reason=decision.reason)
        return _target(run) if in_space else Target(person_id=run.person_id, direct=True)

    def _titled(self, run: Run) -> Run:
        """Return a run with its template's title, which calls of the API do not tell. Raises ``WebexError``."""
        if run.title:
            return run
        template = self._services.catalog.template(run.family, run.template_id, run.on_behalf_of)
        title = f"Template {run.template_id}" if template is None else template.title
        with self._services.database.begin(durable=False) as tx:
            runs.set_title(tx, run.id, title)
        return replace(run, title=title)

    def _create(self, run: Run) -> tuple[str, bool]:
        """Return the report's ID, and True when Webex has said so, not only its list."""
        services = self._services
        if run.tried_at is not None:
            if found := self._created_before(run):
                log.info("created_report_found", reference=run.reference)
                return found, False
            left = (run.tried_at + LISTED_AFTER - services.now()).total_seconds()
            if 0 < left <= LISTED_AFTER.total_seconds():  # else long enough, or the clock was set back
                raise WebexError("POST reports", None, message="not listed yet", retry_after=left)
        check = partial(self._place, run)
        if run.schedule_id is not None:
            make_room(services, run, check)
        with services.database.begin() as tx:
            begun = runs.set_tried(tx, run, services.now())
        if begun is None:
            raise BusyElsewhere  # or it was canceled while policy was asked; the next try knows
        try:
            report_id = self._created(run)
        except WebexError as error:
            may_be_there = run.tried_at is not None or _may_have_created(error)
            with services.database.begin(durable=False) as tx:
                runs.set_tried(tx, begun, services.now() if may_be_there else None)
            if run.schedule_id is not None and says_full(error):
                raise make_room_once(services, run, check) from error
            raise
        return report_id, True

    def _created(self, run: Run) -> str:
        """Have Webex create the report. Raises ``WebexError``, also when the answer names none."""
        report_id = self._services.catalog.create(run.new_report)
        if not report_id:
            raise WebexError("POST reports", None, message="the answer names no report", reached=None)
        return report_id

    def _created_before(self, run: Run) -> str:
        """Return the report that an earlier try created although its answer was lost; empty when there is none."""
        new = run.new_report
        since = run.asked_at - CLOCKS_DIFFER
        listed = [
            one
            for one in self._services.catalog.listing(run.family, run.region, run.on_behalf_of)
            if is_report_of(one, new, run.title) and one.created is not None and one.created >= since
        ]
        with self._services.database.read() as tx:
            taken = {one.id for one in listed if runs.of_report(tx, one.id) is not None}
        return next((one.id for one in listed if one.id not in taken), "")

    def _store(self, run: Run, report_id: str, *, answered: bool) -> None:
        """Store the report and open a request for it, together."""
        services, new, now = self._services, run.new_report, self._services.now()
        asker = Asker(run.event_key, run.person_id, run.room_id, run.room_type, run.thread_id, run.asked_at, run.origin)
        content = Content.CARD_AND_FILE if run.origin is None else Content.FILE
        created = Report(
            report_id,
            new.family,
            "",
            title=run.title,
            template_id=run.template_id,
            region=new.region,
            on_behalf_of=new.on_behalf_of,
            start=new.start,
            end=new.end,
        )
        with services.database.begin() as tx:
            if not runs.close(tx, run.id, RunState.CREATED, now, report_id=report_id):
                return
            if answered:
                runs.forget_try(tx, run.id)
            reports.save(tx, created, now)
            if run.person_id or run.room_id is not None:
                reference = run.reference if run.key_id is not None else ""
                open_request(tx, services, asker, report_id, content=content, reference=reference)
            audit.record(tx, self._entry(run, "created", report_id), now)
        log.info("report_created", reference=run.reference, family=run.family)

    def _fail(self, run: Run, target: Target, error: BotError) -> None:
        refused = isinstance(error, Refused)
        sentence = error.sentence
        if not refused:
            has_trouble = error.passing and not isinstance(error, NoRoom)
            sentence = sentences.not_created(run.title, sentences.TROUBLE_TOO_LONG if has_trouble else error.sentence)
        # The owner of a schedule is told by the task of its outcomes.
        details = error.details if isinstance(error, Refused) and run.origin is None else ""
        if details and not target.direct:
            said = f"{sentence} {details} (reference {run.reference})"
            if send_directly(self._services.outbox, f"{run.event_key}:run:details", run.person_id, said):
                sentence = f"{sentence} {sentences.SENT_DIRECTLY}"
        elif details:
            sentence = f"{sentence} {details}"
        log.info("report_not_created", reference=run.reference, cause=str(error))
        state = RunState.REFUSED if refused else RunState.FAILED
        said = f"{sentence} (reference {run.reference})"
        self._end(run, target, state, said, cause=audit.cause_of(error), tracking=audit.tracking_of(error))

    def _end(
        self, run: Run, target: Target, state: RunState, said: str, *, cause: str, tracking: str | None = None
    ) -> None:
        """Say that there is no report, and close the run with it: a kill in between leaves it to be told again.

        Of one that was canceled meanwhile nothing more is said.
        """
        with self._services.database.read() as tx:
            now_is = runs.get(tx, run.id)
        if now_is is None or now_is.state is not RunState.OPEN:
            return

        def close(tx: Transaction, _: object = None) -> None:
            now = self._services.now()
            if runs.close(tx, run.id, state, now, reason=said, cause=cause):
                tell_end(tx, self._services.queue, run, state, now)
                entry = self._entry(run, audit.joined(state.value, cause), None, tracking)
                audit.record(tx, entry, now)

        try:
            if run.origin is None:
                self._services.outbox.send(f"{run.event_key}:run", target, Text(said), then=close)
        except BotError as error:
            if error.passing:
                raise
            log.error("notification_failed", reference=run.reference, cause=str(error))  # noqa: TRY400
        with self._services.database.begin(durable=False) as tx:
            close(tx)  # also where it was sent before

    def _tell_trouble(self, run: Run, target: Target, error: BotError) -> None:
        """Tell, once, that Webex has trouble which lasts."""
        if run.origin is not None or not isinstance(error, WebexError):
            return
        if self._age(run) + timedelta(seconds=error.retry_after or 0.0) < FIRST_ANSWER_PATIENCE:
            return
        try:
            said = f"{sentences.trouble(error)} {sentences.KEEP_TRYING}"
            self._services.outbox.send(_trouble(run), target, said)
        except BotError as cause:
            log.info("trouble_not_told", reference=run.reference, cause=str(cause))

    def _age(self, run: Run) -> timedelta:
        return self._services.now() - run.asked_at

    def _entry(self, run: Run, outcome: str, report_id: str | None, tracking: str | None = None) -> audit.Entry:
        return audit.Entry(
            channel=Channel.SYSTEM,
            act=RUN,
            outcome=outcome,
            person_id=run.person_id,
            room_id=audit.place(run.room_id, run.room_type),
            report_id=report_id,
            reference=run.reference,
            tracking=tracking,
        )


def _target(run: Run) -> Target:
    if run.room_id is None:
        return Target(person_id=run.person_id, direct=True)
    return Target(room_id=run.room_id, parent_id=run.thread_id, direct=run.room_type == DIRECT)


def _trouble(run: Run) -> str:
    return f"{run.event_key}:run:trouble"


def _may_have_created(error: WebexError) -> bool:
    """Return True when nobody can know whether the report was created."""
    if error.reached is False:
        return False
    status = error.status
    return status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in LOST_BEHIND_A_GATEWAY
