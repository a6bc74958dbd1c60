"""What can be wrong with the two tokens, and how it is found out: for the operators' space and for ``doctor``.

Whether the admin token lives is asked, every ten minutes, and within a second after any call with it was refused: the
operators should know before the second person asks in vain. One look serves all checks.

Nothing in Webex tells a personal token (12 hours) from an integration's (14 days), or a Service App's account from
others, so the sentences say what is not known.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from bot.access.policy import is_full, is_read_only, says_partner
from bot.errors import BotError, Refused, WebexError
from bot.ops.alerts import Check, NotKnown
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.webex.types import Person, RolesOf

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
FIRST_ERROR: Final = 300
BOT: Final = "bot"
LOOK_EVERY: Final = 600.0
"""Seconds between two looks while all is well."""
LOOK_AGAIN: Final = 45.0
"""Seconds for which a look that found trouble, or nothing, is believed: less than the operators' round."""
TRUSTED: Final = 60.0
"""Seconds after a look that a refused call made urgent, and that found the token alive: the next one can wait."""
NEAR_THE_END: Final = 14 * 86400.0
"""Seconds before a refresh token's end."""

RENEW: Final = (
    "authorise the Service App or the integration again, set WEBEX_ADMIN_REFRESH_TOKEN (and WEBEX_ADMIN_CLIENT_SECRET, "
    "if it is new), and start the bot again"
)
DEAD_PLAIN: Final = (
    "Webex does not accept the admin token any more, so nobody gets a report. Make a new token, set WEBEX_ADMIN_TOKEN, "
    "and start the bot again. With the three WEBEX_ADMIN_CLIENT_… variables the bot would renew it by itself."
)
DEAD_REFRESHED: Final = (
    "Webex refuses to renew the admin token, so nobody gets a report, at the latest when the present one lapses. "
)
DEAD_UNKNOWN: Final = f"To mend it, {RENEW}."
LAPSES: Final = (
    "WEBEX_ADMIN_TOKEN lapses by itself: a personal token 12 hours after it was made, an integration's after 14 days, "
    "and nothing tells which it is; with the three WEBEX_ADMIN_CLIENT_… variables the bot renews the token by itself"
)
BOT_DEAD: Final = (
    "Webex does not accept WEBEX_BOT_TOKEN. Make a new one at developer.webex.com/my-apps, and start the bot again."
)
BOT_NOT_A_BOT: Final = "WEBEX_BOT_TOKEN belongs to a person; it must be a bot's token (developer.webex.com/my-apps)"
ADMIN_IS_BOT: Final = "WEBEX_ADMIN_TOKEN belongs to a bot; a bot's token has no admin rights: use an administrator's"
SAME: Final = (
    "the admin token and WEBEX_BOT_TOKEN belong to the same account; the admin token must be an administrator's, and a "
    "bot's has no admin rights"
)
ROLES_UNREADABLE: Final = (
    "the admin token cannot see roles, so nobody counts as an administrator and nobody gets a report; it needs "
    "spark:people_read, spark-admin:people_read and spark-admin:roles_read, and must be an administrator's"
)
NO_ROLE: Final = (
    "the admin token belongs to somebody without an administrator's role, so Webex gives it no reports; use that of a "
    "full, read-only or partner administrator"
)
NOT_SHOWN: Final = (
    "Webex does not tell the admin token whose it is, so nobody gets a report; it needs the scope spark:people_read, "
    "or set WEBEX_ORG_ID to the id of its organization"
)


def bot_token_trouble(me: Person) -> str | None:
    """What is wrong with the account of the bot's token; nothing, when Webex does not tell what it is."""
    return None if me.kind in {BOT, ""} else BOT_NOT_A_BOT


def admin_token_trouble(me: Person, bot_id: str | None, *, refreshable: bool) -> str | None:
    """What is wrong with the account of the admin token. A bot has no refresh token, so a refreshed one is no bot's."""
    if same_id(me.id, bot_id):
        return SAME
    return ADMIN_IS_BOT if me.kind == BOT and not refreshable else None


def roles_trouble(directory: Directory, me: Person, *, refreshable: bool) -> str | None:
    """Whether the admin token can see roles, and has one. Raises ``WebexError``.

    A Service App's account may show no roles of its own; then it does that it may list the organisation's.
    """
    try:
        roles = directory.roles_of(me.id).roles
    except Refused:
        roles = frozenset()
    if any(is_full(role) or is_read_only(role) or says_partner(role) for role in roles):
        return None
    if roles:
        return NO_ROLE
    return None if refreshable and directory.lists_roles() else ROLES_UNREADABLE


def trouble_without_me(directory: Directory, somebody: str) -> str | None:
    """Return what is wrong where Webex does not tell whose the admin token is: nothing, if ``WEBEX_ORG_ID`` does.

    ``somebody``: the id of a person for whom it is tried whether people can be seen. Raises ``WebexError``.
    """
    try:
        directory.our_org()
    except Refused:
        return NOT_SHOWN
    try:
        directory.roles_of(somebody)
    except Refused:
        return ROLES_UNREADABLE
    return None if directory.lists_roles() else ROLES_UNREADABLE


def refresh_trouble(ends_at: float | None, now: float) -> str | None:
    """Whether the refresh token (ends at ``ends_at``, seconds since 1970, None when nobody knows) is near its end."""
    if ends_at is None or ends_at - now >= NEAR_THE_END:
        return None
    day = f"{datetime.fromtimestamp(ends_at, UTC):%Y-%m-%d}"
    return f"the admin token's refresh token ends on {day}, and no renewal has prolonged it; before then, {RENEW}"


