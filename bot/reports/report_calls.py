"""Bound how many calls to Webex's reports people wait for at once, so that reports that hang leave room for others."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.errors import Refused, WebexError
from bot.messages.refusals import may_not_write
from bot.reports.trouble import when_silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.services import Services

LONGEST_WAIT: Final = 1.0
"""Seconds for which a thread waits for a slot; then its job comes again."""
NO_WAIT: Final = timedelta()


@contextmanager
def report_call(services: Services, when_slow: Callable[[], object], waited: timedelta = NO_WAIT) -> Iterator[None]:
    """Limit calls for a person, and call ``when_slow`` when they get no answer for too long.

    Raises ``WebexError`` that passes where too many are being made.
    """
    if not services.report_slots.acquire(timeout=LONGEST_WAIT):
        raise WebexError("GET /reports", None, message="others wait for Webex's reports", reached=False)
    try:
        with when_silent(when_slow, waited):
            yield
    finally:
        services.report_slots.release()


@contextmanager
def write_call(family: str) -> Iterator[None]:
    """Translate the 403 of a call that creates or deletes a report: it tells what the admin token lacks for that.

    Raises ``Refused``.
    """
    try:
        yield
    except WebexError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        sentence, details = may_not_write(family, error.tracking_id)
        raise Refused(sentence, reason="webex_403", details=details) from error
