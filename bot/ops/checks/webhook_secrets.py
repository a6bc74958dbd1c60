"""Checks that a rotation of the webhook secret was finished: the old one verifies events for as long as it is set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.db import key_values, migrations
from bot.ops.alerts import Check
from bot.ops.checks import result
from bot.text import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.db.database import Database
    from bot.settings import Settings

LONGEST_ROTATION: Final = timedelta(days=1)
FACT: Final = "two_webhook_secrets"
FINISH: Final = (
    "the old one still verifies webhook calls: run `reportbot manifest apply` if that wasn't done yet, then set "
    "WEBEX_WEBHOOK_SECRET to the new one alone, and start the bot again"
)


def check(settings: Settings, database: Database, now: Callable[[], datetime]) -> Check:
    """Make the operators' check; it keeps on record since when two are set, so that a restart begins nothing again."""

    def look() -> str | None:
        with database.read() as tx:
            since = key_values.updated_at(tx, FACT)
        two = _two_are_set(settings)
        if two != (since is not None):
            with database.begin() as tx:
                key_values.set(tx, FACT, "", now()) if two else key_values.delete(tx, FACT)
        if not two or since is None or now() - since <= LONGEST_ROTATION:
            return None
        return f"Two webhook secrets have been set since {utc(since)}, and {FINISH}."

    return Check("webhook_secrets", look, "One webhook secret is set, so the old one is no longer valid.")


def looked_up(settings: Settings, database: Database) -> Iterator[result.Check]:
    """Say in ``doctor`` that two are set, and since when if a worker has run with both."""
    if not _two_are_set(settings):
        return
    since = None
    if migrations.current(database) == migrations.newest():
        with database.read() as tx:
            since = key_values.updated_at(tx, FACT)
    when = f" since {utc(since)}" if since else ""
    yield result.Check("webhook secret", result.State.NOTE, f"two are set{when}, and {FINISH}")


def _two_are_set(settings: Settings) -> bool:
    return len(settings.webex_webhook_secret) > 1
