"""Check that a rotation of the webhook secret was finished: the old one verifies events for as long as it is set."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.db import alerts, migrations
from bot.messages.alerts import FINISH_ROTATION, ONE_SECRET, TWO_SECRETS, moment
from bot.ops.alerts import Check
from bot.ops.checks import result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.db.database import Database
    from bot.settings import Settings

NAME: Final = "webhook_secrets"
LONGEST_ROTATION: Final = timedelta(days=1)


def check(settings: Settings) -> Check:
    """Return the operators' check."""
    return Check(
        NAME, lambda: TWO_SECRETS if _two_are_set(settings) else None, ONE_SECRET, pending_for=LONGEST_ROTATION
    )


def looked_up(settings: Settings, database: Database) -> Iterator[result.Check]:
    """Say in ``doctor`` that two are set, and since when if a worker has run with both."""
    if not _two_are_set(settings):
        return
    since = ""
    if migrations.current(database) == migrations.newest():
        with database.read() as tx:
            since = "".join(f" since {moment(one.since)}" for one in alerts.of_check(tx, NAME)[:1])
    yield result.Check("webhook secret", result.State.NOTE, f"two are set{since}. {FINISH_ROTATION}")


def _two_are_set(settings: Settings) -> bool:
    return len(settings.webex_webhook_secret) > 1
