"""Takes back what is not so any more and stayed because Webex had trouble: a card that waits, a line of progress.

The first try is made where it becomes untrue, and holds nothing up; this one comes by the sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.errors import WebexError

if TYPE_CHECKING:
    from bot.outbox import Outbox

log = structlog.get_logger(__name__)


class TakeBack:
    """The task for one post."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def run(self, key: str) -> None:
        """Delete it. Raises ``WebexError`` that passes; where Webex refuses it stays, and does no harm."""
        try:
            self._outbox.take_back(key)
        except WebexError as error:
            if error.passing:
                raise
            log.info("not_taken_back", cause=str(error))

    def on_failure(self, key: str, sentence: str) -> None:
        """It stays."""
        self._outbox.leave(key)
        log.warning("not_taken_back", post=key, cause=sentence)
