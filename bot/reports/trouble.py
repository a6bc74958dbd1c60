"""When people who wait are told that Webex has trouble, and when that ends their request. Pure but for a timer."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.reports.timers import timers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from bot.db.requests import Request

log = structlog.get_logger(__name__)

FIRST_ANSWER_PATIENCE: Final = timedelta(seconds=3)
"""How long calls may fail before a person without an answer is told; the next try comes within four seconds."""
SILENCE_PATIENCE: Final = timedelta(seconds=6)
"""How long the reports may give no answer at all before that is told."""
LEAST_SILENCE: Final = timedelta(seconds=1)
"""How long a further try may take, for a person who has waited for longer than that already."""
DELIVERY_PATIENCE: Final = timedelta(minutes=15)
"""How long a watch, or a file that is ready, may fail before that is told: a person who waits for it waits anyway."""
EXTRA_TIME: Final = timedelta(hours=6)
"""How long Webex must have had trouble before a request ends with its deadline: perhaps the bot itself was away."""
SENDING: Final = ("/messages", "/attachment")
"""In the paths of calls that send: where these fail, this cannot be told either."""


def is_told(request: Request, now: datetime) -> bool:
    """Return True when a request fails for so long that its person is told."""
    if request.failing_since is None:
        return False
    if request.found_at is None:
        return now - request.asked_at >= FIRST_ANSWER_PATIENCE
    return now - request.failing_since >= DELIVERY_PATIENCE


def ends(request: Request, now: datetime) -> bool:
    """Return True when a request fails for so long that it ends, since its deadline has passed too."""
    return (
        request.failing_since is not None and now - request.failing_since >= EXTRA_TIME and request.deadline_at <= now
    )


@contextmanager
def when_silent(call: Callable[[], object], waited: timedelta = timedelta()) -> Iterator[None]:
    """Call something when the block takes too long for a person who has waited for so long already.

    What it raises is logged: it must not look like an error of the block.
    """

    def safely() -> None:
        try:
            call()
        except Exception:
            log.exception("trouble_not_told")

    try:
        timer = timers.start(max(LEAST_SILENCE, SILENCE_PATIENCE - waited).total_seconds(), safely)
    except RuntimeError as error:  # no more threads on this machine
        log.warning("trouble_not_told", cause=str(error))
        yield
        return
    try:
        yield
    finally:
        timers.cancel(timer)  # what is being sent now must be known to anyone who deletes it
