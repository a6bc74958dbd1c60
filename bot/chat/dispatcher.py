"""Reads an event: fetches the message or the action that it announces, makes a request of it, and runs its command.

What an event says is a hint about what to fetch. Who asks, where, when and for what is what Webex then shows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.access.outside_spaces import OutsideSpaces
from bot.chat.answer_limit import STOPPED, AnswerLimit
from bot.chat.commands.help import unknown
from bot.chat.event_fetcher import LONGEST_WORD, EventFetcher, Ignored
from bot.chat.invocation import Invocation, is_replayed, unread
from bot.chat.rate_limit import Limits, leave_out
from bot.chat.registry import registry
from bot.db import audit, events
from bot.errors import BotError, Refused, WebexError
from bot.messages.sentences import SENT_DIRECTLY
from bot.messages.sentences import trouble as trouble_sentence
from bot.outbox import Unsure
from bot.queue import RetryLater
from bot.reports.requests import send_directly
from bot.reports.trouble import FIRST_ANSWER_PATIENCE, SENDING
from bot.webex.ids import id_key, same_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.audit import Entry
    from bot.db.events import Event
    from bot.services import Services
    from bot.webex.types import Person

log = structlog.get_logger(__name__)

LOOKS_AGAIN = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further look for a message that a webhook has just announced and that Webex says 404 of."""
MOST_LOOKED_FOR = 3
"""Messages of one person that are looked for so at once; of more, there is only the last look."""
NOT_FOUND = 404
PATIENCE = timedelta(hours=1)
"""How long it is tried to say that there is no answer, although Webex refuses it."""
READING_PATIENCE = timedelta(minutes=2)
"""How long a message may be unreadable without a word: nobody knows yet whether it wants an answer."""
GAVE_UP = "I could not answer this."
OUTSIDE = "ignored:outside_space"
"""The outcome of what is written where nobody of ours is, after the first refusal there."""
OTHER_ORG = "other_organization"
"""Policy's reason to refuse somebody from outside."""


