"""Look again for a message or press that a webhook has just announced and that Webex says 404 of: its lists lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.queue import RetryLater

if TYPE_CHECKING:
    from bot.db.events import Event

WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try."""
MOST_OF_ONE_PERSON: Final = 3
"""Events of one person that are tried so at once; others of theirs are tried once more."""


class NotFoundRetries:
    """Counts tries in the memory of one worker; its threads share it."""

    def __init__(self) -> None:
        self._tries: dict[int, tuple[str, int]] = {}
        """Events by their rows: their person, and the tries so far."""

    def next(self, event: Event) -> RetryLater | None:
        """Return when to try again; None when it was tried often enough."""
        person = event.person_key
        several = sum(one == person for one, _ in list(self._tries.values())) >= MOST_OF_ONE_PERSON
        _, tries = self._tries.get(event.id, (person, len(WAITS) - 1 if several else 0))
        if tries == len(WAITS):
            self.forget(event)
            return None
        self._tries[event.id] = person, tries + 1
        return RetryLater(WAITS[tries], count=False)

    def forget(self, event: Event) -> None:
        """Count no tries of an event that was found."""
        self._tries.pop(event.id, None)
