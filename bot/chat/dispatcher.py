"""Run the command of each event: fetch the message or press that it announces, and call the command's handler."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from bot import tracing
from bot.access.outside_spaces import OutsideSpaces
from bot.chat import rate_limit
from bot.chat.answer_limit import STOPPED
from bot.chat.commands.help import unknown
from bot.chat.error_answer import answer_error
from bot.chat.event_fetcher import EventFetcher, Ignored, InvalidButtonPress
from bot.chat.invocation import entry_of
from bot.chat.not_found_retries import NotFoundRetries
from bot.chat.registry import registry
from bot.chat.sub_partners import with_organization
from bot.db import audit, events
from bot.errors import BotError, Refused, WebexError
from bot.messages.sentences import no_answer
from bot.messages.sentences import trouble as trouble_sentence
from bot.outbox import Unsure
from bot.reports.trouble import FIRST_ANSWER_PATIENCE, SENDING
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from bot.chat.answer_limit import AnswerLimit
    from bot.chat.invocation import Invocation
    from bot.db.audit import Entry
    from bot.db.events import Event
    from bot.queue import RetryLater
    from bot.services import Services

log = structlog.get_logger(__name__)

RETRY_NOTIFICATION_FOR = timedelta(hours=1)
"""How long it is tried to say that there is no answer, although Webex refuses it."""
READING_PATIENCE = timedelta(minutes=2)
"""How long a message may be unreadable before its person is told: nobody knows yet whether it wants an answer."""
OUTSIDE = "ignored:outside_space"
"""The outcome of what is written where nobody of ours is, after the first refusal there."""
OTHER_ORG = "other_organization"
"""Policy's reason to refuse someone from outside."""


