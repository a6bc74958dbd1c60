"""``reportbot doctor``: one line for each thing that must be right, with the remedy where it is not."""

from __future__ import annotations

import contextlib
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from bot import manifest
from bot.access.authorizer import Authorizer
from bot.access.rules import rules
from bot.app import admin_token, now, open_database, partner_role
from bot.cli.manifest import ADDRESS_MISSING, differences, target_of
from bot.db import heartbeats, migrations
from bot.errors import UNREADABLE, Refused, SettingsError, WebexError
from bot.manifest import Kind
from bot.messages.alerts import ADMIN_TOKEN_EXPIRES, OWNER_NOT_SHOWN
from bot.ops.checks import allowed, data_dir, family_lists, person, public_address, webhook_secrets
from bot.ops.checks.result import Check, State, checked
from bot.ops.checks.tokens import (
    admin_token_problem,
    bot_token_problem,
    problem_without_owner,
    refresh_problem,
    roles_problem,
)
from bot.settings import secret_key
from bot.text import utc
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.ids import readable_tail, same_id
from bot.webex.people import Directory
from bot.webex.reports_api import ReportsApi
from bot.webex.session import Timeouts
from bot.webex.tokens import RefreshableToken, StaticToken
from bot.webex.webhooks import BotWebhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.db.database import Database
    from bot.manifest import Manifest
    from bot.settings import Settings
    from bot.webex.http import TokenSource

NOT_ANSWERED: Final = "what was written to the bot before {before} isn't answered"
FORBIDDEN: Final = 403
REFUSED: Final = frozenset({401, FORBIDDEN})
PATIENCE: Final = (5.0, 15.0)
"""Seconds to connect, and to wait for the next bytes: anyone who waits is a person."""
TRACKING: Final = re.compile(r" Webex tracking id: \S+")
NO_SUCH_PATH: Final = frozenset({404, 405})


def examine(settings: Settings) -> Iterator[Check]:
    """Make the checks one after the other, each with a line of its own even when those before it failed."""
    yield Check("settings", State.OK, "complete")
    for remark in settings.remarks():
        yield Check("settings", State.NOTE, remark)
    wanted = manifest.read()
    with contextlib.ExitStack() as open_things:
        database = open_database(settings)
        open_things.callback(database.close)
        yield checked("database", lambda: _database(settings, database))
        yield from data_dir.looked_up(settings)
        yield from webhook_secrets.looked_up(settings, database)
        bots_token = StaticToken(settings.webex_bot_token.get_secret_value())
        chat = Chat(settings.webex_api_url, bots_token, timeouts=Timeouts(*PATIENCE))
        open_things.callback(chat.close)
        webex = checked("Webex", lambda: _webex(settings, chat))
        yield webex
        if webex.state is State.FAILED:
            yield Check("not looked at", State.NOTE, "tokens, roles, reports, webhooks: once Webex answers")
            yield from public_address.looked_up(settings, database, target_of(settings, wanted), now())
            return
        yield checked("bot token", lambda: _bot(chat))
        token = admin_token(settings, database)
        admin = Client(settings.webex_api_url, token, timeouts=Timeouts(*PATIENCE))
        open_things.callback(admin.close)
        directory = Directory(admin, our_org=settings.webex_org_id)
        yield checked("admin token", lambda: _admin(directory, admin, token, _bot_id(chat)))
        yield checked("roles", lambda: _roles(directory, _bot_id(chat), refreshable=settings.refreshable))
        yield from family_lists.listed(settings, admin, wanted)
        proven = partner_role(directory, ReportsApi(admin))
        yield from allowed.looked_up(settings, directory, admin, chat, proven)
        yield checked("webhooks", lambda: _webhooks(settings, chat, wanted))
        yield from public_address.looked_up(settings, database, target_of(settings, wanted), now())


def examine_person(settings: Settings, email: str) -> Iterator[Check]:
    """Check what one person may have, and why."""
    with contextlib.ExitStack() as open_things:
        database = open_database(settings)
        open_things.callback(database.close)
        bots_token = StaticToken(settings.webex_bot_token.get_secret_value())
        chat = Chat(settings.webex_api_url, bots_token, timeouts=Timeouts(*PATIENCE))
        open_things.callback(chat.close)
        admin = Client(settings.webex_api_url, admin_token(settings, database), timeouts=Timeouts(*PATIENCE))
        open_things.callback(admin.close)
        directory = Directory(admin, our_org=settings.webex_org_id)
        proven = partner_role(directory, ReportsApi(admin))
        guard = Authorizer(directory, chat, chat.me, partial(rules, settings), proven)
        yield from person.looked_up(email, directory, guard)


def run(settings: Settings, say: Callable[[str], None], email: str | None = None) -> int:
    """Say each check as it is made, of the whole program or of one person; 0 when none failed, else 1."""
    failed = False
    said: dict[str, str] = {}
    for check in examine(settings) if email is None else examine_person(settings, email):
        found = check.found
        words = TRACKING.sub("", found)  # another one with each call
        if check.state is State.FAILED and (before := said.setdefault(words, check.what)) != check.what:
            found = f"as “{before}” above"  # with a token that is refused, several say the same
        say(f"{check.state:<6}  {check.what}: {found}")
        failed = failed or check.state is State.FAILED
    return 1 if failed else 0


def _database(settings: Settings, database: Database) -> tuple[State, str]:
    try:
        secret_key(settings)
    except SettingsError as error:
        return State.FAILED, error.sentence
    found = migrations.current(database)
    if found == migrations.newest():
        return State.OK, f"reachable and up to date{_beginning(database)}"
    if found is None and settings.refreshable:
        migrations.upgrade(database)  # each refresh brings a new refresh token, which must be kept or it is lost
        made = "it was empty: made just now, because the admin token's refresh token is kept in it"
        return State.OK, f"{made}{_beginning(database)}"
    how = "empty" if found is None else "of another version"
    said = f"reachable, but {how}: reportbot manifest apply migrates it, and so do web and worker"
    return State.NOTE, f"{said}; {NOT_ANSWERED.format(before='its first start')}" if found is None else said


