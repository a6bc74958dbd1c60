"""Fetch what an event announces, and make an invocation of it.

What an event says is a hint about what to fetch. What counts is what Webex then shows: the person, the place, the time
and the words.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.chat.invocation import Invocation, is_replayed
from bot.chat.parser import parse
from bot.chat.plain_language import word_of_signs
from bot.chat.registry import registry
from bot.db import events, messages, requests
from bot.db.audit import Channel
from bot.db.space_settings import Placement
from bot.errors import WebexError
from bot.messages.elements import ARGUMENT, COMMAND, REFERENCE
from bot.outbox import matches
from bot.text import MAX_TEXT_BYTES
from bot.webex.ids import is_uuid, same_id
from bot.webex.types import DIRECT, GROUP

if TYPE_CHECKING:
    from bot.db.events import Event
    from bot.services import Services
    from bot.webex.types import Action, Message

log = structlog.get_logger(__name__)

LISTED_SINCE = timedelta(minutes=15)
"""How long before its event came a message may have been written that is looked for in a list."""
LONGEST_WORD = 64
"""Letters of a command in a button's data; ours are shorter."""
LONGEST_ARGUMENT = MAX_TEXT_BYTES
"""Letters kept of the argument in a button's data: as long as what can be typed."""
LONGEST_INPUT = 500
"""Letters kept of what is entered in one field of a form."""


