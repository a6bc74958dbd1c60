"""Finds what people wrote and the door did not hear of, and has it answered like any other message.

Webex gives a webhook no second delivery that is documented, so what was written while the door was away, or could not
be reached, would never be answered. After each absence and each outage, and every ten minutes besides (who cannot be
reached from outside does not know it), the bot's 1:1 spaces and its mentions in group spaces are listed since the last
time. What is found becomes an event under the very key that a webhook would have used: what was answered is not
answered again, and a delivery that comes late is the same event. What was written before the bot first ran on its
database is never looked for: another one may hold the answers. Presses of buttons cannot be listed: they are lost,
the card is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot.db import events, heartbeats, key_values
from bot.db import messages as message_rows
from bot.db.events import Event
from bot.db.heartbeats import Absence
from bot.errors import BotError, WebexError
from bot.ops.alerts import Check
from bot.outbox import Unsure
from bot.queue import tasks
from bot.webex.types import DIRECT, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.database import Database, Transaction
    from bot.outbox import Outbox
    from bot.queue import Queue
    from bot.webex.chat import Chat
    from bot.webex.types import Message, Person, Space

log = structlog.get_logger(__name__)

MARGIN = timedelta(minutes=15)
"""What clocks may differ, and what was on its way when the silence began."""
MOST_SPACES = 1000
"""Spaces looked into for one absence, the latest active ones first."""
PATIENCE = timedelta(hours=1)
"""How long it is tried although Webex refuses it."""
TOO_MANY = 429
CLOSED = frozenset({403, 404})
"""How Webex answers for a space that the bot was removed from meanwhile."""
UNHEARD = "unheard"
"""The fact that holds how many messages the last regular look has found."""
ON_ITS_WAY = timedelta(minutes=1)
"""How old a message must be that is found without its event before that is held against anybody."""


@dataclass(slots=True)
class Progress:
    """How far a look has come, over all its tries."""

    began: datetime
    done: set[str] = field(default_factory=set)
    """Spaces that were looked into."""
    missed: list[Message] = field(default_factory=list)


class CatchUp:
    """The task that makes up for one absence."""

    def __init__(
        self,
        *,
        database: Database,
        queue: Queue,
        spaces: Chat,
        outbox: Outbox,
        bot: Callable[[], Person],
        now: Callable[[], datetime],
        outage: Callable[[], tuple[datetime, datetime] | None] = lambda: None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._spaces = spaces
        self._outbox = outbox
        self._bot = bot
        self._now = now
        self._outage = outage
        self._progress: dict[str, Progress] = {}

    def run(self, key: str) -> None:
        """Look into every space that was active since. Harmless when it runs again; raises ``WebexError``."""
        progress = self._progress.setdefault(key, Progress(self._now()))
        began = progress.began
        with self._database.read() as tx:
            looked = heartbeats.looked_until(tx)
            first = heartbeats.began(tx, began)
        regular = key == heartbeats.LOOK
        named = Absence(looked or began, began, told=False) if regular else heartbeats.read_key(key)
        # What was to be looked for before this, and could not be, is looked for with it.
        earliest = began - heartbeats.LONGEST
        since = max(min(named.since, looked or named.since) - MARGIN, earliest, first or earliest)
        patient = self._now() - (named.since if regular else named.until) < PATIENCE
        try:
            spaces = self._spaces.active_spaces(since, MOST_SPACES)
            # Where some spaces could be read at once, it was not the bot that was away.
            until = began if progress.done else self._now()
            away = heartbeats.unnoticed(named.since, until, self._outage()) if regular else named
            trouble = self._look_everywhere(spaces, away, since, progress)
        except WebexError as error:
            # Nobody else looks for these messages: what ends other things at once is tried again here.
            error.passing |= regular or patient
            raise
        if trouble is not None and patient:
            trouble.passing = True
            raise trouble
        with self._database.begin() as tx:
            heartbeats.note_looked(tx, began)
            if regular:
                _note_unheard(tx, [] if away.told else progress.missed, began)
        del self._progress[key]

    def _look_everywhere(
        self, spaces: Sequence[Space], away: Absence, since: datetime, progress: Progress
    ) -> BotError | None:
        """Gives how a space could not be looked into, if one could not; the next try goes on with those alone."""
        trouble: BotError | None = None
        for space in spaces:
            if space.id in progress.done:
                continue
            try:
                progress.missed += self._look_into(space, away, since)
                progress.done.add(space.id)
            except BotError as error:
                if not isinstance(error, WebexError) or error.status == TOO_MANY:
                    raise  # the others would meet the same
                # One space that does not answer must not keep the others waiting.
                log.warning("space_not_looked_into", cause=str(error))
                if error.status not in CLOSED:
                    trouble = error
        if progress.missed or away.told:
            log.info("caught_up", since=since.isoformat(), spaces=len(spaces), messages=len(progress.missed))
        if len(spaces) == MOST_SPACES:
            log.warning("caught_up_in_part", spaces=len(spaces))
        return trouble

    def on_failure(self, key: str, sentence: str) -> None:
        """What was missed stays unanswered."""
        self._progress.pop(key, None)
        log.error("absence_not_made_up_for", absence=key, sentence=sentence)

    def _look_into(self, space: Space, away: Absence, since: datetime) -> list[Message]:
        """Make events of what was missed in one space, and give it."""
        messages = self._spaces.written_to_bot(space, since)
        missed = [one for one in messages if self._is_missed(one, since)]
        if not missed:
            return []
        if away.noticeable:
            self._say_so(space, away)
        with self._database.begin() as tx:
            for message in sorted(missed, key=lambda one: one.created or datetime.min.replace(tzinfo=UTC)):
                event = Event("messages", "created", message.id, space.id, space.kind, message.person_id)
                event_id = events.record(tx, event, message.created or self._now())
                if event_id is not None:
                    self._queue.put(tx, tasks.EVENT, str(event_id), lock=event.lock, person=event.person_key)
        return missed

    def _say_so(self, space: Space, away: Absence) -> None:
        """A courtesy: where it cannot be said, what was missed is answered all the same."""
        target = Target(room_id=space.id, direct=space.kind == DIRECT)
        try:
            self._outbox.send(f"away:{away.key}:{space.id}", target, away.sentence)
        except BotError as error:
            if error.passing and not isinstance(error, Unsure):
                raise
            log.info("absence_not_said", cause=str(error))

    def _is_missed(self, message: Message, since: datetime) -> bool:
        ours = self._bot().goes_by(message.person_id, message.person_email)
        if ours or message.created is None or message.created < since:
            return False
        with self._database.read() as tx:
            known = events.is_known(tx, "messages", "created", message.id)
            return not known and message_rows.by_message(tx, message.id) is None


def _note_unheard(tx: Transaction, missed: Sequence[Message], now: datetime) -> None:
    """Keep how many messages came without an event although nobody was away."""
    number = sum(one.created is not None and one.created < now - ON_ITS_WAY for one in missed)
    if number:
        key_values.set(tx, UNHEARD, str(number), now)
    else:
        key_values.delete(tx, UNHEARD)


def unheard(database: Database) -> Check:
    """Whether Webex announces to the door what is written to the bot."""

    def look() -> str | None:
        with database.read() as tx:
            number = key_values.get(tx, UNHEARD)
        if number is None:
            return None
        said = "a message; I found it" if number == "1" else f"{number} messages; I found them"
        return (
            f"Webex did not announce {said} by looking, some minutes late, and answered. Presses of buttons cannot be "
            "found so. Check that PUBLIC_URL leads to this bot from outside (its address, certificate and proxy), and "
            "that `reportbot manifest plan` finds the webhooks as they must be."
        )

    return Check("unheard_messages", look, "Webex announces messages to me again.")
