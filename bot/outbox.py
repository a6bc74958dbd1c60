"""Send each message at most once.

Posting to Webex cannot be undone or repeated without harm, and its answer can be lost. So the intent is stored before
the call and the outcome after it; where an earlier try may have taken effect, the bot looks whether its message is
there before it sends it again. Where Webex does not let it look, it does not guess: the message is ``unsure``.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from html import unescape
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import messages
from bot.db.messages import DELETED, INTENDED, REFUSED, SENT, UNSURE, Name
from bot.errors import LOST_BEHIND_A_GATEWAY, BotError, DatabaseUnavailable, WebexError
from bot.logs import redact
from bot.text import shortened
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database, Transaction
    from bot.webex.chat import Chat
    from bot.webex.types import Card, Message, Person, Target
    from bot.webex.upload import PendingUpload

log = structlog.get_logger(__name__)

CLOCKS_DIFFER: Final = timedelta(days=1)
"""How far Webex's clock may be behind ours when a message is looked for; what was sent earlier is on record."""
TEXT_SETTLES, FILE_SETTLES = timedelta(seconds=3), timedelta(seconds=10)
"""How long after its call a message whose answer was lost may take to appear: Webex scans files, and its lists lag."""
NEVER_APPEARS_AFTER: Final = timedelta(minutes=2)
"""A message that is not listed so long after the call was never posted."""
LOOK_BACK: Final = timedelta(minutes=10)
"""How much further back than its intent a message is looked for; clocks differ."""
DATABASE_WAITS: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0)
"""Seconds between tries to store that a message was posted: less together than a worker has to end in."""
THREAD_GONE: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
"""How Webex refuses a reply to a thread whose root was deleted."""