class Ignored(Exception):
    """An event to which nobody waits for an answer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class InvalidButtonPress(Ignored):
    """A press on no card of ours, or with data that is not ours; the audit has it."""

    def __init__(self, why: str, press: Action) -> None:
        super().__init__(why)
        self._press = press

    def event(self, event: Event) -> Event:
        """Return the event with what Webex shows of the press."""
        return replace(event, person_id=self._press.person_id, room_id=self._press.room_id, room_type=None)


class EventFetcher:
    """Fetches messages, presses and memberships with the bot's token. Every call raises ``WebexError``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._bot = services.identity.person

    def fetch(self, event: Event, *, is_own: bool, placement: Placement) -> tuple[Invocation, Event]:
        """Fetch what an event announces; return its invocation, and the event with what Webex shows of it.

        ``is_own``: the database has it as a message that the bot sent. ``placement``: where the event's space wants
        answers. Raises ``Ignored`` for what nobody waits for an answer to.
        """
        if is_own:
            raise Ignored("not for us")
        invocation = self._invocation(event, checked=True)
        begins_thread = invocation.parent_id in {invocation.event_key.partition(":")[2], invocation.pressed}
        if placement is Placement.TOP_LEVEL and begins_thread and same_id(invocation.room_id, event.room_id):
            invocation = replace(invocation, parent_id=None)
        return invocation, self._as_fetched(event, invocation)

    def fetch_or_prove(self, event: Event) -> tuple[Invocation | None, Event]:
        """Fetch what an event announces, or else prove where it was made. Raises ``Ignored``."""
        try:
            invocation: Invocation | None = self._invocation(event, checked=False)
        except WebexError as error:
            if error.passing:
                raise
            log.warning("event_not_readable", resource=event.resource, cause=str(error))
            invocation = self.prove(event)
        if invocation is not None:
            return invocation, self._as_fetched(event, invocation)
        with self._services.database.begin(durable=False) as tx:
            events.forget_place(tx, event.id)
        return None, event

    def _invocation(self, event: Event, *, checked: bool) -> Invocation:
        """Fetch what an event announces; ``checked``: the database does not have it as a message of the bot's own."""
        match event.resource, event.event:
            case "messages", "created":
                invocation = self._from_message(event, checked=checked)
            case "attachmentActions", "created":
                invocation = self._from_action(event)
            case "memberships", "created":
                invocation = self._from_membership(event)
            case _:
                raise Ignored("not for us")
        return replace(invocation, event_row=event.id)

    def _as_fetched(self, event: Event, invocation: Invocation) -> Event:
        """Return the event with what Webex shows of it, and store that. Raises ``Ignored`` for one that is repeated."""
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

    def _is_own(self, message: Message) -> bool:
        """Return True for a message that the database has as sent by the bot."""
        with self._services.database.read() as tx:
            return messages.by_message(tx, message.id) is not None

    def _type_of(self, room_id: str, told: str) -> str:
        """Return the type of a space, which Webex is asked for where it has not told it yet."""
        return told or self._services.chat.space(room_id).kind

    def _from_message(self, event: Event, *, checked: bool) -> Invocation:
        if self._bot().goes_by(event.person_id, event.person_email):
            raise Ignored("not for us")
        message = self._services.chat.message(event.data_id)
        return self._of_message(message, checked=checked and message.id == event.data_id)

    def _of_message(self, message: Message, *, checked: bool = False) -> Invocation:
        bot = self._bot()
        if bot.goes_by(message.person_id, message.person_email) or (not checked and self._is_own(message)):
            raise Ignored("not for us")
        room_type = self._type_of(message.room_id, message.room_type)
        words = parse(message.text, message.html, bot, registry.words, direct=room_type == DIRECT)
        return Invocation(
            self._services,
            event_key=f"messages:{message.id}",
            person_id=message.person_id,
            room_id=message.room_id,
            room_type=room_type,
            parent_id=message.parent_id or message.id,
            word=words.word or word_of_signs(message.text),
            rest=words.rest,
            mentions_others=words.mentions_others,
            mentioned=words.mentioned,
            sent_at=message.created,
        )

    def _from_action(self, event: Event) -> Invocation:
        """Read a press: the presser asks, not the card's author. ``inputs`` are believed as little as text."""
        action = self._services.chat.action(event.data_id)
        if self._bot().goes_by(action.person_id):
            raise Ignored("not for us")
        word, argument = action.inputs.get(COMMAND), action.inputs.get(ARGUMENT)
        if not isinstance(word, str) or not 0 < len(word) <= LONGEST_WORD:
            raise InvalidButtonPress("unreadable", action)
        reference = action.inputs.get(REFERENCE)
        room_type, parent = self._thread_of(action)
        return Invocation(
            self._services,
            event_key=f"attachmentActions:{action.id}",
            person_id=action.person_id,
            room_id=action.room_id,
            room_type=room_type,
            parent_id=parent,
            word=word,
            rest=tuple(argument[:LONGEST_ARGUMENT].split()) if isinstance(argument, str) else (),
            pressed=action.message_id,
            reference=reference if isinstance(reference, str) else "",
            inputs={
                name: value[:LONGEST_INPUT]
                for name, value in action.inputs.items()
                if isinstance(value, str) and name not in {COMMAND, ARGUMENT, REFERENCE}
            },
            channel=Channel.BUTTON,
            sent_at=action.created,
        )

    def _thread_of(self, action: Action) -> tuple[str, str | None]:
        """Return the type of the space and the thread's root, from the database, or from Webex for an unknown card.

        A press counts only on a card of ours, in the space in which that card stands: what another person's card says
        on its button is not what its data asks for. One of ours that was deleted since stood there when it was pressed;
        of one that nobody knows and that is gone, nothing is said.
        """
        with self._services.database.read() as tx:
            post = messages.by_message(tx, action.message_id)
        if post is not None and same_id(post.room_id, action.room_id):
            return (DIRECT if post.direct else GROUP), post.parent_id or action.message_id
        card = self._services.chat.message(action.message_id)
        if not same_id(card.room_id, action.room_id):
            raise InvalidButtonPress("elsewhere", action)
        if not self._bot().goes_by(card.person_id, card.person_email):
            raise InvalidButtonPress("not_ours", action)
        if post is None and isinstance(reference := action.inputs.get(REFERENCE), str):
            self._confirm(card, reference)
        return self._type_of(card.room_id, card.room_type), card.parent_id or card.id

    def _confirm(self, card: Message, reference: str) -> None:
        """Store that the card of a request is in Webex, since it was pressed: its post was perhaps never answered."""
        with self._services.database.read() as tx:
            request = requests.with_reference(tx, reference)
            found = messages.of_request(tx, request.id) if request is not None else []
        for message in found:
            direct = message.room_id is None and card.room_type == DIRECT
            if (direct or same_id(message.room_id, card.room_id)) and matches(card, message):
                self._services.outbox.confirm(message, card.id, card.room_id)
                return

    def _from_membership(self, event: Event) -> Invocation:
        """Read that the bot was added to a space: it says what it can do."""
        bot = self._bot()
        if not bot.goes_by(event.person_id):
            raise Ignored("not for us")
        joined = self._services.chat.membership(event.data_id)
        if not bot.goes_by(joined.person_id, joined.person_email) or not joined.room_id:
            raise Ignored("not for us")
        room_type = self._type_of(joined.room_id, joined.room_type)
        if room_type == DIRECT:
            raise Ignored("not for us")
        return Invocation(
            self._services,
            event_key=f"memberships:{joined.id}",
            person_id="",
            room_id=joined.room_id,
            room_type=room_type,
            parent_id=None,
            word="help",
            channel=Channel.SYSTEM,
            sent_at=joined.created,
        )

    def prove(self, event: Event) -> Invocation | None:
        """Return an invocation for what Webex refuses to show, to say that; None where its place isn't proved.

        A forged event may name any space. A message must be in Webex's list of what was written to the bot in it; of
        presses there is no list, so a message of the bot's must stand there, and the id have the form of one: of a
        made-up one in that form Webex says 404, which is told to nobody. Raises ``WebexError`` that passes.
        """
        if not event.room_id:
            return None
        if event.resource == "attachmentActions":
            return self._pressed_in(event, event.room_id)
        return self._listed(event, event.room_id) if event.resource == "messages" else None

    def _pressed_in(self, event: Event, room_id: str) -> Invocation | None:
        with self._services.database.read() as tx:
            post = messages.in_room(tx, room_id) if is_uuid(event.data_id) else None
        if post is None or post.room_id is None:
            return None
        room_type = DIRECT if post.direct else GROUP
        origin = f"attachmentActions:{event.data_id}"
        return Invocation(self._services, origin, "", post.room_id, room_type, None, word="", channel=Channel.BUTTON)

    def _listed(self, event: Event, room_id: str) -> Invocation | None:
        since = (event.received_at or self._services.now()) - LISTED_SINCE
        try:
            written = self._services.chat.written_to_bot(self._services.chat.space(room_id), since)
            message = next((one for one in written if same_id(one.id, event.data_id)), None)
            return None if message is None else self._of_message(message)
        except WebexError as error:
            if error.passing:
                raise
        except Ignored:
            log.info("own_message_not_readable")
        return None
