"""``reportbot manifest plan`` and ``apply``: compare the manifest with Webex, and make Webex match it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot import manifest
from bot.app import now, open_database
from bot.db import heartbeats
from bot.db.migrations import Migration
from bot.errors import SettingsError, WebexError
from bot.manifest import Kind
from bot.webex.chat import Chat
from bot.webex.tokens import StaticToken
from bot.webex.webhooks import BotWebhooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.manifest import Change, Manifest
    from bot.settings import Settings

    Say = Callable[[str], None]

log = structlog.get_logger(__name__)

ADDRESS_MISSING: Final = "PUBLIC_URL is not set (the https address where Webex reaches the bot)."


def target_of(settings: Settings, wanted: Manifest) -> str | None:
    """Return the address that Webex is to call, or None without ``PUBLIC_URL``."""
    return f"{settings.public_url}{wanted.path}" if settings.public_url else None


def differences(settings: Settings, wanted: Manifest, target: str, webhooks: BotWebhooks) -> list[Change]:
    """Return what ``apply`` would do now; raises ``WebexError``."""
    return manifest.plan(wanted, target, settings.webex_webhook_secret[0].get_secret_value(), webhooks.all())


def plan(settings: Settings, say: Say) -> int:
    """Show what ``apply`` would change, and the scopes that the admin token needs; return 0."""
    wanted = manifest.read()
    chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()))
    try:
        name = chat.me().display_name
        say(f"The bot's name is {name}." + _remark(name, wanted))
        target = target_of(settings, wanted)
        if target is None:
            say(f"{ADDRESS_MISSING} Without it, webhooks are not compared.")
        else:
            changes = differences(settings, wanted, target, BotWebhooks(chat))
            _say_changes(changes, target, say)
    finally:
        chat.close()
    say("The admin token needs these scopes:")
    for one in wanted.scopes:
        where = f" [{one.family} reports]" if one.family else ""
        say(f"  {one.scope}{where}: {one.why}. Role: {one.role}.")
    return 0


def _say_changes(changes: list[Change], target: str, say: Say) -> None:
    if not changes:
        say(f"Webhooks to {target}: Up to date.")
        return
    say(f"Pending changes for {target}:")
    for change in changes:
        say(_line(change))


def apply(settings: Settings, say: Say) -> int:
    """Migrate the database, then make the changes in Webex; return 0, or 1 when one of them failed.

    Raises ``SettingsError`` without ``PUBLIC_URL``, ``DatabaseUnavailable``, and ``WebexError`` when Webex is down.
    """
    wanted = manifest.read()
    target = target_of(settings, wanted)
    if target is None:
        raise SettingsError([ADDRESS_MISSING])
    database = open_database(settings)
    try:
        Migration(database)()
        with database.begin() as tx:
            heartbeats.begin(tx, now())
    finally:
        database.close()
    say("Database schema is up to date.")
    chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()))
    try:
        remark = _remark(chat.me().display_name, wanted)
        if remark:
            say(remark.strip())
        webhooks = BotWebhooks(chat)
        changes = differences(settings, wanted, target, webhooks)
        secret = settings.webex_webhook_secret[0].get_secret_value()
        failed = {failure.change: failure for failure in webhooks.apply(changes, target, secret)}
    finally:
        chat.close()
    for change in changes:
        say(_line(change) + (f" FAILED: {failed[change].sentence}" if change in failed else ""))
    if failed:
        return 1
    say(f"Webhooks to {target}: Up to date.")
    return 0


def register_first(settings: Settings, wanted: Manifest) -> bool:
    """Create the webhooks of a bot that has none yet, and log which. Return False when Webex must be asked again.

    Where there are any, nothing is changed: another installation may use the same bot.
    """
    target = target_of(settings, wanted)
    if target is None:
        log.warning("no_webhooks", advice=f"{ADDRESS_MISSING} Set it and restart: without it, nobody gets an answer.")
        return True
    chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()))
    try:
        webhooks = BotWebhooks(chat)
        changes = differences(settings, wanted, target, webhooks)
        if any(change.kind is not Kind.CREATE for change in changes) or len(changes) < len(wanted.webhooks):
            if any(change.sure for change in changes):
                log.warning("webhooks_differ", address=target, advice="Run reportbot manifest apply.")
            return True
        secret = settings.webex_webhook_secret[0].get_secret_value()
        failed = {failure.change: failure for failure in webhooks.apply(changes, target, secret)}
    except WebexError as error:
        log.warning("webhooks_not_created", cause=str(error), advice=error.sentence, again=error.passing)
        return not error.passing
    finally:
        chat.close()
    log.info("webhooks_created", address=target, created=[one.name for one in changes if one not in failed])
    for change, failure in failed.items():
        log.warning("webhook_not_created", webhook=change.name, advice=failure.sentence)
    return True


def _line(change: Change) -> str:
    return f"  {change.kind} “{change.name}”: {change.why}."


def _remark(name: str, wanted: Manifest) -> str:
    if name == wanted.bot_name:
        return ""
    return (
        f" The manifest names it {wanted.bot_name}, and a bot can't rename itself. To make them match, change the name"
        " at https://developer.webex.com/my-apps, or in manifest/bot.yaml."
    )