class Unsure(BotError):
    """Webex didn't confirm the delivery, and I can't check here. Please look, and ask again if it's missing."""


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown, or a card with the text that stands in for it."""

    markdown: str
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file with its line; ``upload`` is one of the same file that is under way, perhaps to elsewhere."""

    markdown: str
    path: Path
    name: str
    content_type: str
    upload: PendingUpload | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is in Webex."""

    row_id: int
    message_id: str
    room_id: str


class Outbox:
    """Sends, edits and deletes the bot's messages, each known by a key."""

    def __init__(
        self,
        database: Database,
        chat: Chat,
        bot: Callable[[], Person],
        now: Callable[[], datetime],
        *,
        settle: tuple[timedelta, timedelta] = (TEXT_SETTLES, FILE_SETTLES),
        database_waits: Sequence[float] = DATABASE_WAITS,
    ) -> None:
        self._database = database
        self._chat = chat
        self._bot = bot
        self._now = now
        self._text_settles, self._file_settles = settle
        self._database_waits = database_waits

    def send(
        self,
        name: Name | str,
        target: Target,
        content: Text | File | str,
        *,
        before: Callable[[Transaction], None] | None = None,
        then: Callable[[Transaction, Sent], None] | None = None,
    ) -> Sent:
        """Send a message unless it was sent before. Raises ``WebexError`` or :class:`Unsure`.

        ``before`` and ``then`` are called in the transactions that store the intent and the outcome.
        """
        name = Name(name) if isinstance(name, str) else name
        content = Text(content) if isinstance(content, str) else content
        content = replace(content, markdown=shortened(redact(content.markdown)))
        mark = fingerprint(content.markdown)
        with self._database.begin() as tx:
            tried_at = self._now()
            row_id = messages.intend(tx, name, target, mark, tried_at)
            known = messages.get(tx, name.key) if row_id is None else None
            if before is not None:
                before(tx)
        if known is not None:
            row_id = known.id
            found = self._earlier(known)
            if found is not None:
                return self._settle(row_id, found, then)
            if known.state == INTENDED:
                self._wait_for(known, content)
            with self._database.begin() as tx:
                tried_at = self._now()
                alone = messages.try_again(tx, known, target, mark, tried_at)
            if not alone:  # another worker is at it
                raise _not_listed_yet(self._text_settles)
        assert row_id is not None
        first = known is None or known.state == REFUSED
        return self._settle(row_id, self._post(row_id, target, content, tried_at, first=first), then)

    def edit(self, key: str, markdown: str) -> bool:
        """Change the text of a message. Return False when it isn't known to be there.

        Raises ``WebexError``: Webex takes ten edits of a message, and none of one with a card or a file.
        """
        with self._database.read() as tx:
            message = messages.get(tx, key)
        if message is None or message.state != SENT or not (message.message_id and message.room_id):
            return False
        self._chat.edit(message.message_id, message.room_id, markdown=shortened(redact(markdown)))
        return True

    def delete(self, message: messages.Message | str) -> None:
        """Delete a message, by its key or as the database has it, if it was sent. Raises ``WebexError`` that passes."""
        if isinstance(message, str):
            with self._database.read() as tx:
                found = messages.get(tx, message)
            if found is None:
                return
            message = found
        there = self._there(message)
        for one in there or ():
            try:
                self._chat.delete(one)
            except WebexError as error:
                if error.passing:
                    raise
                if error.status != HTTPStatus.NOT_FOUND:
                    log.warning("message_delete_failed", key=message.key, cause=str(error))
        if message.state != UNSURE:
            with self._database.begin() as tx:
                state = UNSURE if there is None else DELETED
                messages.settle(tx, message.id, state, self._now(), **({"message_id": there[0]} if there else {}))

    def confirm(self, message: messages.Message, message_id: str, room_id: str) -> None:
        """Store that a message is in Webex, since someone pressed a button on it: its answer may have been lost."""
        if message.state not in {INTENDED, UNSURE}:
            return
        with self._database.begin(durable=False) as tx:
            messages.settle(tx, message.id, SENT, self._now(), message_id=message_id, room_id=room_id)
        log.info("message_confirmed_by_press", key=message.key)

    def was_sent(self, key: str) -> bool:
        """Return True when a message is in Webex for sure."""
        with self._database.read() as tx:
            message = messages.get(tx, key)
        return message is not None and message.state == SENT

    def was_intended(self, key: str) -> bool:
        """Return True when a message was sent, or was about to be."""
        with self._database.read() as tx:
            return messages.get(tx, key) is not None

    def _post(self, row_id: int, target: Target, content: Text | File, tried_at: datetime, *, first: bool) -> Posted:
        try:
            return self._call(target, content)
        except WebexError as error:
            if target.parent_id and error.status in THREAD_GONE:
                outside = replace(target, parent_id=None)
                with self._database.begin() as tx:  # from now on it is looked for there
                    messages.settle(tx, row_id, INTENDED, self._now(), parent_id=None, settled_at=None)
                return self._post(row_id, outside, content, tried_at, first=True)
            maybe_posted = error.reached is None or error.status in LOST_BEHIND_A_GATEWAY
            with self._database.begin(durable=not maybe_posted) as tx:
                if maybe_posted or not first:  # this try or an earlier one may still appear
                    messages.end_try(tx, row_id, tried_at, self._now())
                elif error.passing:
                    messages.remove(tx, row_id)  # the next try is a first one: there is nothing to look for
                else:
                    messages.settle(tx, row_id, REFUSED, self._now())
            raise

    def _call(self, target: Target, content: Text | File) -> Posted:
        if isinstance(content, Text):
            try:
                return self._chat.post(target, markdown=content.markdown, card=_redacted(content.card))
            except WebexError as error:
                thread_gone = target.parent_id and error.status in THREAD_GONE
                if error.passing or error.reached is None or thread_gone or error.status in SPACE_CLOSED:
                    raise
            return self._chat.post(target, markdown=content.markdown)  # perhaps it was the card that Webex refused
        if content.upload is not None and content.upload.target == target:
            posted = content.upload.finish(content.markdown)
            if posted is not None:
                return posted
        name, kind = redact(content.name), content.content_type
        return self._chat.upload(target, path=content.path, name=name, content_type=kind, markdown=content.markdown)

    def _settle(self, row_id: int, posted: Posted, then: Callable[[Transaction, Sent], None] | None) -> Sent:
        """Store what was posted; while the database is away it is tried again, since Webex may not show it later."""
        for wait in self._database_waits:
            try:
                return self._stored(row_id, posted, then)
            except DatabaseUnavailable:
                time.sleep(wait)
        return self._stored(row_id, posted, then)

    def _stored(self, row_id: int, posted: Posted, then: Callable[[Transaction, Sent], None] | None) -> Sent:
        sent = Sent(row_id, posted.message_id, posted.room_id)
        with self._database.begin() as tx:
            values = {"message_id": posted.message_id} | ({"room_id": posted.room_id} if posted.room_id else {})
            messages.settle(tx, row_id, SENT, self._now(), **values)
            if then is not None:
                then(tx, sent)
        return sent

    def _earlier(self, known: messages.Message) -> Posted | None:
        """Return what an earlier try posted; None when it may be sent again. Raises :class:`Unsure`."""
        if known.state == SENT and known.message_id:
            return Posted(known.message_id, known.room_id or "")
        if known.state == REFUSED:
            return None
        found = self._look_for(known) if known.state == INTENDED else None
        if found is None:
            with self._database.begin() as tx:
                messages.settle(tx, known.id, UNSURE, self._now())
            raise Unsure
        return next((Posted(one.id, one.room_id) for one in found), None)

    def _wait_for(self, known: messages.Message, content: Text | File) -> None:
        """Raise ``WebexError`` that passes while an earlier try may still appear.

        When a process was killed in its call, nobody knows the call's end: it is taken to be now.
        """
        settles = self._text_settles if isinstance(content, Text) else self._file_settles
        now = self._now()
        if known.settled_at is None and settles:
            with self._database.begin(durable=False) as tx:
                messages.end_try(tx, known.id, known.tried_at, now)
        left = settles - abs(now - (_end(known) if known.settled_at else now))
        if left > timedelta():
            raise _not_listed_yet(left)

    def _there(self, message: messages.Message) -> list[str] | None:
        """Return the IDs of what is to be deleted, None where the bot cannot look.

        Raises ``WebexError`` while it may still appear.
        """
        if message.message_id:
            return [message.message_id]
        if message.state != INTENDED:
            return []
        found = self._look_for(message)
        left = NEVER_APPEARS_AFTER - abs(self._now() - _end(message))
        if found == [] and left > timedelta():
            raise _not_listed_yet(left)
        return None if found is None else [one.id for one in found]

    def _look_for(self, message: messages.Message) -> list[Message] | None:
        """Return the messages in Webex that a try may have become; None where the bot cannot look."""
        listed = self._recent(message.target, message.intended_at - LOOK_BACK)
        return None if listed is None else [one for one in listed if self._is(one, message)]

    def _recent(self, target: Target, since: datetime) -> Sequence[Message] | None:
        if not (target.direct or target.parent_id or target.person_id):
            return None  # a bot may list a thread and a 1:1 space, not a group space
        try:
            return self._chat.recent(target, since)
        except WebexError as error:
            if error.passing:
                raise
            if error.status == HTTPStatus.NOT_FOUND and target.room_id is None:
                return []  # there is no 1:1 space yet: only a post makes one
            log.warning("messages_not_listed", cause=str(error))
            return None

    def _is(self, listed: Message, message: messages.Message) -> bool:
        if not self._bot().goes_by(listed.person_id, listed.person_email):
            return False
        if (listed.parent_id or None) != message.parent_id:
            return False
        if listed.created is None or listed.created < message.intended_at - CLOCKS_DIFFER:
            return False
        if not matches(listed, message):
            return False
        with self._database.read() as tx:
            return messages.by_message(tx, listed.id) is None


