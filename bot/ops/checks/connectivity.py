"""Check that Webex can be reached, by what the bot's own calls meet.

Three things can be away, each alone: Webex for the bot's token (then nobody can be told until it is over), Webex for
the admin token, and one family's reports. Any answer but a server error counts as reached. While no call is made, one
small call a round finds out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import LOST_BEHIND_A_GATEWAY, BotError, WebexError
from bot.messages import alerts as words
from bot.ops.alerts import Check, NotKnown
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

log = structlog.get_logger(__name__)

LONG: Final = timedelta(minutes=5)
"""How long an outage must last before it is told."""
BRIEF: Final = timedelta(seconds=30)
"""How long it must last before messages may have been missed."""
QUIET: Final = timedelta(minutes=5)
"""How long the bot may make no call before it makes one to find out."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """One thing that can be away alone."""

    name: str
    problem: str
    resolved: str
    owns: Callable[[str], bool] = lambda _: True
    """Return True for the path of a call to it."""
    asked_when_quiet: bool = True


BOT: Final = Upstream("webex_bot", words.BOT_UNREACHABLE, words.BOT_REACHABLE)
ADMIN: Final = Upstream(
    "webex_admin", words.ADMIN_UNREACHABLE, words.ADMIN_REACHABLE, owns=lambda path: "/report" not in path
)


def reports_of(family: str) -> Upstream:
    """Return the reports of a family."""
    return Upstream(
        f"webex_reports_{family}",
        words.reports_unreachable(family),
        words.reports_reachable(family),
        owns=FAMILIES[Family(family)].is_report_call,
        asked_when_quiet=False,  # lists are long, and people's requests tell
    )


class Connectivity:
    """Observes one upstream. ``ask`` makes one small call that is observed too; ``unless`` tells of a wider outage."""

    def __init__(
        self,
        upstream: Upstream,
        ask: Callable[[], object],
        now: Callable[[], datetime],
        *,
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        self._upstream = upstream
        self._ask = ask
        self._now = now
        self._unless = unless
        self._lock = threading.Lock()
        self._reached_at: datetime | None = None
        self._failing_since: datetime | None = None
        self._outage: tuple[datetime, datetime] | None = None
        self._advice: str | None = None
        """Of the first look in an outage: it stays, since other words would be another alert."""

    def observed(self, _method: str, path: str, status: int | None, _seconds: float) -> None:
        """Note how a call went."""
        if self._upstream.owns(path):
            self._record(status)

    def _record(self, status: int | None) -> None:
        """Store how a call went: reached with any answer but a server error."""
        now = self._now()
        with self._lock:
            since = self._failing_since
            if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in LOST_BEHIND_A_GATEWAY:
                self._failing_since = since or now
                return
            self._reached_at, self._failing_since, self._advice = now, None, None
            if since is not None and now - since >= BRIEF:
                self._outage = since, now

    def failing(self) -> bool:
        """Return True when the last call met nothing, or a server error."""
        return self._failing_since is not None

    def outage(self) -> tuple[datetime, datetime] | None:
        """Return from when until when it was away last; None if it wasn't since the start."""
        return self._outage

    def check(self) -> Check:
        """Return the check for the operators."""
        return Check(self._upstream.name, self._look, self._upstream.resolved, pending_for=LONG)

    def _look(self) -> str | None:
        advice = ""
        if self._is_in_doubt():
            try:
                self._ask()
            except WebexError as error:
                if error.status is None:
                    self._record(None)  # also what the token's renewal met, which is another call
                    advice = error.advice
            except BotError as error:
                log.debug("upstream_not_asked", upstream=self._upstream.name, cause=str(error))
        if self._failing_since is None and self._reached_at is not None:
            return None
        if self._failing_since is None or self._unless():
            raise NotKnown
        if self._advice is None:
            self._advice = advice
        return f"{self._upstream.problem} {self._advice}".strip()

    def _is_in_doubt(self) -> bool:
        if self._failing_since is not None or self._reached_at is None:
            return True
        return self._upstream.asked_when_quiet and self._now() - self._reached_at >= QUIET


def upstreams(
    ask_bot: Callable[[], object],
    ask_admin: Callable[[], object],
    ask_reports: Mapping[str, Callable[[], object]],
    now: Callable[[], datetime],
) -> tuple[Connectivity, list[Connectivity]]:
    """Return the bot's upstream, and the admin token's: its own, then each family's. What explains others is first."""
    bot = Connectivity(BOT, ask_bot, now)
    admin = Connectivity(ADMIN, ask_admin, now, unless=bot.failing)
    reports = [
        Connectivity(reports_of(family), ask, now, unless=lambda: bot.failing() or admin.failing())
        for family, ask in ask_reports.items()
    ]
    return bot, [admin, *reports]
