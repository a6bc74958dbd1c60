"""Reads an event: fetches what it announces, makes a request of that, and runs its command.

An event is a hint. Its id says what to fetch; whose it is, where it stands and how old it is are what Webex says then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.access.outside_spaces import OutsideSpaces
from bot.chat import commands, why
from bot.chat.answer_limit import STOPPED, AnswerLimit
from bot.chat.limits import Limits, leave_out
from bot.chat.registry import ARGUMENT, COMMAND, registry
from bot.chat.request import Request, unread
from bot.chat.words import read_words
from bot.errors import BotError, Refused, WebexError
from bot.ledger import audit, events, posts
from bot.ledger.audit import Door
from bot.outbox import Unsure
from bot.ports import Target
from bot.queue import Again
from bot.reports.endings import SENT_DIRECTLY, say_directly
from bot.reports.trouble_line import AFTER_ERRORS, TroubleLine
from bot.reports.trouble_line import sentence as in_trouble
from bot.reports.waiting import SAYING
from bot.reports.whereto import DIRECT, GROUP
from bot.webex_ids import id_key, same_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.chat.context import Context
    from bot.ledger.audit import Entry
    from bot.ledger.events import Event
    from bot.ports import Action, Person

log = structlog.get_logger(__name__)

COMMANDS = (commands, why)
"""The modules whose import registers the commands."""

LOOKS_AGAIN = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further look for a message that a webhook has just announced and that Webex says 404 of."""
MOST_LOOKED_FOR = 3
"""Messages of one person that are looked for so at once; of more, there is only the last look."""
NOT_FOUND = 404
PATIENCE = timedelta(hours=1)
"""How long it is tried to say that there is no answer, although Webex refuses it."""
OLDEST = timedelta(days=1)
"""How old what is announced may be: an event that names an older message repeats what was answered then."""
TOO_OLD = "too_old"
READING_PATIENCE = timedelta(minutes=2)
"""How long a message may be unreadable without a word: nobody knows yet whether it wants an answer."""
GAVE_UP = "I could not answer this."
OUTSIDE = "ignored:outside_space"
"""The outcome of what is written where nobody of ours is, after the first refusal there."""
OTHER_ORG = "other_organization"
"""Policy's reason to refuse somebody from outside."""
LISTED_SINCE = timedelta(minutes=15)
"""How long before its event came a message may have been written that is looked for in a list."""
LONGEST_WORD = 64
"""Letters of a command in a button's data; ours are shorter."""


