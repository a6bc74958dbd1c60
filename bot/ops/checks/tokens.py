"""Check both tokens: for the operators' space and for ``doctor``.

Whether Webex accepts the admin token is asked every ten minutes, and within a second after a call with it was refused:
the operators should know before a second person gets no answer. One look serves all checks.

Nothing in Webex tells a personal token (12 hours) from an integration's (14 days), or a Service App's account from
others, so the sentences don't either.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.access.policy import is_full, is_read_only, says_partner
from bot.errors import BotError, Refused, WebexError
from bot.messages import alerts as words
from bot.ops.alerts import Check, NotKnown
from bot.webex.ids import same_id

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from bot.webex.people import Directory
    from bot.webex.tokens import RefreshableToken
    from bot.webex.types import Person

BOT: Final = "bot"
LOOK_EVERY: Final = 600.0
"""Seconds between two looks while all is well."""
LOOK_AGAIN: Final = 45.0
"""Seconds for which a look that found a problem, or nothing, is believed: less than a round of the alerts."""
LEAST: Final = 60.0
"""Seconds between two urgent looks: a download's link may be refused for long, with a token that is valid."""
NEAR_THE_END: Final = 14 * 86400.0
"""Seconds before a refresh token's end."""


def bot_token_problem(me: Person) -> str | None:
    """Return what is wrong with the account of the bot's token; None also where Webex doesn't tell what it is."""
    return None if me.kind in {BOT, ""} else words.BOT_NOT_A_BOT


def admin_token_problem(me: Person, bot_id: str | None, *, refreshable: bool) -> str | None:
    """Return what is wrong with the account of the admin token. A bot has no refresh token."""
    if same_id(me.id, bot_id):
        return words.SAME_ACCOUNT
    return words.ADMIN_IS_BOT if me.kind == BOT and not refreshable else None


def roles_problem(directory: Directory, me: Person, *, refreshable: bool) -> str | None:
    """Return why the admin token doesn't see roles, or has none. Raises ``WebexError``.

    A Service App's account may show no roles of its own; then it is enough that it may list the organization's.
    """
    try:
        roles = directory.roles_of(me.id).roles
    except Refused:
        roles = frozenset()
    if any(is_full(role) or is_read_only(role) or says_partner(role) for role in roles):
        return None
    if roles:
        return words.NO_ROLE
    return None if refreshable and directory.lists_roles() else words.ROLES_UNREADABLE


def problem_without_owner(directory: Directory, somebody: str) -> str | None:
    """Return what is wrong where Webex doesn't tell whose the admin token is: nothing, if ``WEBEX_ORG_ID`` does.

    ``somebody``: the ID of a person for whom it is tried whether people can be seen. Raises ``WebexError``.
    """
    try:
        directory.our_org()
    except Refused:
        return words.OWNER_NOT_SHOWN
    try:
        directory.roles_of(somebody)
    except Refused:
        return words.ROLES_UNREADABLE
    return None if directory.lists_roles() else words.ROLES_UNREADABLE


def refresh_problem(ends_at: float | None, now: float) -> str | None:
    """Return that the refresh token ends soon (``ends_at``: seconds since 1970, None when nobody knows)."""
    if ends_at is None or ends_at - now >= NEAR_THE_END:
        return None
    return words.refresh_token_ends(datetime.fromtimestamp(ends_at, UTC), over=ends_at <= now)


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """What one look at the admin token has found."""

    accepted: bool = True
    me: Person | None = None
    """None also where Webex doesn't say whose the token is."""
    roles: str | None = None
    """What is wrong with its roles."""
    unknown: str = ""
    """Why nothing could be found out."""


class TokenChecks:
    """The checks of both tokens. ``refreshable`` is None for a plain admin token."""

    def __init__(
        self,
        directory: Directory,
        bot: Callable[[], Person],
        refreshable: RefreshableToken | None,
        look_soon: threading.Event,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._bot = bot
        self._refreshable = refreshable
        self._look_soon = look_soon
        self._clock = clock
        self._status: TokenStatus | None = None
        self._due = float("-inf")
        self._urgent_at = float("-inf")

    def observed(self, _method: str, _path: str, status: int | None, _seconds: float) -> None:
        """Note a call with the admin token: one that is refused makes the next look urgent."""
        if status != HTTPStatus.UNAUTHORIZED or (self._status is not None and not self._status.accepted):
            return
        now = self._clock()
        self._due = min(self._due, max(now, self._urgent_at + LEAST))
        if now >= self._due:
            self._urgent_at = now
            self._look_soon.set()

    def all(self) -> list[Check]:
        """Return every check."""
        return [
            Check("admin_token", self._admin, words.ADMIN_TOKEN_OK),
            Check("admin_token_expiry", self._expiry, words.ADMIN_TOKEN_LASTS),
            Check("bot_token", self._bot_token, words.BOT_TOKEN_OK),
        ]

    def _admin(self) -> str | None:
        found = self._look()
        if self._refreshable is not None and (not found.accepted or self._refreshable.refused()):
            return f"{words.REFRESH_REJECTED} {self._refreshable.refusal() or words.RENEW}"
        if not found.accepted:
            return words.ADMIN_TOKEN_REJECTED
        wrong = None
        if found.me is not None:
            wrong = admin_token_problem(found.me, self._bot().id, refreshable=self._refreshable is not None)
        return wrong or found.roles

    def _expiry(self) -> str | None:
        if self._refreshable is None:
            return words.ADMIN_TOKEN_EXPIRES
        self._look()  # it renews what is due, which may prolong it
        return refresh_problem(self._refreshable.refresh_ends_at(), self._clock())

    def _bot_token(self) -> str | None:
        try:
            return bot_token_problem(self._bot())
        except WebexError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                return words.BOT_TOKEN_REJECTED  # only the log will have it
            raise

    def _look(self) -> TokenStatus:
        """Return the status, asked for again when it is time. Raises ``NotKnown``."""
        if self._status is None or self._clock() >= self._due:
            self._status = self._ask()
            well = self._status.accepted and not self._status.roles and not self._status.unknown
            self._due = self._clock() + (LOOK_EVERY if well else LOOK_AGAIN)
        if self._status.unknown:
            raise NotKnown(self._status.unknown)
        return self._status

    def _ask(self) -> TokenStatus:
        try:
            me = self._owner()
            if me is None:
                return TokenStatus(roles=problem_without_owner(self._directory, self._bot().id))
            return TokenStatus(
                me=me, roles=roles_problem(self._directory, me, refreshable=self._refreshable is not None)
            )
        except WebexError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                return TokenStatus(accepted=False)
            return TokenStatus(unknown=str(error))
        except BotError as error:
            return TokenStatus(unknown=str(error))

    def _owner(self) -> Person | None:
        """Return whose the admin token is; None where a scope is missing for that."""
        try:
            return self._directory.me()
        except WebexError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return None
            raise