def _beginning(database: Database) -> str:
    """Say from when on messages are answered, for as long as catching up could reach back to before that."""
    moment = now()
    with database.read() as tx:
        unused, began = heartbeats.is_unused(tx), heartbeats.first_started(tx, moment)
    if unused and began is None:
        return f"; {NOT_ANSWERED.format(before='its first start')}"
    if began is None or moment - began > heartbeats.LONGEST:
        return ""
    return f"; {NOT_ANSWERED.format(before=f'{utc(began)}, when the bot first ran on it,')}"


def _webex(settings: Settings, chat: Chat) -> tuple[State, str]:
    """Whether Webex answers at all, whatever it says of the token."""
    try:
        chat.me()
    except WebexError as error:
        if error.status in NO_SUCH_PATH or error.message == UNREADABLE:
            wrong = f"what answers at {settings.webex_api_url} isn't Webex's API: correct WEBEX_API_URL, or remove it"
            return State.FAILED, wrong
        if error.status is None:
            raise
        if not (error.message or error.tracking_id or error.passing):
            return State.FAILED, (
                f"something on the way answers ({error.status}) in Webex's place, since Webex gives a reason and a "
                "tracking id: look at this machine's proxy and firewall, and at WEBEX_API_URL"
            )
    return State.OK, f"answers at {settings.webex_api_url}"


def _bot(chat: Chat) -> tuple[State, str]:
    try:
        me = chat.me()
    except WebexError as error:
        if error.status in REFUSED:
            return State.FAILED, "Webex does not accept WEBEX_BOT_TOKEN; make a new one at developer.webex.com/my-apps"
        raise
    wrong = bot_token_problem(me)
    if wrong is not None:
        return State.FAILED, f"{me.display_name}: {wrong}"
    return State.OK, f"{me.display_name} ({', '.join(me.emails)})"


def _bot_id(chat: Chat) -> str | None:
    with contextlib.suppress(WebexError):  # the check before has said it
        return chat.me().id
    return None


def _admin(directory: Directory, client: Client, admin: TokenSource, bot_id: str | None) -> tuple[State, str]:
    try:
        me = directory.me()
    except WebexError as error:
        if error.status == FORBIDDEN:
            return _without_me(directory)
        if error.status in REFUSED:
            general = "Webex does not accept the admin token for people/me; renew it, with the scopes below"
            return State.FAILED, error.in_full if error.advice else general
        raise
    if not same_id(me.org_id, directory.our_org()):
        return State.FAILED, f"WEBEX_ORG_ID isn't the organization of the admin token, which is {me.org_id}: remove it"
    refreshing = admin if isinstance(admin, RefreshableToken) else None
    wrong = admin_token_problem(me, bot_id, refreshable=refreshing is not None)
    if wrong is not None:
        return State.FAILED, f"{me.display_name}: {wrong}"
    org = allowed.shown_organization(client, me.org_id)
    whose = f"{me.display_name}, a {me.kind or 'person or bot'} of the organization {org}"
    if refreshing is None:
        return State.OK, f"{whose}. {ADMIN_TOKEN_EXPIRES}"
    near = refresh_problem(refreshing.refresh_ends_at(), time.time())
    return (State.OK, whose) if near is None else (State.NOTE, f"{whose}; {near}")


def _without_me(directory: Directory) -> tuple[State, str]:
    """Whether ``WEBEX_ORG_ID`` tells what Webex does not."""
    try:
        return (
            State.NOTE,
            f"Webex doesn't tell whose it is (spark:people_read); of {directory.our_org()} (WEBEX_ORG_ID)",
        )
    except Refused:
        return State.FAILED, OWNER_NOT_SHOWN


def _roles(directory: Directory, bot_id: str | None, *, refreshable: bool) -> tuple[State, str]:
    """Whether people's roles can be seen: without them nobody is an administrator, so nobody gets a report."""
    try:
        me = directory.me()
    except WebexError as error:
        if error.status != FORBIDDEN:
            raise
        unseen = problem_without_owner(directory, bot_id) if bot_id else OWNER_NOT_SHOWN
        return (State.FAILED, unseen) if unseen else (State.OK, "can be seen")
    trouble = roles_problem(directory, me, refreshable=refreshable)
    if trouble is not None:
        return State.FAILED, trouble
    seen: list[str] = []
    with contextlib.suppress(Refused):  # a Service App's account may show none
        seen = sorted({role.name or readable_tail(role.id) for role in directory.roles_of(me.id).roles} - {""})
    return State.OK, f"can be seen; the admin token's own: {', '.join(seen) or 'none shown'}"


def _webhooks(settings: Settings, chat: Chat, wanted: Manifest) -> tuple[State, str]:
    target = target_of(settings, wanted)
    if target is None:
        return State.NEXT, f"{ADDRESS_MISSING} Without it, webhooks are not compared"
    changes = [change for change in differences(settings, wanted, target, BotWebhooks(chat)) if change.sure]
    if not changes:
        return State.OK, f"as wanted, to {target}"
    what = "; ".join(f"{change.kind} “{change.name}” ({change.why})" for change in changes)
    if len(changes) == len(wanted.webhooks) and all(change.kind is Kind.CREATE for change in changes):
        return State.NEXT, f"none is there yet: run reportbot manifest apply (serve does so by itself). It would {what}"
    return State.FAILED, f"differ: run reportbot manifest apply. It would {what}"