class Dispatcher:
    """The task behind every event."""

    def __init__(
        self,
        services: Services,
        bot: Callable[[], Person],
        limits: Limits | None = None,
        answer_limit: AnswerLimit | None = None,
    ) -> None:
        self._services = services
        self._bot = bot
        self._limits = limits or Limits()
        self._answer_limit = answer_limit or AnswerLimit(services.now)
        self._looked_for: dict[int, tuple[str, int]] = {}
        """Events whose message or action Webex did not know, by their rows: whose they are, and the looks so far."""
        self._fetcher = EventFetcher(services, bot)
        self._outside = OutsideSpaces(services.authorizer.outsiders_only, services.now)

    def run(self, key: str) -> RetryLater | None:
        """Read the event and act on it, unless that was done before."""
        with self._services.database.read() as tx:
            event = events.get(tx, int(key))
        if event is None or event.state != events.NEW:
            return None
        if event.resource == "memberships":
            self._outside.forget(event.room_id)
        elif self._outside.holds(event.room_id, event.person_id):
            self._settle(event, events.IGNORED, OUTSIDE, [unread(event, OUTSIDE)], read=False)
            return None
        if leave_out(self._services, self._limits, event):
            return None
        return self._answer(event)

    def _answer(self, event: Event) -> RetryLater | None:
        try:
            self._bot()
        except WebexError as error:
            # Who does not know who it is says nothing, or it would answer itself: so it is asked for a while.
            error.passing |= self._age(event) < PATIENCE
            raise
        try:
            invocation = self._fetcher.request(event)
            fetched = self._as_fetched(event, invocation)
        except WebexError as error:
            if error.passing:
                if error.status is not None and self._lasts(event, error, READING_PATIENCE):
                    self._say_trouble(self._fetcher.provable(event), error)
                raise
            return self._not_there(event, error)
        except Ignored as ignored:
            self._ignore(event, ignored)
            return None
        self._looked_for.pop(event.id, None)
        if not same_id(fetched.person_id, event.person_id) and leave_out(self._services, self._limits, fetched):
            return None
        event = fetched
        if self._answer_limit.stops(event):
            self._settle(event, events.IGNORED, STOPPED, [unread(event, STOPPED)])
            return None
        try:
            self._carry_out(invocation, event)
        except WebexError as error:
            if not any(part in error.call for part in SENDING) and self._lasts(event, error, FIRST_ANSWER_PATIENCE):
                self._say_trouble(invocation, error)
            raise
        self._done(invocation, event)
        return None

    def _done(self, invocation: Invocation, event: Event) -> None:
        """Store that an event is answered, unless what it began has said so."""
        if self._age(event) >= FIRST_ANSWER_PATIENCE:  # else nothing was told of trouble
            invocation.delete_trouble()
        if not invocation.trail.settled:
            command = registry.find(invocation.word)
            entries = invocation.entries(command.word if command else audit.UNKNOWN_WORD)
            self._settle(event, events.DONE, command.word if command else "unknown word", entries)

    def on_failure(self, key: str, sentence: str) -> None:
        """Say so where Webex shows that it was written."""
        with self._services.database.read() as tx:
            event = events.get(tx, int(key))
        if event is None or event.state != events.NEW:
            return
        try:
            self._bot()
            invocation = self._shown(event)
            if invocation is not None:
                event = self._as_fetched(event, invocation)
                if not self._answer_limit.stops(event):
                    invocation.say("gave-up", f"{GAVE_UP} {sentence}")
                    invocation.delete_trouble()
                    self._answer_limit.count(event)
        except Ignored as ignored:
            self._ignore(event, ignored)
            return
        except BotError as error:
            # As long as it is new the sweep has it read again, so a person is not left without a word at once.
            if not isinstance(error, Unsure) and self._age(event) < PATIENCE:
                raise
            log.warning("nobody_could_be_told", resource=event.resource, cause=str(error))
        self._settle(event, events.FAILED, sentence, [unread(event, audit.joined(audit.FAILED, "given_up"))])

    def _shown(self, event: Event) -> Invocation | None:
        """Fetch what an event announces, or prove where it was made; None without either. Raises ``WebexError``."""
        try:
            return self._fetcher.request(event)
        except WebexError as error:
            if error.passing:
                raise
            log.warning("event_not_readable", resource=event.resource, cause=str(error))
        provable = self._fetcher.provable(event)
        if provable is None:
            with self._services.database.begin(durable=False) as tx:
                events.forget_place(tx, event.id)
        return provable

    def _as_fetched(self, event: Event, invocation: Invocation) -> Event:
        """Return the event with what Webex shows of it, and keep that. Raises ``Ignored`` for one that is repeated."""
        if is_replayed(event, invocation.sent_at):
            log.warning("event_too_old", resource=event.resource)
            raise Ignored("too old")
        fetched = replace(
            event,
            data_id=invocation.event_key.partition(":")[2],
            person_id=invocation.person_id or event.person_id,
            room_id=invocation.room_id,
            room_type=invocation.room_type,
        )
        as_it_said = (
            fetched.data_id == event.data_id
            and same_id(fetched.person_id, event.person_id)
            and same_id(fetched.room_id, event.room_id)
            and event.room_type in {None, fetched.room_type}
        )
        if not as_it_said:
            with self._services.database.begin(durable=False) as tx:
                if not events.confirm(tx, fetched):
                    raise Ignored("repeated")
            log.info("event_differs_from_webex", resource=event.resource)
        return fetched

    def _ignore(self, event: Event, ignored: Ignored) -> None:
        entries = []
        if (press := ignored.press) is not None:
            log.warning("press_of_no_use", why=ignored.why)
            pressed = replace(event, person_id=press.person_id, room_id=press.room_id, room_type=None)
            entries = [unread(pressed, audit.joined(audit.FAILED, ignored.why))]
        self._settle(event, events.IGNORED, ignored.why, entries, read=False)

    def _say_trouble(self, invocation: Invocation | None, error: WebexError) -> None:
        """Tell who waits for an answer that Webex has trouble, once; it says nothing of any report."""
        if invocation is not None:
            invocation.tell_trouble(trouble_sentence(error))

    def _lasts(self, event: Event, error: WebexError, patience: timedelta) -> bool:
        # Webex may ask to be left alone for an hour: then it is said now, since it is not tried before.
        return error.passing and self._age(event) + timedelta(seconds=error.retry_after or 0.0) >= patience

    def _age(self, event: Event) -> timedelta:
        now = self._services.now()
        return now - (event.received_at or now)

    def _not_there(self, event: Event, error: WebexError) -> RetryLater | None:
        """A 404 on what was just announced is lag; later there is nothing to answer to. Other refusals are told."""
        if error.status != NOT_FOUND:
            raise error
        whose = id_key(event.person_id or "")
        others = [one for one, _ in list(self._looked_for.values()) if one == whose]
        several = len(others) >= MOST_LOOKED_FOR
        _, looks = self._looked_for.get(event.id, (whose, len(LOOKS_AGAIN) - 1 if several else 0))
        if looks < len(LOOKS_AGAIN):
            self._looked_for[event.id] = whose, looks + 1
            return RetryLater(LOOKS_AGAIN[looks], count=False)
        del self._looked_for[event.id]
        log.warning("event_not_readable", resource=event.resource, cause=str(error))
        outcome = audit.joined(audit.FAILED, audit.cause_of(error))
        entries = [unread(event, outcome, error)]
        self._settle(event, events.FAILED, f"not readable: {error.status}", entries, read=False)
        return None

    def _settle(
        self, event: Event, state: str, outcome: str, entries: Sequence[Entry] = (), *, read: bool = True
    ) -> None:
        """Keep what became of the event, and the audit's rows about it, together and once."""
        now = self._services.now()
        with self._services.database.begin(durable=False) as tx:
            if events.settle(tx, event.id, state, outcome, now):
                if not read:
                    events.forget_place(tx, event.id)
                for entry in entries:
                    audit.record(tx, entry, now)
            self._services.queue.finish(tx)

    def _carry_out(self, invocation: Invocation, event: Event) -> None:
        command = registry.find(invocation.word)
        handler = command.handler if command else unknown
        try:
            handler(invocation)
        except BotError as error:
            if error.passing:
                raise
            reference = self._services.new_reference()
            word = audit.REFUSED if isinstance(error, Refused) else audit.ERROR
            invocation.trail.outcome = audit.joined(word, audit.cause_of(error))
            invocation.trail.reference = reference
            invocation.trail.tracking = audit.tracking_of(error)
            log.info("answered_with_error", reference=reference, word=invocation.word[:LONGEST_WORD], cause=str(error))
            self._say_error(invocation, error, f"(reference {reference})")
            if isinstance(error, Refused) and error.reason == OTHER_ORG and not invocation.direct:
                self._outside.refused_in(invocation.room_id)
        if not invocation.trail.recorded:  # else it began requests, and these are answered by themselves
            self._answer_limit.count(event)

    def _say_error(self, invocation: Invocation, error: BotError, reference: str) -> None:
        """Answer with an error. What a refusal tells of roles, and the refusal of a press, is not for a group space."""
        outbox, key = self._services.outbox, f"{invocation.event_key}:error"
        sentence, details = error.sentence, error.details if isinstance(error, Refused) else ""
        in_group = not invocation.target.direct
        words = " ".join(filter(None, (sentence, details, reference)))
        pressed = in_group and invocation.pressed and isinstance(error, Refused)
        if pressed and send_directly(outbox, key, invocation.person_id, words):
            return
        if in_group and details and not invocation.pressed:
            told = send_directly(outbox, f"{key}:details", invocation.person_id, words)
            sentence = f"{sentence} {SENT_DIRECTLY}" if told else sentence
        said = sentence if in_group else f"{sentence} {details}".rstrip()
        outbox.send(key, invocation.target, f"{said} {reference}")