def _end(message: messages.Message) -> datetime:
    """Return when its last call ended, as far as that is known: earlier versions stored only when it began."""
    return max(message.settled_at or message.tried_at, message.tried_at)


def _not_listed_yet(left: timedelta) -> WebexError:
    message = "the answer to a post was lost, and it is not there yet"
    wait = left.total_seconds()
    return WebexError("POST /messages", None, message=message, retry_after=wait, reached=None, passing=True)


def _redacted(card: Card | None) -> Card | None:
    """Return a card without secrets, whatever Webex made us write into it."""
    if card is None:
        return None
    written = json.dumps(card, ensure_ascii=False)
    clean = redact(written)
    return card if clean == written else json.loads(clean)


FINGERPRINT_LENGTH: Final = 16
"""Characters of a fingerprint: it tells a message from the others in one thread."""
_ENTITY = re.compile(r"&#?\w+;")  # only whole ones: browsers also take some without the semicolon, markdown none
_LINK_ADDRESS = re.compile(r"\]\([^()\s]*\)")


def matches(listed: Message, message: messages.Message) -> bool:
    """Return True when a message in Webex has the words of one that was sent.

    ``text`` is rendered: what looks like an entity in it may be the letters of one.
    """
    fingerprints = (message.fingerprint or "").split()
    shown = (listed.text, listed.markdown, listed.html)
    return any(fingerprint(one) in fingerprints for one in shown if one) or _of_letters(listed.text) in fingerprints


def fingerprint(markdown: str) -> str:
    """Return what a text is recognized by: letters and digits are what markdown and its rendering have in common.

    Where a link leads is not among them; its words are.
    """
    return _of_letters(_ENTITY.sub(lambda one: unescape(one[0]), _LINK_ADDRESS.sub("]", markdown)))


def _of_letters(shown: str) -> str:
    letters = "".join(letter for letter in shown if letter.isalnum())
    return sha256(letters.encode(errors="replace")).hexdigest()[:FINGERPRINT_LENGTH]
