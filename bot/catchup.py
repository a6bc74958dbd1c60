"""After an absence: finds what people wrote meanwhile, and has it answered like any other message.

Webex gives a webhook no second delivery that is documented, so what was written while the door was away would never be
answered. The bot's 1:1 spaces, and its mentions in group spaces, are listed since the door's last sign of life. What is
found becomes an event under the very key that a webhook would have used: what was answered is not answered again, and
a delivery that comes late is the same event. Presses of buttons cannot be listed: they are lost, the card is not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot import tasks
from bot.errors import BotError, WebexError
from bot.ledger import events, presence
from bot.ledger.events import Event
from bot.outbox import Unsure
from bot.ports import Target
from bot.reports.whereto import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.outbox import Outbox
    from bot.ports import Message, Space, Spaces
    from bot.queue import Queue
    from bot.store import Store

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=1)
"""How far back the bot looks; whoever asked before that has asked again."""
MARGIN = timedelta(minutes=2)
"""What clocks may differ, and what was on its way when the silence began."""
MOST_SPACES = 1000
"""Spaces looked into for one absence, the latest active ones first."""
PATIENCE = timedelta(hours=1)
"""How long it is tried although Webex refuses it."""
CLOSED = frozenset({403, 404})
"""How Webex answers for a space that the bot was removed from meanwhile."""


class CatchUp:
    """The task that makes up for one absence."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        spaces: Spaces,
        outbox: Outbox,
        bot_id: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._queue = queue
        self._spaces = spaces
        self._outbox = outbox
        self._bot_id = bot_id
        self._now = now

    def run(self, key: str) -> None:
        """Look into every space that was active in the absence. Harmless when it runs again; raises ``WebexError``."""
        away = presence.read_key(key)
        try:
            self._look_everywhere(away)
        except WebexError as error:
            # Nobody else looks for these messages: what ends other things at once is tried again here for a while.
            error.passing |= self._now() - away.until < PATIENCE
            raise

    def _look_everywhere(self, away: presence.Absence) -> None:
        since = max(away.since - MARGIN, self._now() - LONGEST)
        looked, found = 0, 0
        trouble: BotError | None = None
        for space in self._spaces.active_spaces(since, MOST_SPACES):
            looked += 1
            try:
                found += self._look_into(space, away, since)
            except BotError as error:
                if error.passing:
                    raise
                # One space that refuses must not keep the others waiting.
                log.warning("space_not_looked_into", cause=str(error))
                if not isinstance(error, WebexError) or error.status not in CLOSED:
                    trouble = error
        log.info("caught_up", since=away.since.isoformat(), spaces=looked, messages=found)
        if looked == MOST_SPACES:
            log.warning("caught_up_in_part", spaces=looked)
        if trouble is not None:
            raise trouble

    def give_up(self, key: str, sentence: str) -> None:
        """What was missed stays unanswered."""
        log.error("absence_not_made_up_for", absence=key, sentence=sentence)

    def _look_into(self, space: Space, away: presence.Absence, since: datetime) -> int:
        """Make events of what was missed in one space; gives how many."""
        messages = self._spaces.written_to_bot(space)
        missed = [one for one in messages if self._is_missed(one, since)]
        if not missed:
            return 0
        if away.noticeable:
            self._say_so(space, away)
        with self._store.begin() as tx:
            for message in sorted(missed, key=lambda one: one.created or datetime.min.replace(tzinfo=UTC)):
                event = Event("messages", "created", message.id, space.id, space.kind, message.person_id)
                event_id = events.record(tx, event, message.created or self._now())
                if event_id is not None:
                    self._queue.put(tx, tasks.EVENT, str(event_id), lock=space.id)
        return len(missed)

    def _say_so(self, space: Space, away: presence.Absence) -> None:
        """A courtesy: where it cannot be said, what was missed is answered all the same."""
        target = Target(room_id=space.id, direct=space.kind == DIRECT)
        try:
            self._outbox.say(f"away:{away.key}:{space.id}", target, away.sentence)
        except BotError as error:
            if error.passing and not isinstance(error, Unsure):
                raise
            log.info("absence_not_said", cause=str(error))

    def _is_missed(self, message: Message, since: datetime) -> bool:
        if message.person_id == self._bot_id() or message.created is None or message.created < since:
            return False
        with self._store.read() as tx:
            return not events.is_known(tx, "messages", "created", message.id)
