"""Check that a rotation of the webhook secret was finished: the old one verifies events for as long as it is set."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.db import alerts, migrations
from bot.messages.alerts import FINISH_ROTATION, ONE_SECRET, TWO_SECRETS
from bot.ops.alerts import Check
from bot.ops.checks.doctor_line import Result, State
from bot.text import when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ops.checks.doctor_line import Setup
    from bot.settings import Settings

NAME: Final = "webhook_secrets"
LONGEST_ROTATION: Final = timedelta(days=1)


def check(settings: Settings) -> Check:
    """Return the check."""
    return Check(
        NAME, lambda: TWO_SECRETS if _two_are_set(settings) else None, ONE_SECRET, pending_for=LONGEST_ROTATION
    )


def two_secrets(setup: Setup) -> Iterator[Result]:
    """Return for ``doctor`` that two are set, and since when if a worker has run with both."""
    if not _two_are_set(setup.settings):
        return
    since = ""
    if migrations.current(setup.database) == migrations.newest():
        with setup.database.read() as tx:
            since = "".join(f" since {when(one.since)}" for one in alerts.of_check(tx, NAME)[:1])
    yield Result("webhook secret", State.NOTE, f"two are set{since}. {FINISH_ROTATION}")


def _two_are_set(settings: Settings) -> bool:
    return len(settings.webex_webhook_secret) > 1
