"""``reportbot doctor``: one line for each thing that must be right, with the remedy where it is not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot import manifest, migrations
from bot.errors import BotError, SettingsError, WebexError
from bot.manifest_command import ADDRESS_MISSING, BotWebhooks, differences, target_of
from bot.reports.model import Family
from bot.settings import secret_key
from bot.webex import shapes
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.directory import Directory
from bot.webex.reports import ReportsApi
from bot.webex.tokens import StaticToken
from bot.wiring import admin_token, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.manifest import Manifest
    from bot.settings import Settings
    from bot.store import Store

REFUSED: Final = frozenset({401, 403})


class State(StrEnum):
    """How a check came out; only ``FAILED`` makes the exit code 1."""

    OK = "ok"
    NOTE = "note"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Check:
    """One line."""

    what: str
    state: State
    found: str


def examine(settings: Settings) -> Iterator[Check]:
    """Make the checks one after the other, each with a line of its own even when those before it failed."""
    yield Check("settings", State.OK, "complete")
    for remark in settings.remarks():
        yield Check("settings", State.NOTE, remark)
    wanted = manifest.read()
    with contextlib.ExitStack() as open_things:
        store = open_store(settings)
        open_things.callback(store.close)
        yield _checked("database", lambda: _database(settings, store))
        chat = Chat(settings.webex_api_url, StaticToken(settings.webex_bot_token.get_secret_value()))
        open_things.callback(chat.close)
        yield _checked("bot token", lambda: _bot(chat))
        admin = Client(settings.webex_api_url, admin_token(settings, store))
        open_things.callback(admin.close)
        yield _checked("admin token", lambda: _admin(admin))
        yield _checked("roles", lambda: _roles(admin))
        yield from _families(settings, admin, wanted)
        yield _checked("webhooks", lambda: _webhooks(settings, chat, wanted))


def run(settings: Settings, say: Callable[[str], None]) -> int:
    """Say each check as it is made; 0 when none failed, else 1."""
    failed = False
    for check in examine(settings):
        say(f"{check.state:<6}  {check.what}: {check.found}")
        failed = failed or check.state is State.FAILED
    return 1 if failed else 0


def _checked(what: str, look: Callable[[], tuple[State, str]]) -> Check:
    try:
        return Check(what, *look())
    except BotError as error:
        return Check(what, State.FAILED, error.sentence)


def _database(settings: Settings, store: Store) -> tuple[State, str]:
    try:
        secret_key(settings)
    except SettingsError as error:
        return State.FAILED, error.sentence
    found = migrations.current(store)
    if found == migrations.newest():
        return State.OK, "reachable and up to date"
    how = "empty" if found is None else "of another version"
    return State.NOTE, f"reachable, but {how}: reportbot manifest apply migrates it, and so do web and worker"


def _bot(chat: Chat) -> tuple[State, str]:
    try:
        me = chat.me()
    except WebexError as error:
        if error.status in REFUSED:
            return State.FAILED, "Webex does not accept WEBEX_BOT_TOKEN; make a new one at developer.webex.com/my-apps"
        raise
    if me.kind != "bot":
        return State.FAILED, f"WEBEX_BOT_TOKEN belongs to {me.display_name}, a {me.kind}; it must be a bot's token"
    return State.OK, f"{me.display_name} ({', '.join(me.emails)})"


def _admin(admin: Client) -> tuple[State, str]:
    try:
        answer = admin.call("GET", "people/me")
        me = shapes.person(answer.json)
    except shapes.ShapeError:
        return State.FAILED, "Webex gave an answer that cannot be read"
    except WebexError as error:
        if error.status in REFUSED:
            return State.FAILED, "Webex does not accept the admin token for people/me; renew it, with the scopes below"
        raise
    if me.kind == "bot":
        return State.FAILED, f"it belongs to the bot {me.display_name}; a bot's token has no admin rights"
    return State.OK, f"{me.display_name}, a {me.kind} of the organisation {me.org_id}"


def _roles(admin: Client) -> tuple[State, str]:
    """Whether people's roles can be seen: without them nobody is an administrator, so nobody gets a report."""
    directory = Directory(admin)
    me = shapes.person(admin.call("GET", "people/me").json)
    seen = sorted(directory.roles_of(me.id).roles)
    if not seen:
        return State.FAILED, "the admin token shows no roles, not even its own; it needs spark-admin:people_read"
    return State.OK, f"can be seen; the admin token's own: {', '.join(role for role in seen if len(role) < 60)}"  # noqa: PLR2004


def _families(settings: Settings, admin: Client, wanted: Manifest) -> Iterator[Check]:
    """Ask each family for its list. One that is refused is no failure when another answers."""
    api = ReportsApi(admin)
    refused: list[Check] = []
    answered = False
    for family in settings.report_families:
        what = f"{family} reports"
        try:
            yield Check(what, State.OK, f"can be listed: {len(api.list(Family(family)))}")
            answered = True
        except WebexError as error:
            if error.status not in REFUSED:
                yield Check(what, State.FAILED, error.sentence)
                continue
            needs = [one for one in wanted.scopes if one.family == family]
            scopes, roles = " and ".join(one.scope for one in needs), " / ".join(sorted({one.role for one in needs}))
            refused.append(Check(what, State.FAILED, f"refused ({error.status}): needs {scopes}, given by: {roles}"))
        except BotError as error:
            yield Check(what, State.FAILED, error.sentence)
    for check in refused:
        if answered:
            yield Check(check.what, State.NOTE, f"{check.found}; if that is not meant, leave it out of REPORT_FAMILIES")
        else:
            yield check


def _webhooks(settings: Settings, chat: Chat, wanted: Manifest) -> tuple[State, str]:
    target = target_of(settings, wanted)
    if target is None:
        return State.NOTE, f"{ADDRESS_MISSING}; until then webhooks are not compared"
    changes = [change for change in differences(settings, wanted, target, BotWebhooks(chat)) if change.sure]
    if not changes:
        return State.OK, f"as wanted, to {target}"
    what = "; ".join(f"{change.kind} “{change.name}” ({change.why})" for change in changes)
    return State.FAILED, f"differ: run reportbot manifest apply. It would {what}"