class Dispatcher:
    """The task behind every event; the key is the event's row."""

    def __init__(self, services: Services, answer_limit: AnswerLimit) -> None:
        self._services = services
        self._answer_limit = answer_limit
        self._fetcher = EventFetcher(services)
        self._not_found = NotFoundRetries(services.clock.monotonic)
        self._outside = OutsideSpaces(services.authorizer.outsiders_only, services.now)

    def run(self, key: str) -> RetryLater | None:
        """Run the command of an event, unless that was done before."""
        with self._services.database.read(snapshot=False) as tx:
            found = events.get_to_handle(tx, int(key))
            if found is None or found[0].state != events.NEW:
                return None
            event, is_own, chosen = found
            tracing.begin(event.trace_id)
            within_limit = rate_limit.is_within(tx, self._services, event)
        if not self._may_fetch(event, within_limit=within_limit):
            return None
        self._check_identity(event)
        try:
            is_own &= event.resource == "messages"
            invocation, fetched = self._fetcher.fetch(event, is_own=is_own, placement=chosen.placement)
        except Ignored as ignored:
            self._ignore(event, ignored)
            return None
        except WebexError as error:
            return self._not_fetched(event, error)
        self._not_found.forget(event)
        if self._may_answer(event, fetched):
            self._invoke(invocation, fetched)
        return None

    def on_failure(self, key: str, sentence: str) -> None:
        """Say that there is no answer, where Webex shows that something was written."""
        with self._services.database.read() as tx:
            event = events.get(tx, int(key))
        if event is None or event.state != events.NEW:
            return
        try:
            self._services.identity.person()
            invocation, event = self._fetcher.fetch_or_prove(event)
            if invocation is not None and not self._answer_limit.stops(event):
                invocation.say("gave-up", no_answer(sentence))
                invocation.delete_trouble()
                self._answer_limit.count(event)
        except Ignored as ignored:
            self._ignore(event, ignored)
            return
        except BotError as error:
            # As long as it is new, maintenance has it read again, so its person is not left without an answer at once.
            if not isinstance(error, Unsure) and self._age(event) < RETRY_NOTIFICATION_FOR:
                raise
            log.warning("notification_failed", resource=event.resource, cause=str(error))
        self._settle(event, events.FAILED, sentence, entry_of(event, audit.joined(audit.FAILED, "given_up")))

    def _may_fetch(self, event: Event, *, within_limit: bool) -> bool:
        """Return False for an event that costs no call: of a space with nobody of ours, or over the limit."""
        if event.resource == "memberships":
            self._outside.forget(event.room_id)
        elif self._outside.holds(event.room_id, event.person_id):
            self._settle(event, events.IGNORED, OUTSIDE, entry_of(event, OUTSIDE), read=False)
            return False
        if not within_limit:
            rate_limit.skip(self._services, event)
        return within_limit

    def _may_answer(self, event: Event, fetched: Event) -> bool:
        """Return False for an event that counts for a person over the limit, whatever it says, or for another bot."""
        if not same_id(fetched.person_id, event.person_id) and not rate_limit.check(self._services, fetched):
            return False
        if self._answer_limit.stops(fetched):
            self._settle(fetched, events.IGNORED, STOPPED, entry_of(fetched, STOPPED))
            return False
        return True

    def _check_identity(self, event: Event) -> None:
        """Raise ``WebexError`` while the bot does not know who it is: it would answer itself."""
        try:
            self._services.identity.person()
        except WebexError as error:
            error.passing |= self._age(event) < RETRY_NOTIFICATION_FOR
            raise

    def _not_fetched(self, event: Event, error: WebexError) -> RetryLater | None:
        """Try again what Webex does not show; raises what ends otherwise than by being tried here."""
        if error.passing and error.status is not None and self._lasts(event, error, READING_PATIENCE):
            self._tell_trouble(self._fetcher.prove(event), error)
        if error.passing or error.status != HTTPStatus.NOT_FOUND:
            raise error
        again = self._not_found.next(event)
        if again is None:
            log.warning("event_not_readable", resource=event.resource, cause=str(error))
            entry = entry_of(event, audit.joined(audit.FAILED, audit.cause_of(error)), error)
            self._settle(event, events.FAILED, f"not readable: {error.status}", entry, read=False)
        return again

    def _invoke(self, invocation: Invocation, event: Event) -> None:
        """Call the command's handler, answer the error at which it ends, and settle the event."""
        command = registry.find(invocation.word)
        invocation = with_organization(invocation)
        try:
            (command.handler if command else unknown)(invocation)
        except BotError as error:
            if error.passing:
                self._tell_lasting(invocation, event, error)
                raise
            answer_error(invocation, error)
            if isinstance(error, Refused) and error.reason == OTHER_ORG and not invocation.direct:
                self._outside.refused_in(invocation.room_id)
        if not invocation.trail.recorded:  # else it opened requests, which are answered by themselves
            self._answer_limit.count(event)
        if self._age(event) >= FIRST_ANSWER_PATIENCE:  # else nothing was told of trouble
            invocation.delete_trouble()
        if not invocation.trail.settled:
            entries = invocation.entries(command.word if command else audit.UNKNOWN_WORD)
            self._settle(event, events.DONE, command.word if command else "unknown word", *entries)

    def _ignore(self, event: Event, ignored: Ignored) -> None:
        """Settle an event to which nobody waits for an answer."""
        entries = []
        if isinstance(ignored, InvalidButtonPress):
            log.warning("invalid_button_press", why=ignored.why)
            entries = [entry_of(ignored.event(event), audit.joined(audit.FAILED, ignored.why))]
        self._settle(event, events.IGNORED, ignored.why, *entries, read=False)

    def _tell_lasting(self, invocation: Invocation, event: Event, error: BotError) -> None:
        """Tell trouble of Webex that lasts; where sending fails, this could not be sent either."""
        if not isinstance(error, WebexError) or any(part in error.call for part in SENDING):
            return
        if self._lasts(event, error, FIRST_ANSWER_PATIENCE):
            self._tell_trouble(invocation, error)

    @staticmethod
    def _tell_trouble(invocation: Invocation | None, error: WebexError) -> None:
        """Tell a person who waits for an answer that Webex has trouble, once; it says nothing of any report."""
        if invocation is not None:
            invocation.tell_trouble(trouble_sentence(error))

    def _lasts(self, event: Event, error: WebexError, patience: timedelta) -> bool:
        """Return True when an error lasts for too long, or will until Webex lets the bot try again."""
        return self._age(event) + timedelta(seconds=error.retry_after or 0.0) >= patience

    def _age(self, event: Event) -> timedelta:
        now = self._services.now()
        return now - (event.received_at or now)

    def _settle(self, event: Event, state: str, outcome: str, *entries: Entry, read: bool = True) -> None:
        """Store what became of the event, and the audit's rows about it, together and once."""
        now = self._services.now()
        with self._services.database.begin(durable=False) as tx:
            if events.settle(tx, event.id, state, outcome, now):
                if not read:
                    events.forget_place(tx, event.id)
                for entry in entries:
                    audit.record(tx, entry, now)
            self._services.queue.finish(tx)
