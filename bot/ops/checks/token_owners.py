"""Check for ``doctor`` whose the tokens are, and whether people's roles can be read."""

from __future__ import annotations

import contextlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.errors import Refused, WebexError
from bot.messages.alerts import ADMIN_TOKEN_EXPIRES, BOT_TOKEN_REJECTED, OWNER_NOT_SHOWN
from bot.ops.checks.allowed import shown_organization
from bot.ops.checks.result import Found, State, line
from bot.ops.checks.tokens import (
    admin_token_problem,
    bot_token_problem,
    problem_without_owner,
    refresh_problem,
    roles_problem,
)
from bot.webex.ids import readable_tail, same_id
from bot.webex.tokens import RefreshableToken

if TYPE_CHECKING:
    from bot.ops.checks.result import Setup
    from bot.webex.people import Directory

NOT_ACCEPTED: Final = (
    "Webex doesn't accept the admin token. Renew it, with the scopes that `reportbot manifest plan` lists."
)
REJECTED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@line("bot token")
def bot_token(setup: Setup) -> Found:
    """Return whose the bot's token is."""
    try:
        me = setup.chat.me()
    except WebexError as error:
        if error.status in REJECTED:
            return State.FAILED, BOT_TOKEN_REJECTED
        raise
    problem = bot_token_problem(me)
    if problem is not None:
        return State.FAILED, f"{me.display_name}: {problem}"
    return State.OK, f"{me.display_name} ({', '.join(me.emails)})"


@line("admin token")
def admin_token(setup: Setup) -> Found:
    """Return whose the admin token is, and when it ends."""
    try:
        me = setup.directory.me()
    except WebexError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return _without_owner(setup.directory)
        if error.status in REJECTED and not error.advice:
            return State.FAILED, NOT_ACCEPTED
        raise
    if not same_id(me.org_id, setup.directory.our_org()):
        return State.FAILED, f"WEBEX_ORG_ID isn't the organization of the admin token, which is {me.org_id}. Remove it."
    refreshable = setup.token if isinstance(setup.token, RefreshableToken) else None
    problem = admin_token_problem(me, _bot_id(setup), refreshable=refreshable is not None)
    if problem is not None:
        return State.FAILED, f"{me.display_name}: {problem}"
    organization = shown_organization(setup.admin, me.org_id)
    owner = f"{me.display_name}, a {me.kind or 'person or bot'} in the organization {organization}"
    if refreshable is None:
        return State.OK, f"{owner}. {ADMIN_TOKEN_EXPIRES}"
    ends = refresh_problem(refreshable.refresh_ends_at(), time.time())
    return (State.OK, owner) if ends is None else (State.NOTE, f"{owner}. {ends}")


@line("roles")
def roles(setup: Setup) -> Found:
    """Return whether people's roles can be read: without them nobody is an administrator, so nobody gets a report."""
    directory, bot_id = setup.directory, _bot_id(setup)
    try:
        me = directory.me()
    except WebexError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        problem = problem_without_owner(directory, bot_id) if bot_id else OWNER_NOT_SHOWN
        return (State.FAILED, problem) if problem else (State.OK, "can be read")
    problem = roles_problem(directory, me, refreshable=setup.settings.refreshable)
    if problem is not None:
        return State.FAILED, problem
    own: list[str] = []
    with contextlib.suppress(Refused):  # a Service App's account may show none
        own = sorted({role.name or readable_tail(role.id) for role in directory.roles_of(me.id).roles} - {""})
    return State.OK, f"can be read. The admin token's own: {', '.join(own) or 'none shown'}"


def _without_owner(directory: Directory) -> Found:
    """Return whether ``WEBEX_ORG_ID`` tells what Webex doesn't."""
    try:
        org_id = directory.our_org()
    except Refused:
        return State.FAILED, OWNER_NOT_SHOWN
    return (
        State.NOTE,
        f"Webex doesn't tell whose it is (spark:people_read). Its organization is {org_id} (WEBEX_ORG_ID)",
    )


def _bot_id(setup: Setup) -> str | None:
    with contextlib.suppress(WebexError):  # the check of the bot's token has said it
        return setup.chat.me().id
    return None
