"""Look again for a message or press that a webhook has just announced and that Webex says 404 of: its lists lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bot.queue import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.events import Event

WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try."""
MOST_OF_ONE_PERSON: Final = 3
"""Events of one person that are tried so at once; others of theirs are tried once more."""
FORGOTTEN_AFTER: Final = 60.0
"""Seconds after an event's last try here: by then another worker has found it, or given it up."""


class Tried(NamedTuple):
    """What was tried of one event."""

    person: str
    tries: int
    last: float
    """When it was tried last, by the monotonic clock."""


class NotFoundRetries:
    """Counts tries in the memory of one worker; its threads share it. ``monotonic``: a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tried: dict[int, Tried] = {}
        """By the rows of events."""

    def next(self, event: Event) -> RetryLater | None:
        """Return when to try again; None when it was tried often enough."""
        now, person = self._monotonic(), event.person_key
        for row, one in list(self._tried.items()):
            if row != event.id and now - one.last > FORGOTTEN_AFTER:
                self._tried.pop(row, None)
        several = sum(one.person == person for one in list(self._tried.values())) >= MOST_OF_ONE_PERSON
        first = len(WAITS) - 1 if several else 0
        tries = self._tried.get(event.id, Tried(person, first, now)).tries
        if tries == len(WAITS):
            self.forget(event)
            return None
        self._tried[event.id] = Tried(person, tries + 1, now)
        return RetryLater(WAITS[tries], count=False)

    def forget(self, event: Event) -> None:
        """Count no tries of an event that was found."""
        self._tried.pop(event.id, None)
