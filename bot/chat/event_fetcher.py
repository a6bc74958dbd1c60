"""Fetches what an event announces, and makes a request of that.

What an event says is a hint about what to fetch. Who asks, where, when and for what is what Webex then shows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.chat.invocation import Invocation
from bot.chat.parser import read_words
from bot.chat.registry import registry
from bot.db import messages, requests
from bot.db.audit import Door
from bot.errors import WebexError
from bot.messages.elements import ARGUMENT, COMMAND, REFERENCE
from bot.outbox import matches
from bot.webex.ids import is_uuid, same_id
from bot.webex.types import DIRECT, GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.events import Event
    from bot.services import Services
    from bot.webex.types import Action, Message, Person

log = structlog.get_logger(__name__)

LISTED_SINCE = timedelta(minutes=15)
"""How long before its event came a message may have been written that is looked for in a list."""
LONGEST_WORD = 64
"""Letters of a command in a button's data; ours are shorter."""


class Ignored(Exception):
    """An event to which nobody waits for an answer; ``press`` is the one of no card of ours, which is on record."""

    def __init__(self, why: str, press: Action | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.press = press


class EventFetcher:
    """Fetch messages, presses and memberships with the bot's token. Every call raises ``WebexError``."""

    def __init__(self, services: Services, bot: Callable[[], Person]) -> None:
        self._services = services
        self._bot = bot

    def request(self, event: Event) -> Invocation:
        """Fetch what an event announces. Raises ``Ignored`` for what nobody waits for an answer to."""
        match event.resource, event.event:
            case "messages", "created":
                invocation = self._from_message(event)
            case "attachmentActions", "created":
                invocation = self._from_action(event)
            case "memberships", "created":
                invocation = self._from_membership(event)
            case _:
                raise Ignored("not for us")
        return replace(invocation, event_row=event.id)

    def _is_own(self, message_id: str, person_id: str | None, email: str | None) -> bool:
        """Return True for a message of the bot's own, by who wrote it or since the ledger knows it as posted."""
        if self._bot().goes_by(person_id, email):
            return True
        with self._services.database.read() as tx:
            return messages.by_message(tx, message_id) is not None

    def _type_of(self, room_id: str, told: str) -> str:
        """Return the type of a space, which Webex is asked for where it has not told it yet."""
        return told or self._services.chat.space(room_id).kind

    def _from_message(self, event: Event) -> Invocation:
        if self._is_own(event.data_id, event.person_id, event.person_email):
            raise Ignored("not for us")
        message = self._services.chat.message(event.data_id)
        return self._request_of(message, checked=message.id == event.data_id)

    def _request_of(self, message: Message, *, checked: bool = False) -> Invocation:
        bot = self._bot()
        own = bot.goes_by(message.person_id, message.person_email)
        if own or (not checked and self._is_own(message.id, message.person_id, message.person_email)):
            raise Ignored("not for us")
        room_type = self._type_of(message.room_id, message.room_type)
        words = read_words(message.text, message.html, bot, registry.words, direct=room_type == DIRECT)
        return Invocation(
            self._services,
            event_key=f"messages:{message.id}",
            person_id=message.person_id,
            room_id=message.room_id,
            room_type=room_type,
            parent_id=message.parent_id or message.id,
            word=words.word or "help",
            rest=words.rest,
            mentions_others=words.mentions_others,
            sent_at=message.created,
        )

    def _from_action(self, event: Event) -> Invocation:
        """The presser asks, not the card's author; what is in ``inputs`` are words like any other."""
        action = self._services.chat.action(event.data_id)
        if self._bot().goes_by(action.person_id):
            raise Ignored("not for us")
        word, argument = action.inputs.get(COMMAND), action.inputs.get(ARGUMENT)
        if not isinstance(word, str) or not 0 < len(word) <= LONGEST_WORD:
            raise Ignored("unreadable", action)
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
            rest=tuple(argument.split()) if isinstance(argument, str) else (),
            pressed=action.message_id,
            reference=reference if isinstance(reference, str) else "",
            door=Door.BUTTON,
            sent_at=action.created,
        )

    def _thread_of(self, action: Action) -> tuple[str, str | None]:
        """The type of the space and the thread's root, from the ledger, or from Webex for a card it does not have.

        A press counts only on a card of ours, in the space in which that card stands: what somebody else's card says
        on its button is not what its data asks for. One of ours that was taken back since stood there when it was
        pressed; of one that nobody knows and that is gone, nothing is said.
        """
        with self._services.database.read() as tx:
            post = messages.by_message(tx, action.message_id)
        if post is not None and same_id(post.room_id, action.room_id):
            return (DIRECT if post.direct else GROUP), post.parent_id or action.message_id
        card = self._services.chat.message(action.message_id)
        if not same_id(card.room_id, action.room_id):
            raise Ignored("elsewhere", action)
        if not self._bot().goes_by(card.person_id, card.person_email):
            raise Ignored("not_ours", action)
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
        """The bot was added to a space: it says what it can do."""
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
            door=Door.SYSTEM,
            sent_at=joined.created,
        )

    def provable(self, event: Event) -> Invocation | None:
        """Return a request for what Webex refuses to show, to say that; None where nothing proves where it was made.

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
        return Invocation(self._services, origin, "", post.room_id, room_type, None, word="", door=Door.BUTTON)

    def _listed(self, event: Event, room_id: str) -> Invocation | None:
        since = (event.received_at or self._services.now()) - LISTED_SINCE
        try:
            written = self._services.chat.written_to_bot(self._services.chat.space(room_id), since)
            message = next((one for one in written if same_id(one.id, event.data_id)), None)
            return None if message is None else self._request_of(message)
        except WebexError as error:
            if error.passing:
                raise
        except Ignored:
            log.info("own_message_not_readable")
        return None
