"""Tells the operators of trouble: a bot that fails quietly is found out by those who need it.

Each trouble is said once in the operators' space, with what to do, and once more when it is over, through any number of
restarts: what is open is kept in the ledger. Without that space the log alone says it. An alarm that is said twice does
less harm than one that is lost, so a post whose answer never came is said anew.

The space may be any that the bot is in, so nothing that is said here holds a token, a link, an id or a name.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.db import key_values
from bot.errors import BotError, DatabaseUnavailable
from bot.outbox import Unsure
from bot.webex.ids import same_id
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.database import Database
    from bot.outbox import Outbox

log = structlog.get_logger(__name__)

EVERY: Final = 60.0
"""Seconds between rounds."""
STEP: Final = 1.0
"""Seconds in which a round is begun that cannot wait."""
MOST_WORDS: Final = 10
"""How many troubles of one check are said before it is over."""
REJECTED_WINDOW: Final = timedelta(minutes=5)
"""Over how long the web process counts calls that do not verify."""
TOO_MANY: Final = 20
"""Webhook calls that do not verify, in five minutes: a fifth of what makes Webex give up on a webhook."""
KNOCKING: Final = (
    f"More than {TOO_MANY} webhook calls in five minutes did not verify. Webex disables a webhook after 100 failures "
    "in 5 minutes, and does not revive it. If nobody gets an answer, WEBEX_WEBHOOK_SECRET is not the one that the "
    "webhooks were registered with: check it, and run `reportbot manifest apply`. If all goes on as usual, someone is "
    "probing the endpoint."
)


_TRACKING = re.compile(r" Webex tracking id: \S+")


class NotKnown(BotError):
    """This cannot be known at the moment."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong."""

    name: str
    """Short and stable: it is part of what is kept."""
    look: Callable[[], str | None]
    """The trouble in words, with what to do; or None. Raises ``BotError`` while nobody can know."""
    over: str
    """What is said when it is over."""
    calm: timedelta = timedelta()
    """For how long it must be away before it is over, for what comes and goes."""
    began: Callable[[], datetime | None] = lambda: None
    """When the trouble began, where the check knows better than that it was just found."""
    each: bool = False
    """Whether other words are another trouble, to be said too; not for words with a number that grows."""
    past: Callable[[datetime, datetime], str] | None = None
    """What is said afterwards, from when until when, where nothing could be said while it lasted; None: nothing."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that is over and that no check could have told of; said once in this process's life."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Open:
    """A trouble that is not over."""

    since: str
    told: bool = False
    tries: int = 1
    away_since: str | None = None
    words: tuple[str, ...] = ()
    """Digests of what was told, where each is another trouble."""


class Alerts:
    """Makes the checks, and says what has changed."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        space: str | None,
        checks: Sequence[Check],
        now: Callable[[], datetime],
        *,
        hurry: Callable[[], bool] = lambda: False,
        news: Callable[[], Sequence[News]] = tuple,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._space = space
        self._checks = tuple(checks)
        self._now = now
        self._hurry = hurry
        self._news = news
        self._logged: set[str] = set()

    def forever(self, stop: threading.Event) -> None:
        """Look now, every minute, and soon when ``hurry`` says so, in a thread of its own, until ``stop`` is set.

        Not in the sweep's thread: while Webex hangs, a round may take longer than the worker may be silent.
        """
        threading.Thread(target=self._run, args=(stop,), name="operators", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        due = time.monotonic()
        while not stop.is_set():
            if time.monotonic() >= due or self._hurry():
                self.look()
                due = time.monotonic() + EVERY
            stop.wait(STEP)

    def look(self) -> None:
        """Make every check once; what cannot be known or said now is tried again in the next round."""
        for check in self._checks:
            try:
                self._make(check)
            except Exception:  # a check that fails must stop neither the others nor the next round
                log.exception("check_crashed", check=check.name)
        for one in self._news():
            if one.key not in self._logged:
                self._break(one)

    def _break(self, news: News) -> None:
        try:
            self._tell(f"news:{news.key}", f"**Over.** {news.words}")
        except BotError as error:
            log.info("news_not_told_yet", news=news.key, cause=str(error))
            return
        self._logged.add(news.key)
        log.warning("news", news=news.key, words=news.words)

    def _make(self, check: Check) -> None:
        try:
            trouble = check.look()
        except BotError as error:
            log.debug("check_not_made", check=check.name, cause=str(error))
            return
        try:
            if trouble is None:
                self._away(check)
            else:
                self._there(check, trouble)
        except DatabaseUnavailable as error:
            log.debug("operators_not_told", check=check.name, cause=str(error))  # the store has said that it is away
        except BotError as error:
            self._once(f"{check.name} {error}", "operators_not_told", check=check.name, cause=str(error))

    def _there(self, check: Check, trouble: str) -> None:
        with self._database.begin() as tx:
            began = check.began() or self._now()
            key_values.set_if_absent(tx, _fact(check), _written(Open(began.isoformat())), self._now())
            found = _read(key_values.get(tx, _fact(check)))
            if found.away_since is not None:
                found = replace(found, away_since=None)
                key_values.set(tx, _fact(check), _written(found), self._now())
        words = (_digest(trouble),) if check.each else ()
        which = "".join(f" {word}" for word in words)
        self._once(
            f"{check.name} {found.since}{which}", "trouble", check=check.name, trouble=trouble, since=found.since
        )
        if check.each and found.told and not found.words:  # an older version said it
            self._keep(check, replace(found, words=words))
            return
        known = not words or set(words) <= set(found.words) or len(found.words) >= MOST_WORDS
        if self._space is None or (found.told and known):
            return
        try:
            self._say(check, found, f"**Trouble.** {trouble}", which.replace(" ", ":"))
        except Unsure:
            self._keep(check, replace(found, tries=found.tries + 1))  # perhaps it was said: under a new name, again
            raise
        self._keep(check, replace(found, told=True, words=(*found.words, *words)))

    def _away(self, check: Check) -> None:
        with self._database.read() as tx:
            kept = key_values.get(tx, _fact(check))
        if kept is None:
            return
        found = _read(kept)
        if found.away_since is None:
            found = replace(found, away_since=self._now().isoformat())
            self._keep(check, found)
        if self._now() - datetime.fromisoformat(found.away_since or "") < check.calm:
            return
        said = check.over if found.told else _afterwards(check, found)
        if said:
            try:
                self._say(check, found, f"**Over.** {said}", ":over")
            except Unsure as error:
                log.info("perhaps_not_told_that_it_is_over", check=check.name, cause=str(error))
        with self._database.begin() as tx:
            key_values.delete(tx, _fact(check))
        log.info("trouble_over", check=check.name, since=found.since)

    def _say(self, check: Check, found: Open, words: str, which: str = "") -> None:
        self._tell(f"{check.name}:{found.since}:{found.tries}{which}", words)

    def _tell(self, key: str, words: str) -> None:
        if self._space is not None:
            with self._database.read() as tx:
                spelled = key_values.get(tx, key_values.OPERATORS_SPACE) or ""
            where = spelled if same_id(spelled, self._space) else self._space
            self._outbox.send(f"operators:{key}", Target(room_id=where), words)

    def _keep(self, check: Check, found: Open) -> None:
        with self._database.begin() as tx:
            key_values.set(tx, _fact(check), _written(found), self._now())

    def _once(self, what: str, event: str, **more: str) -> None:
        """A line in the log, not the same one every minute."""
        if what not in self._logged:
            self._logged.add(what)
            log.warning(event, **more)


def knocking(database: Database, now: Callable[[], datetime]) -> Check:
    """Check that few webhook calls fail to verify; the web process counts them and its heartbeat keeps the figure."""

    def look() -> str | None:
        with database.read() as tx:
            counted_at, number = (
                key_values.updated_at(tx, key_values.REJECTED_CALLS),
                key_values.get(tx, key_values.REJECTED_CALLS),
            )
        if counted_at is None or now() - counted_at > REJECTED_WINDOW:
            return None
        return KNOCKING if int(number or 0) > TOO_MANY else None

    return Check("unverified_events", look, "Webhook calls verify again, or they have stopped.", REJECTED_WINDOW)


def _digest(trouble: str) -> str:
    """The same for the same words; an answer's tracking id is another one each time."""
    return hashlib.sha256(_TRACKING.sub("", trouble).encode()).hexdigest()[:16]


def _afterwards(check: Check, found: Open) -> str:
    """What is said of a trouble that nobody was told of while it lasted."""
    if check.past is None or found.away_since is None:
        return ""
    return check.past(datetime.fromisoformat(found.since), datetime.fromisoformat(found.away_since))


def _fact(check: Check) -> str:
    return f"{key_values.TROUBLE}{check.name}"


def _written(found: Open) -> str:
    return json.dumps(asdict(found))


def _read(kept: str | None) -> Open:
    fields = json.loads(kept or "{}")
    return Open(**fields | {"words": tuple(fields.get("words", ()))})
