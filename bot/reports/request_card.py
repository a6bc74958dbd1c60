"""What ``reports/`` asks of the card that stands for a request; ``chat/living.py`` makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.db.requests import Delivery
    from bot.webex.report import Report
    from bot.webex.types import Card


class RequestCard(Protocol):
    """The one card of a request, which follows it. Who calls has just asked policy."""

    def found(self, delivery: Delivery, report: Report) -> None:
        """Have the card say that the report is done and its file follows. Never raises; again is harmless."""
        ...

    def delivered(self, delivery: Delivery, report: Report) -> None:
        """The file is there: a card that could not be made to say so goes. Never raises; again is harmless."""
        ...

    def ending(self, delivery: Delivery, sentence: str) -> Card | None:
        """Make the card that says how it ended, to take the place of the one there; None: the sentence alone does.

        Raises ``DatabaseUnavailable``, and ``WebexError`` that will pass.
        """
        ...

    def ended(self, delivery: Delivery, key: str) -> None:
        """Take the card back, since what was said under ``key`` tells the end. Never raises; again is harmless."""
        ...
