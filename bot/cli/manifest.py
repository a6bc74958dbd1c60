"""``reportbot manifest plan`` and ``apply``: the manifest against the real Webex, told in lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot import manifest
from bot.app import Migration, now, open_database
from bot.db import heartbeats
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

ADDRESS_MISSING: Final = "PUBLIC_URL is missing; set it to the https address where Webex reaches the bot"


def target_of(settings: Settings, wanted: Manifest) -> str | None:
    """The address that Webex is to call, or None without ``PUBLIC_URL``."""
    return f"{settings.public_url}{wanted.path}" if settings.public_url else None


def differences(settings: Settings, wanted: Manifest, target: str, webhooks: BotWebhooks) -> list[Change]:
    """What ``apply`` would do now; raises ``WebexError``."""
    return manifest.plan(wanted, target, settings.webex_webhook_secret[0].get_secret_value(), webhooks.all())


def plan(settings: Settings, say: Say) -> int:
    """Show the difference between wanted and actual, change nothing; 0 unless Webex does not answer."""
    wanted = manifest.read()
    chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()))
    try:
        name = chat.me().display_name
        say(f"The bot is called {name}." + _remark(name, wanted))
        target = target_of(settings, wanted)
        if target is None:
            say(f"{ADDRESS_MISSING}; until then webhooks are not compared.")
        else:
            changes = differences(settings, wanted, target, BotWebhooks(chat))
            say(f"Webhooks to {target}: " + ("this is what apply would do:" if changes else "all as wanted."))
            for change in changes:
                say(_line(change))
    finally:
        chat.close()
    say("The admin token needs these scopes:")
    for one in wanted.scopes:
        where = f" [{one.family} reports]" if one.family else ""
        say(f"  {one.scope}{where}: {one.why}. Given by: {one.role}.")
    return 0


def apply(settings: Settings, say: Say) -> int:
    """Migrate the database, then make Webex's side as wanted; 0 when all is, 1 when something could not be done.

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
            heartbeats.expect(tx, now())
    finally:
        database.close()
    say("The database is as this version needs it.")
    chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()))
    try:
        remark = _remark(chat.me().display_name, wanted)
        if remark:
            say(remark.strip())
        webhooks = BotWebhooks(chat)
        changes = differences(settings, wanted, target, webhooks)
        secret = settings.webex_webhook_secret[0].get_secret_value()
        failed = {failure.change: failure for failure in manifest.apply(changes, target, secret, webhooks)}
    finally:
        chat.close()
    for change in changes:
        say(_line(change) + (f" FAILED: {failed[change].sentence}" if change in failed else ""))
    if failed:
        return 1
    say(f"The webhooks to {target} are as wanted.")
    return 0


def register_first(settings: Settings, wanted: Manifest) -> bool:
    """Create the webhooks of a bot that has none yet; the log says which. False when Webex must be asked again.

    Where there are any, nothing is changed: another installation may use the same bot.
    """
    target = target_of(settings, wanted)
    if target is None:
        log.warning("no_webhooks", advice=f"{ADDRESS_MISSING}, and start again: until then nobody gets an answer.")
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
        failed = {failure.change: failure for failure in manifest.apply(changes, target, secret, webhooks)}
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
        f" The manifest calls it {wanted.bot_name}; a bot cannot rename itself: change the name at"
        " https://developer.webex.com/my-apps, or in manifest/bot.yaml, if that is not meant."
    )