class Ignored(Exception):
    """Nothing is answered to it, but it is on record."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Reader:
    """The task behind every event."""

    def __init__(
        self,
        context: Context,
        bot: Callable[[], Person],
        limits: Limits | None = None,
        answer_limit: AnswerLimit | None = None,
    ) -> None:
        self._context = context
        self._bot = bot
        self._limits = limits or Limits()
        self._answer_limit = answer_limit or AnswerLimit(context.now)
        self._looked_for: dict[int, tuple[str, int]] = {}
        """Events whose message or action Webex did not know, by their rows: whose they are, and the looks so far."""
        self._outside = OutsideSpaces(context.guard.has_ours, context.now)

    def run(self, key: str) -> Again | None:
        """Read the event and act on it, unless that was done before."""
        with self._context.store.read() as tx:
            event = events.get(tx, int(key))
        if event is None or event.state != events.NEW:
            return None
        if event.resource == "memberships":
            self._outside.forget(event.room_id)
        elif self._outside.holds(event.room_id):
            self._settle(event, events.IGNORED, OUTSIDE, [unread(event, OUTSIDE)])
            return None
        if leave_out(self._context, self._limits, event):
            return None
        return self._answer(event)

    def _answer(self, event: Event) -> Again | None:
        try:
            self._bot()
        except WebexError as error:
            # Who does not know who it is says nothing, or it would answer itself: so it is asked for a while.
            error.passing |= self._age(event) < PATIENCE
            raise
        try:
            request = self._request(event)
        except WebexError as error:
            if error.passing:
                if error.status is not None and self._lasts(event, error, READING_PATIENCE):
                    self._say_that_it_lasts(event, self._place_of(event), error, READING_PATIENCE)
                raise
            return self._not_there(event, error)
        except Ignored as ignored:
            log.warning("event_ignored", resource=event.resource, why=ignored.why)
            entry = unread(event, audit.joined(audit.FAILED, ignored.why))
            self._settle(event, events.IGNORED, ignored.why, [entry])
            return None
        self._looked_for.pop(event.id, None)
        if request is not None:
            event = replace(event, person_id=request.person_id, room_id=request.room_id)
        if request is None or self._answer_limit.stops(event):
            why, entries = (STOPPED, [unread(event, STOPPED)]) if request else ("not for us", [])
            self._settle(event, events.IGNORED, why, entries)
            return None
        try:
            self._carry_out(request, event)
        except WebexError as error:
            if not any(part in error.call for part in SAYING):
                self._say_that_it_lasts(event, request.target, error, AFTER_ERRORS)
            raise
        command = registry.find(request.word)
        self._context.trouble_line(request).take_back()
        entries = request.entries(command.word if command else audit.UNKNOWN_WORD)
        self._settle(event, events.DONE, command.word if command else "unknown word", entries)
        return None

    def give_up(self, key: str, sentence: str) -> None:
        """Say so where it was written."""
        with self._context.store.read() as tx:
            event = events.get(tx, int(key))
        if event is None or event.state != events.NEW:
            return
        try:
            if not self._is_own(event) and not self._answer_limit.stops(event):
                self._say_so(event, f"{GAVE_UP} {sentence}")
                self._answer_limit.count(event)
        except BotError as error:
            # As long as it is new the sweep has it read again, so a person is not left without a word at once.
            if not isinstance(error, Unsure) and self._age(event) < PATIENCE:
                raise
            log.warning("nobody_could_be_told", resource=event.resource, cause=str(error))
        self._settle(event, events.FAILED, sentence, [unread(event, audit.joined(audit.FAILED, "given_up"))])

    def _say_that_it_lasts(self, event: Event, target: Target | None, error: WebexError, patience: timedelta) -> None:
        """Tell who waits for an answer that Webex has trouble, once; it says nothing of any report."""
        if target is not None and self._lasts(event, error, patience):
            self._line(event, target).say(in_trouble(error))

    def _lasts(self, event: Event, error: WebexError, patience: timedelta) -> bool:
        # Webex may ask to be left alone for an hour: then it is said now, since it is not tried before.
        return error.passing and self._age(event) + timedelta(seconds=error.retry_after or 0.0) >= patience

    def _line(self, event: Event, target: Target) -> TroubleLine:
        return TroubleLine(self._context.outbox, f"{origin_of(event)}:trouble", target)

    def _say_so(self, event: Event, sentence: str) -> None:
        target = self._place_of(event)
        if target is not None:
            self._context.outbox.say(f"{origin_of(event)}:gave-up", target, sentence)
            self._line(event, target).take_back()

    def _place_of(self, event: Event) -> Target | None:
        """Return where to say that something cannot be read; None where nothing proves that it is there.

        A forged event may name any space. A message must be in Webex's list of what was written to the bot in it; of
        presses there is no list, so a message of the bot's must stand there. Raises ``WebexError``.
        """
        if not event.room_id:
            return None
        if event.resource == "attachmentActions":
            with self._context.store.read() as tx:
                post = posts.in_room(tx, event.room_id)
            return None if post is None else Target(room_id=post.room_id, direct=post.direct)
        if event.resource != "messages":
            return None
        space = self._context.chat.space(event.room_id)
        since = (event.received_at or self._context.now()) - LISTED_SINCE
        for message in self._context.chat.written_to_bot(space, since):
            if same_id(message.id, event.data_id):
                root = message.parent_id or message.id
                return Target(room_id=space.id, parent_id=root, direct=space.kind == DIRECT)
        return None

    def _age(self, event: Event) -> timedelta:
        now = self._context.now()
        return now - (event.received_at or now)

    def _not_there(self, event: Event, error: WebexError) -> Again | None:
        """A 404 on what was just announced is lag; later there is nothing to answer to. Other refusals are told."""
        if error.status != NOT_FOUND:
            raise error
        whose = id_key(event.person_id or "")
        others = [one for one, _ in list(self._looked_for.values()) if one == whose]
        several = len(others) >= MOST_LOOKED_FOR
        _, looks = self._looked_for.get(event.id, (whose, len(LOOKS_AGAIN) - 1 if several else 0))
        if looks < len(LOOKS_AGAIN):
            self._looked_for[event.id] = whose, looks + 1
            return Again(LOOKS_AGAIN[looks], count=False)
        del self._looked_for[event.id]
        log.warning("event_not_readable", resource=event.resource, cause=str(error))
        outcome = audit.joined(audit.FAILED, audit.cause_of(error))
        self._settle(event, events.FAILED, f"not readable: {error.status}", [unread(event, outcome, error)])
        return None

    def _settle(self, event: Event, state: str, outcome: str, entries: Sequence[Entry] = ()) -> None:
        """Keep what became of the event, and the audit's rows about it, together and once."""
        now = self._context.now()
        with self._context.store.begin(durable=False) as tx:
            if events.settle(tx, event.id, state, outcome, now):
                for entry in entries:
                    audit.record(tx, entry, now)

    def _carry_out(self, request: Request, event: Event) -> None:
        command = registry.find(request.word)
        handler = command.handler if command else commands.unknown
        try:
            handler(self._context, request)
        except BotError as error:
            if error.passing:
                raise
            reference = self._context.new_reference()
            word = audit.REFUSED if isinstance(error, Refused) else audit.ERROR
            request.course.outcome = audit.joined(word, audit.cause_of(error))
            request.course.reference = reference
            request.course.tracking = audit.tracking_of(error)
            log.info("answered_with_error", reference=reference, word=request.word[:LONGEST_WORD], cause=str(error))
            self._say_error(request, error, f"(reference {reference})")
            if isinstance(error, Refused) and error.reason == OTHER_ORG and not request.direct:
                self._outside.refused_in(request.room_id)
        if not request.course.written:  # else it began requests, and these are answered by themselves
            self._answer_limit.count(event)

    def _say_error(self, request: Request, error: BotError, reference: str) -> None:
        """Answer with an error. What a refusal tells of roles, and the refusal of a press, is not for a group space."""
        outbox, key = self._context.outbox, f"{request.origin}:error"
        sentence, details = error.sentence, error.details if isinstance(error, Refused) else ""
        in_group = not request.target.direct
        words = " ".join(filter(None, (sentence, details, reference)))
        pressed = in_group and request.pressed and isinstance(error, Refused)
        if pressed and say_directly(outbox, key, request.person_id, words):
            return
        if in_group and details and not request.pressed:
            told = say_directly(outbox, f"{key}:details", request.person_id, words)
            sentence = f"{sentence} {SENT_DIRECTLY}" if told else sentence
        said = sentence if in_group else f"{sentence} {details}".rstrip()
        outbox.say(key, request.target, f"{said} {reference}")

    def _request(self, event: Event) -> Request | None:
        match event.resource, event.event:
            case "messages", "created":
                return self._from_message(event)
            case "attachmentActions", "created":
                return self._from_action(event)
            case "memberships", "created":
                return self._from_membership(event)
            case _:
                return None

    def _is_own(self, event: Event) -> bool:
        """Return True for an event of the bot's own, by who did it or since the ledger knows the message as posted."""
        if self._bot().goes_by(event.person_id, event.person_email):
            return True
        with self._context.store.read() as tx:
            return event.resource == "messages" and posts.by_message(tx, event.data_id) is not None

    def _check_age(self, event: Event, created: datetime | None) -> None:
        if created is not None and (event.received_at or self._context.now()) - created > OLDEST:
            raise Ignored(TOO_OLD)

    def _from_message(self, event: Event) -> Request | None:
        bot = self._bot()
        if self._is_own(event):
            return None
        message = self._context.chat.message(event.data_id)
        if bot.goes_by(message.person_id, message.person_email):
            return None
        self._check_age(event, message.created)
        room_type = message.room_type or self._context.chat.space(message.room_id).kind
        words = read_words(message.text, message.html, bot, registry.words, direct=room_type == DIRECT)
        return Request(
            origin=f"{event.resource}:{message.id}",
            person_id=message.person_id,
            room_id=message.room_id,
            room_type=room_type,
            parent_id=message.parent_id or message.id,
            word=words.word or "help",
            rest=words.rest,
            mentions_others=words.mentions_others,
        )

    def _from_action(self, event: Event) -> Request | None:
        """The presser asks, not the card's author; what is in ``inputs`` are words like any other."""
        action = self._context.chat.action(event.data_id)
        if self._bot().goes_by(action.person_id):
            return None
        self._check_age(event, action.created)
        word, argument = action.inputs.get(COMMAND), action.inputs.get(ARGUMENT)
        if not isinstance(word, str) or not 0 < len(word) <= LONGEST_WORD:
            raise Ignored("unreadable")
        room_type, parent = self._thread_of(action)
        return Request(
            origin=f"{event.resource}:{action.id}",
            person_id=action.person_id,
            room_id=action.room_id,
            room_type=room_type,
            parent_id=parent,
            word=word,
            rest=tuple(argument.split()) if isinstance(argument, str) else (),
            pressed=action.message_id,
            door=Door.BUTTON,
        )

    def _thread_of(self, action: Action) -> tuple[str, str | None]:
        """The type of the space and the thread's root, from the ledger, or from Webex for a card it does not have.

        A press counts only on a card of ours, in the space in which that card stands: what somebody else's card says
        on its button is not what its data asks for. One of ours that was taken back since stood there when it was
        pressed; of one that nobody knows and that is gone, nothing is said.
        """
        with self._context.store.read() as tx:
            post = posts.by_message(tx, action.message_id)
        if post is not None and same_id(post.room_id, action.room_id):
            return (DIRECT if post.direct else GROUP), post.parent_id or action.message_id
        card = self._context.chat.message(action.message_id)
        if not same_id(card.room_id, action.room_id):
            raise Ignored("elsewhere")
        if not self._bot().goes_by(card.person_id, card.person_email):
            raise Ignored("not_ours")
        if post is None:
            self._context.outbox.recognise(card, action.person_id)
        return card.room_type or self._context.chat.space(card.room_id).kind, card.parent_id or card.id

    def _from_membership(self, event: Event) -> Request | None:
        """The bot was added to a space: it says what it can do."""
        if not self._bot().goes_by(event.person_id):
            return None
        member = self._context.chat.membership(event.data_id)
        if not self._bot().goes_by(member.person_id, member.person_email) or member.room_type == DIRECT:
            return None
        self._check_age(event, member.created)
        return Request(
            origin=f"{event.resource}:{member.id}",
            person_id="",
            room_id=member.room_id,
            room_type=GROUP,
            parent_id=None,
            word="help",
            door=Door.SYSTEM,
        )


def origin_of(event: Event) -> str:
    """The event's name in the ledger, which what is said carries on while what it announces cannot be read."""
    return f"{event.resource}:{event.data_id}"
