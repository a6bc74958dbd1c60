"""Find messages for which no webhook came, and have them answered like any other.

Webex documents no second delivery of a webhook, so what was written while the web process was down, or could not be
reached, would never be answered. At the start, every ten minutes (a bot that can't be reached from outside doesn't know
it) and whenever asked, the bot's 1:1 spaces and its mentions in group spaces are listed since ``caught_up_until``. What
is found becomes an event under the very key that a webhook would have used: what was answered isn't answered again, and
a late webhook is the same event. What was written before the bot first ran on its database is never looked for: another
one may hold the answers. Presses of buttons can't be listed: they are lost, the card is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import events, heartbeats, key_values
from bot.db import messages as message_rows
from bot.db.events import Event
from bot.db.heartbeats import LONGEST, NOTICEABLE, Downtime
from bot.errors import BotError, WebexError
from bot.messages.alerts import MISSED_MESSAGES, WEBHOOKS_ARRIVE, away
from bot.ops.alerts import Check
from bot.ops.catch_up_job import EVERY
from bot.outbox import Unsure
from bot.queue import tasks
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import DIRECT, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.database import Database
    from bot.services import Services
    from bot.webex.types import Message, Space

log = structlog.get_logger(__name__)

MARGIN: Final = timedelta(minutes=15)
"""What clocks may differ, and what was on its way at the mark."""
MOST_SPACES: Final = 1000
"""Spaces looked into at once, those that were active last first."""
RETRY_SPACE_FOR: Final = timedelta(hours=1)
"""How long a space that Webex refuses is tried."""
ON_ITS_WAY: Final = timedelta(minutes=1)
"""How old a message must be before its webhook counts as missing."""
MISSED: Final = "missed_messages"
"""Stored while the last look has found messages for which no webhook came."""


@dataclass(slots=True)
class Progress:
    """How far a look has come, over all its tries by this worker."""

    began: datetime
    mark: datetime | None
    """The mark as it was stored then: when it has changed, another worker has ended the look."""
    done: dict[str, datetime | None] = field(default_factory=dict)
    """The last activity of each space when it was looked into."""
    missed: bool = False
    """Messages were found that are older than their webhook would take."""


class CatchUp:
    """The task that looks for messages."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = services.database
        self._progress: Progress | None = None

    def run(self, _key: str) -> None:
        """Look into every space that was active since the mark. Raises ``WebexError``, which is passing."""
        now = self._services.now()
        with self._database.read() as tx:
            mark = stored = heartbeats.caught_up_until(tx)
            known = heartbeats.downtime(tx)
            first = heartbeats.first_started(tx, now)
        oldest = now - LONGEST
        if mark is not None and mark > now:  # the clock was set back
            mark = None
        since = max(mark - MARGIN if mark else oldest, oldest, first or oldest)
        try:
            spaces = self._services.chat.active_spaces(since, MOST_SPACES)
            progress = self._progress
            if progress is None or progress.mark != stored:
                progress = Progress(now, stored)
            self._progress = progress
            downtime = known
            if mark is not None and progress.began - mark > EVERY + NOTICEABLE and not (known and known.noticeable):
                downtime = Downtime(mark, progress.began)  # Webex could not be asked for so long
            failed = self._look_everywhere(spaces, downtime, since, progress)
        except WebexError as error:
            error.passing = True  # nobody else looks for these messages
            raise
        if failed is not None and now - progress.began < RETRY_SPACE_FOR:
            failed.passing = True
            raise failed
        with self._database.begin() as tx:
            heartbeats.caught_up(tx, now, known)
            if downtime is None:
                key_values.set(tx, MISSED, "", now) if progress.missed else key_values.delete(tx, MISSED)
        self._progress = None

    def on_failure(self, _key: str, sentence: str) -> None:
        """Log it: the next look begins at the same mark."""
        self._progress = None
        log.error("catch_up_failed", sentence=sentence)

    def _look_everywhere(
        self, spaces: Sequence[Space], downtime: Downtime | None, since: datetime, progress: Progress
    ) -> WebexError | None:
        """Return how a space could not be looked into, if one could not."""
        failed, found = None, 0
        for space in spaces:
            if space.last_activity is not None and progress.done.get(space.id) == space.last_activity:
                continue
            try:
                missed = self._look_into(space, downtime, since)
            except WebexError as error:
                if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise  # the others would meet the same
                # One space that Webex refuses must not keep the others waiting.
                log.warning("space_not_caught_up", cause=str(error))
                if error.status not in SPACE_CLOSED:
                    failed = error
                continue
            found += len(missed)
            expected = progress.began - ON_ITS_WAY
            progress.missed |= any(one.created is not None and one.created < expected for one in missed)
            progress.done[space.id] = space.last_activity
        if found or downtime is not None:
            log.info("caught_up", since=since.isoformat(), spaces=len(spaces), messages=found)
        if len(spaces) == MOST_SPACES:
            log.warning("caught_up_in_part", spaces=len(spaces))
        return failed

    def _look_into(self, space: Space, downtime: Downtime | None, since: datetime) -> list[Message]:
        """Make events of what was missed in one space, and return it."""
        messages = self._services.chat.written_to_bot(space, since)
        missed = [one for one in messages if self._is_missed(one, since)]
        if not missed:
            return []
        if downtime is not None and downtime.noticeable:
            self._announce(space, downtime)
        missed.sort(key=lambda one: one.created or datetime.min.replace(tzinfo=UTC))
        received = [
            (
                Event("messages", "created", message.id, space.id, space.kind, message.person_id),
                message.created or self._services.now(),
            )
            for message in missed
        ]
        with self._database.begin() as tx:
            for event, at in received:
                event_id = events.record(tx, event, at)
                if event_id is not None:
                    self._services.queue.put(tx, tasks.EVENT, str(event_id), lock=event.lock, person=event.person_key)
        return missed

    def _announce(self, space: Space, downtime: Downtime) -> None:
        """Tell of the downtime; where that isn't possible, what was missed is answered all the same."""
        key = f"away:{downtime.since.timestamp():.0f}:{space.id}"
        target = Target(room_id=space.id, direct=space.kind == DIRECT)
        try:
            self._services.outbox.send(key, target, away(downtime.since, downtime.until, LONGEST))
        except BotError as error:
            if error.passing and not isinstance(error, Unsure):
                raise
            log.info("downtime_not_announced", cause=str(error))

    def _is_missed(self, message: Message, since: datetime) -> bool:
        ours = self._services.identity.person().goes_by(message.person_id, message.person_email)
        if ours or message.created is None or message.created < since:
            return False
        with self._database.read() as tx:
            known = events.is_known(tx, "messages", "created", message.id)
            return not known and message_rows.by_message(tx, message.id) is None


def missed_messages(database: Database) -> Check:
    """Return the check whether webhooks arrive for what is written to the bot."""

    def look() -> str | None:
        with database.read() as tx:
            return MISSED_MESSAGES if key_values.updated_at(tx, MISSED) is not None else None

    return Check("missed_messages", look, WEBHOOKS_ARRIVE)
