"""Looks after the bot's webhooks: Webex disables one after a hundred failures in five minutes, and never revives it.

Without its webhook the bot hears nothing, so nobody could tell it. Every minute the webhooks are compared with the
manifest: an inactive one is revived, a missing or changed one put right, and what was missed meanwhile is looked for.
One that leads elsewhere is only reported: another installation may use the same bot, and the two would fight.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

from bot import manifest
from bot.db.heartbeats import LOCK, Absence
from bot.errors import DatabaseUnavailable, WebexError
from bot.ops.alerts import Check
from bot.queue import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.db.database import Database
    from bot.manifest import Existing, Manifest, Wanted, Webhooks
    from bot.queue import Queue

log = structlog.get_logger(__name__)

EVERY: Final = 60.0
"""Seconds between looks. The first one waits as long: a deploy's ``manifest apply`` may be at work."""
BLIND: Final = 300.0
"""Seconds for which Webex may refuse to show the webhooks before that is said."""
OVER: Final = "The bot's webhooks are as they must be."


class WebhookRepair:
    """Compares and mends; made for ``Alerts``, which calls it every minute."""

    def __init__(
        self,
        *,
        database: Database,
        queue: Queue,
        webhooks: Webhooks,
        wanted: Manifest,
        target_url: str | None,
        secrets: Sequence[str],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._queue = queue
        self._webhooks = webhooks
        self._wanted = wanted
        self._target = target_url
        self._secrets = tuple(secrets)  # the first one signs, all verify
        self._now = now
        self._clock = clock
        self._due = clock() + EVERY
        self._said: str | None = None
        self._blind_since: float | None = None
        """Since when (monotonic) Webex refuses to show the webhooks."""
        self._signed: set[str] = set()
        """Webhooks that were given the secret and of which Webex shows none."""
        self._missed: float | None = None
        """In how many seconds what was missed is to be looked for; None: nothing was."""

    def check(self) -> Check:
        """The check for the operators."""
        return Check("webhooks", self.look, OVER, each=True)

    def look(self) -> str | None:
        """The trouble in words, or None; raises ``WebexError``. Between two looks, what the last one found."""
        self._make_up()
        if self._target is None or self._clock() < self._due:
            return self._said
        try:
            there = self._webhooks.all()
        except WebexError as error:
            self._blind_since = self._clock() if self._blind_since is None else self._blind_since
            if self._clock() - self._blind_since < BLIND:
                raise
            return f"I cannot look after my webhooks. {error.in_full} Should they be disabled, nobody gets an answer."
        self._blind_since = None
        self._said = self._mend(there, self._target)
        self._due = self._clock() + EVERY
        self._make_up()
        return self._said

    def _mend(self, actual: Sequence[Existing], target: str) -> str | None:
        said, mended = [], False
        shown = any(hook.secret for hook in actual)
        for wanted in self._wanted.webhooks:
            try:
                same = [hook for hook in actual if hook.name == wanted.name]
                done, sentence = self._mend_one(wanted, same, target, shown=shown)
            except WebexError as error:
                done, sentence = (
                    False,
                    f"The webhook “{wanted.name}” cannot be put right. {manifest.sentence_of(error)}",
                )
            mended |= done
            if sentence:
                said.append(sentence)
        if mended:
            said.append("I look for the messages that were missed. Check that PUBLIC_URL can be reached from outside.")
        if said:
            log.warning("webhooks_not_as_wanted", found=len(said), mended=mended)
        if mended or (self._said and not said):  # put right here, or by `manifest apply` or by hand
            self._missed = 0.0
        return " ".join(said) or None

    def _mend_one(self, wanted: Wanted, same: Sequence[Existing], target: str, *, shown: bool) -> tuple[bool, str]:
        """Whether something was done, and what to say of it; ``shown``: Webex shows secrets."""
        here = [hook for hook in same if hook.target_url == target]
        fitting = [hook for hook in here if wanted.fits(hook)]
        if any(hook.status == manifest.ACTIVE and self._verifies(hook, shown=shown) for hook in fitting):
            return False, ""
        if fitting:
            (hook, *_) = fitting
            self._webhooks.update(hook.id, wanted, target, self._secrets[0])
            self._signed.add(hook.id)
            if hook.status != manifest.ACTIVE:
                return True, f"Webex had disabled the webhook “{wanted.name}”: I have revived it."
            return True, f"The webhook “{wanted.name}” was not signed with WEBEX_WEBHOOK_SECRET: I have set it anew."
        if same and not here:
            return False, (
                f"The webhook “{wanted.name}” leads to another address. If this installation is the one that should "
                "hear, run `reportbot manifest apply`; if not, stop it or give it a bot of its own."
            )
        for hook in here:
            self._webhooks.delete(hook.id)
        self._webhooks.create(wanted, target, self._secrets[0])
        if here:
            return True, f"The webhook “{wanted.name}” brought something else: I have made it anew."
        return True, f"The webhook “{wanted.name}” was not there: I have created it."

    def _verifies(self, hook: Existing, *, shown: bool) -> bool:
        """Whether its events verify, as far as Webex shows secrets: where it shows another one's, none is none."""
        if hook.secret:
            return hook.secret in self._secrets
        return not shown or hook.id in self._signed

    def look_for_what_was_missed(self, after: float) -> None:
        """Have it looked for, from when it was last certain that nothing was missed, in so many seconds."""
        self._missed = after
        self._make_up()

    def _make_up(self) -> None:
        """Have what was missed looked for; while the database is away, at the next look."""
        if self._missed is None:
            return
        now = self._now()
        try:
            with self._database.begin() as tx:
                self._queue.put(tx, tasks.CATCH_UP, Absence(now, now, told=False).key, lock=LOCK, after=self._missed)
        except DatabaseUnavailable as error:
            log.info("not_looked_for_what_was_missed_yet", cause=str(error))
        else:
            self._missed = None
