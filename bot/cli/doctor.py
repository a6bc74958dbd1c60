"""``reportbot doctor``: one line for each thing that must be right, with the remedy where it is not.

To add a line: write a function in ``ops/checks`` that takes a ``Setup`` and returns how it came out, name it with
``@line("name")``, and add it to one of the lists here.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from bot import manifest
from bot.access.authorizer import Authorizer
from bot.access.rules import rules
from bot.app import admin_token, now, open_database, partner_role
from bot.errors import UNREADABLE, BotError, WebexError, without_tracking_id
from bot.ops.checks import (
    allowed,
    data_dir,
    families,
    owners,
    person,
    public_address,
    token_owners,
    webhook_secrets,
    webhooks,
    worker,
)
from bot.ops.checks.doctor_line import Found, Result, Setup, State, line
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.people import Directory
from bot.webex.reports_api import ReportsApi
from bot.webex.session import Timeouts
from bot.webex.tokens import StaticToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bot.settings import Settings

TIMEOUTS: Final = (5.0, 15.0)
"""Seconds to connect, and to wait for the next bytes: a person is waiting."""
NO_SUCH_PATH: Final = frozenset({404, 405})


def settings_complete(setup: Setup) -> Iterator[Result]:
    """Return that the settings could be read, and what to know about them."""
    yield Result("settings", State.OK, "complete")
    for remark in setup.settings.remarks():
        yield Result("settings", State.NOTE, remark)


@line("Webex")
def webex(setup: Setup) -> Found:
    """Return whether Webex answers, whatever it says about the token."""
    try:
        setup.chat.me()
    except WebexError as error:
        url = setup.settings.webex_api_url
        if error.status in NO_SUCH_PATH or error.message == UNREADABLE:
            return State.FAILED, f"what answers at {url} isn't the Webex API. Correct WEBEX_API_URL, or remove it."
        if error.status is None:
            raise
        if not (error.message or error.tracking_id or error.passing):
            return State.FAILED, (
                f"something between here and Webex answers ({error.status}) in Webex's place: Webex gives a reason and "
                "a tracking ID. Check this machine's proxy and firewall, and WEBEX_API_URL."
            )
    return State.OK, f"answers at {setup.settings.webex_api_url}"


@line("not checked")
def not_checked(_: Setup) -> Found:
    """Return what could not be looked at."""
    return State.NOTE, "tokens, roles, reports and webhooks, until Webex answers"


@line("not checked")
def without_key(_: Setup) -> Found:
    """Return what could not be looked at: a refreshed admin token would be stored over the one that is kept."""
    return State.NOTE, "the admin token and what needs it, until the secret key is right"


HERE: Final = (
    settings_complete,
    data_dir.database,
    worker.seen,
    data_dir.secret_key,
    data_dir.files,
    webhook_secrets.two_secrets,
)
"""Checks that need this machine alone."""
IN_WEBEX: Final = (
    token_owners.bot_token,
    token_owners.admin_token,
    token_owners.roles,
    families.lists,
    allowed.names,
    owners.would_pause,
    webhooks.differences,
)
"""Checks that need Webex."""
WITHOUT_ADMIN_TOKEN: Final = (token_owners.bot_token, without_key, webhooks.differences)
"""Of these, what is left while the stored admin token can't be read."""
LAST: Final = (public_address.public_address,)


def examine(settings: Settings) -> Iterator[Result]:
    """Look at one thing after the other, each with a line of its own even when those before it failed."""
    with opened(settings) as setup:
        yield from _run(HERE, setup)
        (reached,) = webex(setup)
        yield reached
        if reached.state is State.FAILED:
            yield from _run((not_checked,), setup)
        else:
            yield from _run(WITHOUT_ADMIN_TOKEN if _has_other_key(setup) else IN_WEBEX, setup)
        yield from _run(LAST, setup)


def _has_other_key(setup: Setup) -> bool:
    try:
        return data_dir.has_other_key(setup)
    except BotError:  # told already
        return False


def examine_person(settings: Settings, email: str) -> Iterator[Result]:
    """Check what one person may have, and why."""
    with opened(settings) as setup:
        if _has_other_key(setup):
            yield from data_dir.secret_key(setup)
            return
        chat = setup.chat
        authorizer = Authorizer(setup.directory, chat, chat.me, partial(rules, settings), setup.partner_role)
        yield from person.looked_up(email, setup.directory, authorizer)


def run(settings: Settings, say: Callable[[str], None], email: str | None = None) -> int:
    """Say each result as it comes, of the whole program or of one person; return 0 when none failed, else 1."""
    failed = False
    said: dict[str, str] = {}
    for one in examine(settings) if email is None else examine_person(settings, email):
        text = one.text
        words = without_tracking_id(text)
        if one.state is State.FAILED and (before := said.setdefault(words, one.name)) != one.name:
            text = f"same as “{before}” above"  # with a token that is rejected, several say the same
        say(f"{one.state:<6}  {one.name}: {text}")
        failed = failed or one.state is State.FAILED
    return 1 if failed else 0


def _run(lines: Iterable[Callable[[Setup], Iterable[Result]]], setup: Setup) -> Iterator[Result]:
    for one in lines:
        yield from one(setup)


@contextmanager
def opened(settings: Settings) -> Iterator[Setup]:
    """Make what the lines look with; no call is tried a second time."""
    with ExitStack() as resources:
        database = open_database(settings)
        bot_token, token = StaticToken(settings.webex_bot_token.get_secret_value()), admin_token(settings, database)
        chat = Chat(settings.webex_api_url, bot_token, timeouts=Timeouts(*TIMEOUTS))
        admin = Client(settings.webex_api_url, token, timeouts=Timeouts(*TIMEOUTS))
        for one in (database, chat, admin):
            resources.callback(one.close)
        directory = Directory(admin, our_org=settings.webex_org_id)
        proven = partner_role(directory, ReportsApi(admin))
        yield Setup(settings, manifest.read(), database, chat, token, admin, directory, proven, now)
