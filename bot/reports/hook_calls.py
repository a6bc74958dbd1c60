"""Do what a call of an incoming hook asks for: open a request or a run, in the name of the hook's key.

Where nothing can be done, the space is told in one sentence, at most once an hour for each hook. What the call said is
never repeated there, since anyone may have said it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot import tracing
from bot.access.policy import Action
from bot.db import api_keys, audit, hook_calls, hooks, requests, runs, space_settings
from bot.db.api_keys import caller_of
from bot.db.audit import Channel, Entry
from bot.db.hooks import HookAction
from bot.db.origin import Kind, Origin
from bot.db.requests import GROUP, Content
from bot.db.trace_ids import trace_id
from bot.errors import BotError
from bot.messages.hooks import Nothing, nothing_done
from bot.outbox import Text
from bot.reports.newest_ready import newest_ready
from bot.reports.periods import find_period, is_period
from bot.reports.report_messages import Draft, ReportMessages
from bot.reports.requests import HOOK, WITHOUT_REPORT, Asker, open_request
from bot.reports.runs import open_run
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from bot.webex.types import Target

if TYPE_CHECKING:
    from datetime import date

    from bot.db.database import Transaction
    from bot.db.hook_calls import HookCall
    from bot.db.hooks import Hook
    from bot.outbox import Sent
    from bot.services import Services

log = structlog.get_logger(__name__)

TOLD_EVERY: Final = timedelta(hours=1)


class HookCalls:
    """The task behind the calls of hooks; the key is the call's ID."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> None:
        """Do what a call asks for, once, and tell when no report came of it. Raises ``BotError`` that passes."""
        call, hook = self._read(key)
        if call is None:
            return
        tracing.begin(trace_id(f"{HOOK}:{call.id}"))
        if call.handled_at is not None:
            if hook is not None:
                self._tell_failed(hook, call)
            return
        if hook is None:  # it or its key was revoked after the call
            with self._services.database.begin() as tx:
                hook_calls.set_handled(tx, call.id, self._services.now())
            log.info("hook_call_ended", reference=call.reference, outcome="revoked")
            return
        with self._services.database.read() as tx:
            zone = space_settings.time_zone_of(tx, hook.room_id)
        today = self._services.now().astimezone(zone).date()
        do = self._deliver if hook.action is HookAction.DELIVER else self._run
        nothing = do(hook, call, today)
        if nothing is not None:
            self._end(hook, call, nothing)

    def on_failure(self, key: str, sentence: str) -> None:
        """Say that nothing came of it."""
        log.error("hook_call_given_up", call=key, sentence=sentence)
        call, hook = self._read(key)
        if call is not None and hook is not None and call.handled_at is None:
            self._end(hook, call, Nothing.TROUBLE)

    def _read(self, key: str) -> tuple[HookCall | None, Hook | None]:
        with self._services.database.read() as tx:
            call = hook_calls.get(tx, int(key))
            return call, None if call is None else hooks.get(tx, call.hook_id)

    def _deliver(self, hook: Hook, call: HookCall, today: date) -> Nothing | None:
        """Open a request for the newest report of the title; return why there is none."""
        services = self._services
        title = hook.title or call.title
        if title is None:
            return Nothing.NO_TITLE
        days = (call.period or "").split()
        if days and not is_period(days, today):  # else it would be more words of a title that the hook has fixed
            return Nothing.NO_PERIOD
        words = [*title.split(), *days]
        families = [one.value for one in services.catalog.families]
        found = newest_ready(services.catalog, words, families, today)
        if found.report is None:
            return Nothing.SEVERAL if found.choices else Nothing.NO_REPORT
        report_id = found.report.id
        with services.database.begin() as tx:
            asker, content = self._asker(hook, call), Content.FILE
            open_request(tx, services, asker, report_id, content=content, reference=call.reference)
            self._settle(tx, hook, call, audit.ASKED, report_id)
        return None

    def _run(self, hook: Hook, call: HookCall, today: date) -> Nothing | None:
        """Open a run of the template; return why there is none."""
        words = (hook.period or call.period or "").split()
        if words and not is_period(words, today):
            return Nothing.NO_PERIOD
        period, _ = find_period(words, today)
        assert hook.family is not None
        assert hook.template_id is not None
        start, end = (None, None) if period is None else (period.start, period.end)
        new = NewReport(family=Family(hook.family), template_id=hook.template_id, start=start, end=end)
        with self._services.database.begin() as tx:
            open_run(tx, self._services, self._asker(hook, call), new, "", reference=call.reference)
            self._settle(tx, hook, call, audit.ASKED)
        return None

    def _asker(self, hook: Hook, call: HookCall) -> Asker:
        origin, person_id = Origin(Kind.KEY, hook.key_id), caller_of(hook.key_id)
        return Asker(f"{HOOK}:{call.id}", person_id, hook.room_id, GROUP, None, call.called_at, origin)

    def _settle(self, tx: Transaction, hook: Hook, call: HookCall, outcome: str, report_id: str | None = None) -> None:
        now = self._services.now()
        hook_calls.set_handled(tx, call.id, now)
        entry = Entry(Channel.SYSTEM, audit.HOOK, outcome, hook.caller, hook.room_id, report_id, call.reference)
        audit.record(tx, entry, now)
        log.info("hook_call_ended", reference=call.reference, hook=hook.reference, outcome=outcome)

    def _end(self, hook: Hook, call: HookCall, why: Nothing) -> None:
        """Tell the space, unless it was told within the hour, and settle the call. Raises ``BotError`` that passes."""
        self._tell(hook, call, why)
        with self._services.database.begin() as tx:
            self._settle(tx, hook, call, audit.joined(audit.FAILED, why.value))

    def _tell_failed(self, hook: Hook, call: HookCall) -> None:
        """Tell the space how the request or run of a call ended, when it has brought no report."""
        with self._services.database.read() as tx:
            found = requests.with_reference(tx, call.reference) or runs.with_reference(tx, call.reference)
        if found is not None and found.state.value in WITHOUT_REPORT:
            self._tell(hook, call, Nothing.FAILED, found.reason or "")

    def _tell(self, hook: Hook, call: HookCall, why: Nothing, reason: str = "") -> None:
        if hook.told_at is not None and self._services.now() - hook.told_at < TOLD_EVERY:
            return
        try:
            self._post(hook, call, why, reason)
        except BotError as error:
            if error.passing:
                raise
            log.info("hook_space_not_told", reference=call.reference, cause=str(error))

    def _post(self, hook: Hook, call: HookCall, why: Nothing, reason: str) -> None:
        services, caller = self._services, caller_of(hook.key_id)
        with services.database.read() as tx:
            name = api_keys.names(tx, [caller]).get(caller, "")

        def look() -> tuple[Target, None]:
            decision = services.authorizer.decide(caller, Action.READ, room_id=hook.room_id, direct=False)
            decision.raise_if_refused()
            return Target(room_id=hook.room_id, direct=False), None

        def told(tx: Transaction, _: Sent) -> None:
            hooks.set_values(tx, hook.id, told_at=services.now())

        said = Text(nothing_done(why, name, call.reference, reason))
        ReportMessages(services).post(look, lambda _: Draft(f"hook:{call.id}:nothing", said, then=told))
