"""Tell a space and an owner, each once, that a subscription or schedule fails, is paused, or resumed by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Verdict
from bot.db import key_values, reports, requests
from bot.db.origin import PASSING, PauseCause
from bot.errors import Refused
from bot.messages import outcomes as messages
from bot.outbox import Text, Unsure
from bot.reports.owner_messages import Owner, tell_owner, told
from bot.reports.report_messages import Draft, ReportMessages
from bot.webex.types import Target

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.outcomes import Outcome
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.services import Services
    from bot.webex.report import Report


class OutcomeMessages:
    """Each message has a key of its own, and policy is asked right before it. All raise ``BotError`` that passes."""

    def __init__(self, services: Services, most_failures: int) -> None:
        self._services = services
        self._most_failures = most_failures
        self._report_messages = ReportMessages(services)

    def tell_failing(self, owned: Subscription | Schedule, first: Outcome, since: datetime) -> None:
        """Tell the first failure in a row; ``since`` names the streak."""
        key, most = f"{owned.origin.key}:failing:{since.isoformat()}", self._most_failures
        self._to_space(owned, key, Text(messages.failing(owned, first, most)))

        def made(owner: Owner) -> Text | None:
            return Text(messages.failing(owned, first, most, space=owner.space)) if owner.may_see else None

        tell_owner(self._services, owned, key, made)

    def tell_paused(self, owned: Subscription | Schedule, newest: Outcome | None) -> None:
        """Tell why it is paused; what a person has paused was said in answer."""
        cause, reason = owned.pause_cause, owned.reason or ""
        since = owned.resumed_at or owned.created_at
        key = f"{owned.origin.key}:paused:{since.isoformat()}:{cause.value if cause else ''}"
        if cause is PauseCause.FAILURES:
            self._tell_failed_often(owned, key, reason)
        elif cause is not None and cause is not PauseCause.PERSON:
            if cause is PauseCause.NOT_ALLOWED:
                self._to_space(owned, key, Text(*messages.paused_for_taking_over(owned, reason)), needed=True)
            word = newest.cause if newest is not None else ""
            missed = self._missed(newest) if newest is not None and cause in PASSING else None

            def made(owner: Owner) -> Text:
                said = messages.paused_for_owner(
                    owned,
                    cause,
                    word,
                    space=owner.space,
                    details=owner.details,
                    named=owner.may_see,
                    missed=missed,
                )
                return Text(said)

            tell_owner(self._services, owned, key, made)
            if cause is PauseCause.NOT_ALLOWED and owned.direct:
                self._to_operators(key, messages.ownerless(owned))

    def _missed(self, outcome: Outcome) -> Report | None:
        """Return the report that an outcome is about, as far as it is known."""
        with self._services.database.read() as tx:
            request = requests.with_reference(tx, outcome.reference)
            row = None if request is None or request.found_at is None else reports.get(tx, request.report_id)
        return None if row is None else row.report

    def _tell_failed_often(self, owned: Subscription | Schedule, key: str, reason: str) -> None:
        failures = self._most_failures
        self._to_space(owned, key, Text(*messages.paused_by_failures(owned, reason, failures)))

        def made(owner: Owner) -> Text | None:
            said = messages.paused_by_failures(owned, reason, failures, space=owner.space)
            return Text(*said) if owner.may_see else None

        tell_owner(self._services, owned, key, made)

    def tell_resumed(self, owned: Subscription | Schedule) -> None:
        """Tell its owner that it has resumed by itself, since why it was paused has passed."""
        cause = owned.pause_cause
        assert owned.resumed_at is not None
        assert cause is not None
        key = f"{owned.origin.key}:resumed:{owned.resumed_at.isoformat()}"
        tell_owner(
            self._services,
            owned,
            key,
            lambda owner: Text(messages.resumed(owned, cause, space=owner.space, named=owner.may_see)),
        )

    def _to_space(self, owned: Subscription | Schedule, key: str, content: Text, *, needed: bool = False) -> None:
        """Send a message to its group space, where nobody of another organization reads it.

        ``needed``: nobody else may be there to be told, so where it may not have arrived it is sent once more.
        """
        if owned.direct:
            return

        def look() -> tuple[Target, None]:
            decision = self._services.authorizer.decide_space(owned.room_id)
            if decision.verdict is not Verdict.ALLOWED:
                raise Refused(decision.sentence, reason=decision.reason)
            return Target(room_id=owned.room_id), None

        def send(name: str) -> None:
            self._report_messages.post(look, lambda _: Draft(name, content))

        def send_for_sure() -> None:
            try:
                send(f"{key}:space")
            except Unsure:
                send(f"{key}:space:again")

        told(send_for_sure if needed else lambda: send(f"{key}:space"))

    def _to_operators(self, key: str, markdown: str) -> None:
        space = self._services.settings.operators_space
        if space is None:
            return
        with self._services.database.read() as tx:
            where = Target(room_id=key_values.operators_space(tx, space))
        told(lambda: self._services.outbox.send(f"{key}:operators", where, markdown))
