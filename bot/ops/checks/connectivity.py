"""Whether Webex can be reached, by what the bot's own calls meet: so that an outage is said, and said once.

Three things can be away, each alone: Webex for the bot's token (then nothing can be said anywhere, so it is said
afterwards), Webex for the admin token, and one family's reports. Any answer but a server error counts as reached. While
nothing is heard, one small call a round finds out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import LOST_BEHIND_A_GATEWAY, BotError, WebexError
from bot.ops.alerts import Check, NotKnown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = structlog.get_logger(__name__)

LONG: Final = timedelta(minutes=5)
"""How long it must last before the operators hear of it."""
BRIEF: Final = timedelta(seconds=30)
"""How long it must last before somebody may have missed something."""
QUIET: Final = timedelta(minutes=5)
"""How long nothing may be heard of Webex before it is asked."""
FIRST_TROUBLE: Final = 500
"""The first status that says that something is wrong with Webex and not with what was asked."""


@dataclass(frozen=True, slots=True)
class Side:
    """One thing that can be away, in words that hold "since", "from … to …" and what it means."""

    name: str
    trouble: str
    """With ``{since}``."""
    over: str
    past: str
    """With ``{since}`` and ``{until}``."""
    calls: Callable[[str], bool] = lambda _: True
    """Which paths are its own."""
    quiet: timedelta | None = QUIET
    """None: it is not asked while it was well when it was last heard of."""


BOT: Final = Side(
    "webex_bot",
    "I cannot reach Webex since {since}, so nobody gets an answer. I go on trying, and what waits goes on by itself.",
    "I can reach Webex again. What waited goes on by itself.",
    "I could not reach Webex from {since} to {until}. What waited goes on by itself; nobody need do anything.",
)
ADMIN: Final = Side(
    "webex_admin",
    "Webex does not answer the admin token since {since}, so nobody gets a report. I go on trying, and whoever waits "
    "is told; nobody need do anything. If it lasts, look at status.webex.com and at this machine's network.",
    "Webex answers the admin token again. What waited goes on by itself.",
    "Webex did not answer the admin token from {since} to {until}. What waited goes on by itself.",
    lambda path: "/report" not in path,  # the reports are sides of their own, and may be away alone
)


def reports_of(family: str) -> Side:
    """The reports of a family; ``partner`` has paths of its own."""
    return Side(
        f"webex_reports_{family}",
        f"Webex's reports of the {family} family do not answer since {{since}}. I go on trying, and whoever waits is "
        "told; nobody need do anything.",
        f"Webex's reports of the {family} family answer again. What waited goes on by itself.",
        f"Webex's reports of the {family} family did not answer from {{since}} to {{until}}. What waited goes on.",
        lambda path: "/report" in path and ("/partner/" in path) == (family == "partner"),
        None,
    )


class Connectivity:
    """Whether one side is there. ``ask`` makes one small call that is observed too; ``unless`` explains it already."""

    def __init__(
        self,
        side: Side,
        ask: Callable[[], object],
        now: Callable[[], datetime],
        *,
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        self._side = side
        self._ask = ask
        self._now = now
        self._unless = unless
        self._lock = threading.Lock()
        self._heard_at: datetime | None = None
        self._failing_since: datetime | None = None
        self._outage: tuple[datetime, datetime] | None = None
        self._advice = ""  # why the last question of its own met nothing, and what to do

    def observed(self, _method: str, path: str, status: int | None, _seconds: float) -> None:
        """Be told of each call."""
        if self._side.calls(path):
            self._heard(status)

    def _heard(self, status: int | None) -> None:
        now = self._now()
        with self._lock:
            before = self._failing_since
            if status is None or status >= FIRST_TROUBLE or status in LOST_BEHIND_A_GATEWAY:
                self._failing_since = before or now
            else:
                self._heard_at, self._failing_since = now, None
            if before is not None and self._failing_since is None and now - before >= BRIEF:
                self._outage = before, now
        if before is not None and self._failing_since is None and now - before >= LONG:
            log.info("reached_again", side=self._side.name, since=before.isoformat())

    def failing(self) -> bool:
        """Whether the last call met nothing, or trouble."""
        return self._failing_since is not None

    def outage(self) -> tuple[datetime, datetime] | None:
        """The last time that it was away, from when until when; None: not since the start."""
        return self._outage

    def check(self) -> Check:
        """The check for the operators."""
        side = self._side
        return Check(
            side.name,
            self._look,
            side.over,
            began=lambda: self._failing_since,
            past=self._afterwards,
        )

    def _afterwards(self, since: datetime, until: datetime) -> str:
        said = self._side.past.format(since=_clock(since, until), until=_clock(until, until))
        return f"{said} {self._advice}" if self._advice else said

    def _look(self) -> str | None:
        if self._is_in_doubt():
            try:
                self._ask()
            except WebexError as error:
                if error.status is None:
                    self._advice = error.advice
                    self._heard(None)  # also what the token's renewal met, which is another call
            except BotError as error:
                log.debug("not_asked", side=self._side.name, cause=str(error))
        since = self._failing_since
        if since is None:
            if self._heard_at is None:
                raise NotKnown
            return None
        now = self._now()
        if now - since < LONG or self._unless():
            raise NotKnown
        said = self._side.trouble.format(since=_clock(since, now))
        return f"{said} {self._advice}" if self._advice else said

    def _is_in_doubt(self) -> bool:
        if self._failing_since is not None or self._heard_at is None:
            return True
        return self._side.quiet is not None and self._now() - self._heard_at >= self._side.quiet


def sides(
    ask_bot: Callable[[], object],
    ask_admin: Callable[[], object],
    ask_reports: Mapping[str, Callable[[], object]],
    now: Callable[[], datetime],
) -> tuple[Connectivity, list[Connectivity]]:
    """The bot's side, and the admin token's: its own, then each family's. What explains another goes before it."""
    bot = Connectivity(BOT, ask_bot, now)
    admin = Connectivity(ADMIN, ask_admin, now, unless=bot.failing)
    reports = [
        Connectivity(reports_of(family), ask, now, unless=lambda: bot.failing() or admin.failing())
        for family, ask in ask_reports.items()
    ]
    return bot, [admin, *reports]


def _clock(moment: datetime, beside: datetime) -> str:
    """``09:10 UTC``, with its day where that is another one."""
    same_day = moment.date() == beside.date()
    return f"{moment:%H:%M} UTC" if same_day else f"{moment:%Y-%m-%d %H:%M} UTC"
