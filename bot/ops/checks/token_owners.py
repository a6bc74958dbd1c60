"""Check for ``doctor`` whose the tokens are, and whether people's roles can be read."""

from __future__ import annotations

import contextlib
import time
from http import HTTPStatus

from bot.errors import Refused, WebexError
from bot.messages import alerts as words
from bot.ops.checks import tokens
from bot.ops.checks.allowed import organization_name
from bot.ops.checks.doctor_line import Found, Setup, State, line
from bot.webex.ids import bare_id, readable_tail, same_id
from bot.webex.tokens import RefreshableToken


@line("bot token")
def bot_token(setup: Setup) -> Found:
    """Return whose the bot's token is."""
    try:
        me = setup.chat.me()
    except WebexError as error:
        if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return State.FAILED, words.BOT_TOKEN_REJECTED
        raise
    problem = tokens.bot_token_problem(me)
    if problem is not None:
        return State.FAILED, f"{me.display_name}: {problem}"
    return State.OK, f"{me.display_name} ({', '.join(me.emails)})"


@line("admin token")
def admin_token(setup: Setup) -> Found:
    """Return whose the admin token is, and when it ends."""
    directory, refreshable = setup.directory, setup.token if isinstance(setup.token, RefreshableToken) else None
    try:
        me = directory.me()
    except WebexError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return _without_owner(setup)
        raise
    if not same_id(me.org_id, directory.our_org()):
        return State.FAILED, f"WEBEX_ORG_ID isn't the organization of the admin token, which is {me.org_id}. Remove it."
    problem = tokens.admin_token_problem(me, _bot_id(setup), refreshable=refreshable is not None)
    if problem is not None:
        return State.FAILED, f"{me.display_name}: {problem}"
    name = organization_name(setup, me.org_id)
    organization = bare_id(me.org_id) if name is None else f"{name} ({bare_id(me.org_id)})"
    owner = f"{me.display_name}, a {me.kind or 'person or bot'} in the organization {organization}"
    if refreshable is None:
        return State.OK, f"{owner}. {words.ADMIN_TOKEN_EXPIRES}"
    ends = tokens.refresh_problem(refreshable.refresh_ends_at(), time.time())
    return (State.NOTE, f"{owner}. {ends}") if ends else (State.OK, owner)


def _without_owner(setup: Setup) -> Found:
    """Return whether ``WEBEX_ORG_ID`` tells what Webex doesn't."""
    try:
        org_id = setup.directory.our_org()
    except Refused:
        return State.FAILED, words.OWNER_NOT_SHOWN
    return State.NOTE, f"Webex doesn't tell whose it is (spark:people_read). WEBEX_ORG_ID is {org_id}"


@line("roles")
def roles(setup: Setup) -> Found:
    """Return whether people's roles can be read: without them nobody is an administrator, so nobody gets a report."""
    directory, bot_id = setup.directory, _bot_id(setup)
    try:
        me = directory.me()
    except WebexError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        problem = tokens.problem_without_owner(directory, bot_id) if bot_id else words.OWNER_NOT_SHOWN
        return (State.FAILED, problem) if problem else (State.OK, "can be read")
    problem = tokens.roles_problem(directory, me, refreshable=setup.settings.refreshable)
    if problem is not None:
        return State.FAILED, problem
    own: set[str] = set()
    with contextlib.suppress(Refused):  # a Service App's account may show none
        own = {role.name or readable_tail(role.id) for role in directory.roles_of(me.id).roles} - {""}
    return State.OK, f"can be read. The admin token's own: {', '.join(sorted(own)) or 'none shown'}"


def _bot_id(setup: Setup) -> str | None:
    with contextlib.suppress(WebexError):  # the check of the bot's token has said it
        return setup.chat.me().id
    return None