class Directory(Protocol):
    """What is asked with the admin token. Raises ``WebexError``; ``roles_of`` also ``Refused``."""

    def our_org(self) -> str: ...  # noqa: D102
    def me(self) -> Person: ...  # noqa: D102
    def roles_of(self, person_id: str) -> RolesOf: ...  # noqa: D102
    def lists_roles(self) -> bool: ...  # noqa: D102


class Refreshing(Protocol):
    """What a token that is renewed knows of itself."""

    def refused(self) -> bool: ...  # noqa: D102
    def refusal(self) -> str: ...  # noqa: D102
    def refresh_ends_at(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look has found. ``me`` is None when Webex does not accept the token, or does not say whose it is."""

    alive: bool
    me: Person | None = None
    roles: str | None = None
    unknown: str = ""
    """Why nothing could be found out."""


class TokenChecks:
    """The checks of both tokens. ``refreshing`` is None for a plain admin token."""

    def __init__(
        self,
        directory: Directory,
        bot: Callable[[], Person],
        refreshing: Refreshing | None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._bot = bot
        self._refreshing = refreshing
        self._clock = clock
        self._found: Standing | None = None
        self._until = 0.0
        self._trusted_until = 0.0
        self._doubt = False

    def observed(self, _method: str, _path: str, status: int | None, _seconds: float) -> None:
        """Be told of each call with the admin token: one that contradicts the last look makes the next urgent."""
        if status is None:
            return
        alive = self._found is None or self._found.alive
        if status == UNAUTHORIZED and alive:
            if self._clock() >= self._trusted_until:
                self._doubt = True
            else:
                self._until = min(self._until, self._trusted_until)
        elif status < FIRST_ERROR and not alive:
            self._doubt = True

    def in_doubt(self) -> bool:
        """Whether a look cannot wait for the next round."""
        return self._doubt

    def all(self) -> list[Check]:
        """Every check, the one that explains the others first."""
        return [
            Check("admin_token_dead", self._dead, "Webex accepts the admin token again."),
            Check("admin_token_wrong", self._wrong, "The admin token is no bot's any more."),
            Check("admin_token_roles", self._roles, "The admin token can see roles, and has one."),
            Check("bot_token_wrong", self._bot_wrong, "WEBEX_BOT_TOKEN is a bot's."),
            Check("refresh_token_ends", self._ends, "The admin token's refresh token is valid for longer again."),
            Check("admin_token_plain", self._plain, "The bot now renews the admin token by itself."),
        ]

    def _dead(self) -> str | None:
        dead = not self._standing().alive or (self._refreshing is not None and self._refreshing.refused())
        if not dead:
            return None
        if self._refreshing is None:
            return DEAD_PLAIN
        return f"{DEAD_REFRESHED}{self._refreshing.refusal() or DEAD_UNKNOWN}"

    def _wrong(self) -> str | None:
        return _sentence(admin_token_trouble(self._me(), self._bot().id, refreshable=self._refreshing is not None))

    def _roles(self) -> str | None:
        found = self._standing()
        if not found.alive:
            raise NotKnown
        return _sentence(found.roles)

    def _bot_wrong(self) -> str | None:
        try:
            me = self._bot()
        except WebexError as error:
            if error.status == UNAUTHORIZED:
                return BOT_DEAD  # only the log will hear of it
            raise
        return _sentence(bot_token_trouble(me))

    def _ends(self) -> str | None:
        if self._refreshing is None:
            return None
        self._standing()  # it renews what is due, which may prolong it
        return _sentence(refresh_trouble(self._refreshing.refresh_ends_at(), self._clock()))

    def _plain(self) -> str | None:
        return _sentence(LAPSES if self._refreshing is None else None)

    def _me(self) -> Person:
        me = self._standing().me
        if me is None:
            raise NotKnown
        return me

    def _standing(self) -> Standing:
        if self._found is None or self._doubt or self._clock() >= self._until:
            urgent, self._found = self._doubt, self._look()
            well = self._found.alive and not self._found.roles and not self._found.unknown
            self._until = self._clock() + (LOOK_EVERY if well else LOOK_AGAIN)
            self._trusted_until = self._clock() + TRUSTED if urgent and self._found.alive else 0.0
            self._doubt = False  # also what the look's own calls have set
        if self._found.unknown:
            raise NotKnown(self._found.unknown)
        return self._found

    def _look(self) -> Standing:
        try:
            me = self._whose()
            if me is None:
                return Standing(alive=True, roles=trouble_without_me(self._directory, self._bot().id))
            roles = roles_trouble(self._directory, me, refreshable=self._refreshing is not None)
            return Standing(alive=True, me=me, roles=roles)
        except WebexError as error:
            if error.status == UNAUTHORIZED:
                return Standing(alive=False)
            return Standing(alive=True, unknown=str(error))
        except BotError as error:
            return Standing(alive=True, unknown=str(error))

    def _whose(self) -> Person | None:
        """Ask whose the admin token is; None where a scope is missing for that."""
        try:
            return self._directory.me()
        except WebexError as error:
            if error.status == FORBIDDEN:
                return None
            raise


def _sentence(trouble: str | None) -> str | None:
    return None if trouble is None else f"{trouble[0].upper()}{trouble[1:]}."
