"""Says a thing once.

Posting to Webex cannot be undone or repeated without harm, and its answer can be lost. So the intent is on record
before, the outcome after; and where an earlier try may have taken effect, the bot looks whether its message is there
before it says it again. Where Webex does not let it look, it does not guess: the post is ``unknown``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.db import messages as message_rows
from bot.db.audit import DIRECT
from bot.errors import LOST_BEHIND_A_GATEWAY, BotError, WebexError
from bot.fingerprint import fingerprint, is_said_by
from bot.logs import redact
from bot.text import shortened
from bot.webex.ids import id_key, same_id
from bot.webex.types import Posted, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database
    from bot.webex.chat import Chat
    from bot.webex.types import Card, Message, Person
    from bot.webex.upload import PendingUpload

log = structlog.get_logger(__name__)

CLOCKS_DIFFER = timedelta(days=1)
"""How far Webex's clock may be behind ours when we look for a message of ours; what was said before is on record."""

WORDS_SETTLE, FILES_SETTLE = timedelta(seconds=3), timedelta(seconds=10)
"""How long a post whose answer was lost may take to show: Webex scans files first, and what it lists lags behind."""

NOT_FOUND = 404
NEVER_SHOWS_AFTER = timedelta(minutes=2)
"""Longer than Webex may take to answer a post of words: what is not there by then was never posted."""

LOOK_BACK = timedelta(minutes=10)
"""How much further back than its intent a message is looked for among many; clocks differ."""

NOT_THERE = frozenset({message_rows.DELETED, message_rows.REFUSED})
"""States of a post of which nothing stands in a space."""

UNNOTICED = frozenset({message_rows.INTENDED, message_rows.LEAVING})
"""States of a post that may be there although nobody knows its message."""

PERHAPS_THERE = UNNOTICED | {message_rows.UNKNOWN}
"""States of a post that may stand where it was to be said."""

THREAD_GONE = frozenset({400, 404})
"""How Webex refuses a reply whose thread's root was deleted."""


class Unsure(BotError):
    """Webex did not say whether this was posted, and I cannot look here. Please check; ask again if it is missing."""


class Outbox:
    """Posts messages, cards and files, each under a key of its own that is said at most once."""

    def __init__(
        self,
        database: Database,
        chat: Chat,
        bot: Callable[[], Person],
        now: Callable[[], datetime],
        *,
        settle: tuple[timedelta, timedelta] = (WORDS_SETTLE, FILES_SETTLE),
    ) -> None:
        self._database = database
        self._chat = chat
        self._bot = bot
        self._now = now
        self._words_settle, self._files_settle = settle

    def say(self, key: str, target: Target, markdown: str, card: Card | None = None, *, shows: str = "") -> Posted:
        """Post words, or a card with its fallback text. Raises ``WebexError`` or :class:`Unsure`.

        ``shows``: what a card says of its report, in a word for the ledger.
        """
        text = shortened(redact(markdown))
        shown = _without_secrets_in(card)
        return self._once(
            key, target, text, lambda where: self._chat.post(where, markdown=text, card=shown), shows=shows
        )

    def edit(self, key: str, markdown: str) -> bool:
        """Change words that were said under a key. False: they are not known to be there.

        Raises ``WebexError``: Webex takes ten edits of a message, and none of one with a card or a file.
        """
        with self._database.read() as tx:
            post = message_rows.present(tx, key)
        if post is None or post.state != message_rows.SENT or not (post.message_id and post.room_id):
            return False
        self._chat.edit(post.message_id, post.room_id, markdown=shortened(redact(markdown)))
        return True

    def take_back(self, key: str) -> bool:
        """Delete what was said under a key, if it was, unnoticed or not. False: it stays. Raises ``WebexError``.

        A thread's root goes only if no replies hang on it.
        """
        with self._database.read() as tx:
            post = message_rows.present(tx, key)
        if post is None or post.state in NOT_THERE:
            return True
        there = [post.message_id] if post.message_id else self._unnoticed(post)
        if there == []:
            return self._never_showed(post)
        if there and post.message_id is None and self._is_being_said(post):
            return False  # it may be that one: the sweep comes again
        known = there[0] if there and len(there) == 1 else None
        try:
            if there is None or not all(self._alone(post, one) for one in there):
                if post.state == message_rows.LEAVING:  # it stays, and is not to be looked at for ever
                    self._stays(post, message_rows.SENT if known else message_rows.UNKNOWN, known)
                return False
            for one in there:
                self._delete(one)
        except WebexError as error:
            # What passes is tried again by the sweep: what was said is not so any more.
            stays = message_rows.SENT if known else message_rows.UNKNOWN
            self._stays(post, message_rows.LEAVING if error.passing else stays, known)
            raise
        with self._database.begin() as tx:
            message_rows.settle(tx, post.key, message_rows.DELETED, self._now())
        return True

    def _delete(self, message_id: str) -> None:
        try:
            self._chat.delete(message_id)
        except WebexError as error:
            if error.status != NOT_FOUND:
                raise

    def _stays(self, post: message_rows.Post, state: str, message_id: str | None) -> None:
        room_id = post.room_id if message_id else None
        with self._database.begin() as tx:
            message_rows.settle(tx, post.key, state, self._now(), message_id=message_id, room_id=room_id)

    def _leave_later(self, post: message_rows.Post) -> None:
        """Have the sweep look for it, and take it back."""
        if post.state == message_rows.INTENDED:
            with self._database.begin() as tx:
                message_rows.settle(tx, post.key, message_rows.LEAVING, self._now())

    def _never_showed(self, post: message_rows.Post) -> bool:
        """Whether what is not seen is certainly not there: it may still show, and then the sweep takes it back."""
        if abs(self._now() - post.tried_at) < NEVER_SHOWS_AFTER:
            self._leave_later(post)
            return False
        with self._database.begin() as tx:
            now = message_rows.get(tx, post.key)
            if now is not None and now.message_id is None and now.tried_at == post.tried_at:  # nor said again meanwhile
                message_rows.settle(tx, post.key, message_rows.DELETED, self._now())
        return True

    def leave(self, key: str) -> None:
        """Try no more to take back what could not be."""
        with self._database.begin() as tx:
            message_rows.settle(tx, key, message_rows.SENT, self._now())

    def stays(self, key: str) -> bool:
        """Whether what was said cannot be taken back, since replies hang on it. Raises ``WebexError`` that passes."""
        with self._database.read() as tx:
            post = message_rows.present(tx, key)
        return post is not None and post.message_id is not None and not self._alone(post, post.message_id)

    def recognise(self, message: Message, person_id: str) -> None:
        """Take it that a message of ours was said, since this person pressed it: its post was perhaps never answered.

        Raises ``DatabaseUnavailable``.
        """
        with self._database.begin(durable=False) as tx:
            if message_rows.by_message(tx, message.id) is not None:
                return
            there = message_rows.open_in(tx, message.room_id, message.parent_id or None)
            # What was said to a person is in their 1:1 space with the bot, where nobody else presses anything.
            direct = message.room_type == DIRECT
            ours = (one for one in there if one.room_id or (direct and same_id(one.person_id, person_id)))
            post = next((one for one in ours if is_said_by(message, one.said)), None)
            if post is not None:
                message_rows.settle(
                    tx, post.key, message_rows.SENT, self._now(), message_id=message.id, room_id=message.room_id
                )
                log.info("recognised", post=post.key)

    def _unnoticed(self, post: message_rows.Post) -> list[str] | None:
        """The ids of messages of ours that an unfinished try left behind; None where the bot cannot look.

        Nor can it for what an older version said: of that it has no words.
        """
        if post.state not in UNNOTICED or not post.said:
            return None
        target = Target(post.room_id, post.parent_id, post.person_id, direct=post.direct)
        try:
            there = self._recent(target, post.intended_at)
        except WebexError:
            self._leave_later(post)
            raise
        return None if there is None else [one.id for one in there if self._is_ours(one, post, target)]

    def _is_being_said(self, post: message_rows.Post) -> bool:
        """Whether the same words are on their way to the same place under another name."""
        with self._database.read() as tx:
            there = message_rows.open_in(tx, post.room_id, post.parent_id)
        whose = id_key(post.person_id or "")
        others = (one for one in there if one.key != post.key and id_key(one.person_id or "") == whose)
        return any(one.said & post.said for one in others)

    def _alone(self, post: message_rows.Post, message_id: str) -> bool:
        """Whether certainly no replies hang on a message: only a thread's root has any."""
        if post.parent_id is not None:
            return True
        target = Target(post.room_id, message_id, None if post.room_id else post.person_id, direct=post.direct)
        return self._recent(target) == []

    def send(
        self,
        key: str,
        target: Target,
        path: Path,
        *,
        name: str,
        content_type: str,
        markdown: str,
        begun: PendingUpload | None = None,
    ) -> Posted:
        """Post a file with its line; ``begun`` is an upload of it under way, to use if it goes to the same place.

        Raises ``WebexError`` or :class:`Unsure`.
        """
        text, shown = shortened(redact(markdown)), redact(name)

        def post(where: Target) -> Posted:
            posted = begun.finish(text) if begun is not None and begun.target == where else None
            if posted is not None:
                return posted
            return self._chat.upload(where, path=path, name=shown, content_type=content_type, markdown=text)

        return self._once(key, target, text, post, settle=self._files_settle)

    def was_meant(self, key: str) -> bool:
        """Whether this was said, or was to be said, before."""
        with self._database.read() as tx:
            return message_rows.get(tx, key) is not None

    def was_sent(self, key: str) -> bool:
        """Whether this was said for sure."""
        with self._database.read() as tx:
            post = message_rows.present(tx, key)
        return post is not None and post.state == message_rows.SENT

    def _once(
        self,
        key: str,
        target: Target,
        text: str,
        post: Callable[[Target], Posted],
        *,
        shows: str = "",
        settle: timedelta | None = None,
    ) -> Posted:
        said = fingerprint(text)
        before = self._intended(key, target, said, shows)
        if before is not None:
            if before.state == message_rows.SENT and before.message_id:
                return Posted(before.message_id, before.room_id or "")
            # What an older version of the bot was about to say is known by what is said now.
            known = before if before.said else replace(before, said=frozenset({said}))
            # What is to go, and is known, goes by itself; perhaps it is gone by now.
            found = None if before.state == message_rows.LEAVING and before.message_id else self._look(known, target)
            if found is not None:
                with self._database.begin() as tx:
                    where = found.room_id or None
                    message_rows.settle(
                        tx, key, message_rows.SENT, self._now(), message_id=found.message_id, room_id=where
                    )
                return found
            self._wait_for(before, self._words_settle if settle is None else settle)
            self._intend_again(before, target, said)
        try:
            posted = post(target)
        except WebexError as error:
            if target.parent_id and error.status in THREAD_GONE:
                # A post of its own: its answer may be lost too, and it is to be looked for elsewhere.
                self._forget(key)
                beside = replace(target, parent_id=None)
                return self._once(f"{key}{message_rows.BESIDE}", beside, text, post, shows=shows, settle=settle)
            if error.reached is None or error.status in LOST_BEHIND_A_GATEWAY:
                # Stays "intended": the next try looks first.
                raise
            if before is None or before.state == message_rows.REFUSED:
                self._forget(key)
            raise
        return self._sent(key, posted)

    def _intended(self, key: str, target: Target, said: str, shows: str) -> message_rows.Post | None:
        """Keep that this is to be said; gives what is known of it if that was so before."""
        with self._database.begin() as tx:
            if message_rows.intend(tx, key, target, self._now(), said=said, shows=shows or None):
                return None
            if target.direct:
                # It goes 1:1 since others read along: what may stand in the space goes, as soon as it is seen.
                for one in (message_rows.get(tx, key), message_rows.get(tx, f"{key}{message_rows.BESIDE}")):
                    if one is not None and not one.direct and one.state in PERHAPS_THERE:
                        message_rows.set_aside(tx, one)
                if message_rows.intend(tx, key, target, self._now(), said=said, shows=shows or None):
                    return None
            return message_rows.get(tx, key)

    def _intend_again(self, before: message_rows.Post, target: Target, said: str) -> None:
        with self._database.begin() as tx:
            if before.state == message_rows.LEAVING:  # it may still show, and then it is not this one
                message_rows.set_aside(tx, before)
                message_rows.intend(tx, before.key, target, self._now(), said=said, shows=before.shows)
            else:
                message_rows.intend_again(tx, before, target, self._now(), said=said)

    def _wait_for(self, before: message_rows.Post, settle: timedelta) -> None:
        """What was begun a moment ago and is not seen may still show. Raises ``WebexError`` until then."""
        left = settle - abs(self._now() - before.tried_at)
        if before.state == message_rows.INTENDED and left > timedelta():
            message = "the answer to a post was lost, and it is not there yet"
            wait = left.total_seconds()
            raise WebexError("POST /messages", None, message=message, retry_after=wait, reached=None, passing=True)

    def _look(self, before: message_rows.Post, target: Target) -> Posted | None:
        """Find the message of an earlier try that may have taken effect."""
        messages = self._recent(target, before.intended_at)
        if messages is None:
            if before.state == message_rows.REFUSED:
                return None
            with self._database.begin() as tx:
                message_rows.settle(tx, before.key, message_rows.UNKNOWN, self._now())
            raise Unsure
        return next((Posted(one.id, one.room_id) for one in messages if self._is_ours(one, before, target)), None)

    def _recent(self, target: Target, since: datetime | None = None) -> Sequence[Message] | None:
        """The messages among which ours would be; None where Webex does not let the bot look."""
        if not _can_look(target):
            return None
        try:
            return self._chat.recent(target, since - LOOK_BACK if since else None)
        except WebexError as error:
            # That a bot may list a thread is documented nowhere, and the space may be closed to it by now.
            if error.passing:
                raise
            if error.status == NOT_FOUND and target.room_id is None:
                return []  # the two have no 1:1 space: only a post makes one
            log.warning("cannot_look", cause=str(error))
            return None

    def _is_ours(self, message: Message, before: message_rows.Post, target: Target) -> bool:
        by_us = self._bot().goes_by(message.person_id, message.person_email)
        if not by_us or (message.parent_id or None) != target.parent_id:
            return False
        if not is_said_by(message, before.said) or _is_older(message, before):
            return False
        with self._database.read() as tx:
            return message_rows.by_message(tx, message.id) is None

    def _sent(self, key: str, posted: Posted) -> Posted:
        with self._database.begin() as tx:
            post = message_rows.get(tx, key)
            # It may be that it was to be taken back before its post was answered.
            state = (
                message_rows.LEAVING if post is not None and post.state == message_rows.LEAVING else message_rows.SENT
            )
            message_rows.settle(
                tx, key, state, self._now(), message_id=posted.message_id, room_id=posted.room_id or None
            )
        return posted

    def _forget(self, key: str) -> None:
        """Webex refused: the next try looks where it can, and where it cannot it says it again all the same."""
        with self._database.begin() as tx:
            message_rows.settle(tx, key, message_rows.REFUSED, self._now())


def _without_secrets_in(card: Card | None) -> Card | None:
    """The last line of defence: whatever Webex made us say, no token of ours goes into a space."""
    if card is None:
        return None
    written = json.dumps(card, ensure_ascii=False)
    clean = redact(written)
    return card if clean == written else json.loads(clean)


def _is_older(message: Message, before: message_rows.Post) -> bool:
    """Whether it was there before we meant to say it; the same words may have been said earlier, too."""
    return message.created is None or message.created < before.intended_at - CLOCKS_DIFFER


def _can_look(target: Target) -> bool:
    return target.direct or target.parent_id is not None or target.person_id is not None
