"""Check and repair the bot's webhooks: Webex disables one after a hundred failures in five minutes, and leaves it so.

Without its webhook the bot hears nothing, so nobody could tell it. What the check finds is repaired, and what was
missed meanwhile is looked for. A webhook that leads elsewhere is only reported: another installation may use the same
bot, and the two would fight. Webhooks that aren't ours are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot import manifest
from bot.manifest import Change, Kind
from bot.messages import alerts as words
from bot.ops import catch_up_job
from bot.ops.alerts import Check
from bot.ops.checks.doctor_line import Found, Setup, State, line
from bot.webex.webhooks import BotWebhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from bot.db.database import Database
    from bot.manifest import Existing, Manifest, Wanted
    from bot.queue import Queue

log = structlog.get_logger(__name__)

SETTLING: Final = timedelta(seconds=50)
"""How long something must be wrong, so that two rounds find it: a deploy's ``manifest apply`` may be at work."""
REPAIR_FIRST: Final = 5.0
"""Seconds until missed messages are looked for: the repair comes first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One webhook that isn't as wanted."""

    name: str
    problem: str
    changes: tuple[Change, ...] = ()
    """What repairs it; nothing if it is only reported."""
    done: str = ""
    """What is told when that was done."""


class WebhookCheck:
    """Compares the bot's webhooks with the manifest. ``secrets``: the first one signs, all of them verify."""

    def __init__(self, webhooks: BotWebhooks, wanted: Manifest, target: str, secrets: Sequence[str]) -> None:
        self.webhooks = webhooks
        self.target = target
        self.secrets = tuple(secrets)
        self._wanted = wanted

    def look(self) -> str | None:
        """Return what is wrong. Raises ``WebexError``."""
        return " ".join(one.problem for one in self.find()) or None

    def find(self) -> list[Finding]:
        """Return what isn't as wanted. Raises ``WebexError``."""
        actual = self.webhooks.all()
        return [found for wanted in self._wanted.webhooks for found in self._compare(wanted, actual)]

    def _compare(self, wanted: Wanted, actual: Sequence[Existing]) -> Iterator[Finding]:
        same = [hook for hook in actual if hook.name == wanted.name]
        here = [hook for hook in same if hook.target_url == self.target]
        fitting = [hook for hook in here if wanted.fits(hook)]
        shown = any(hook.secret for hook in actual)
        if any(hook.status == manifest.ACTIVE and self._verifies(hook, shown=shown) for hook in fitting):
            return
        if fitting:
            hook = fitting[0]
            enabled = hook.status == manifest.ACTIVE
            problem, done = (words.NOT_SIGNED, words.SIGNED) if enabled else (words.DISABLED, words.ENABLED)
            changes = [Change(Kind.UPDATE, wanted.name, problem, wanted, hook.id)]
        elif same and not here:
            problem, done, changes = words.ELSEWHERE, "", []
        else:
            problem, done = (words.OTHER_EVENTS if here else words.MISSING), words.RECREATED
            changes = [Change(Kind.DELETE, wanted.name, problem, webhook_id=hook.id) for hook in here]
            changes.append(Change(Kind.CREATE, wanted.name, problem, wanted))
        problem, done = (text.format(name=wanted.name) for text in (problem, done))
        yield Finding(wanted.name, problem, tuple(changes), done)

    def _verifies(self, hook: Existing, *, shown: bool) -> bool:
        """Return True when its events verify, as far as Webex shows secrets: where it shows another's, none is none."""
        return hook.secret in self.secrets if hook.secret else not shown


class WebhookRepair:
    """Repairs what the check finds."""

    def __init__(self, check: WebhookCheck, database: Database, queue: Queue, now: Callable[[], datetime]) -> None:
        self._check = check
        self._database = database
        self._queue = queue
        self._now = now

    def repair(self) -> str:
        """Repair, and return what was found and done. Raises ``WebexError``, or ``DatabaseUnavailable`` at first."""
        found = self._check.find()
        if not any(one.changes for one in found):
            return ""
        with self._database.begin() as tx:
            catch_up_job.put(tx, self._queue, self._now(), self._now(), after=REPAIR_FIRST)
        told = [f"{one.problem} {self._repair(one)}".rstrip() for one in found]
        log.warning("webhooks_repaired", webhooks=[one.name for one in found if one.changes])
        return " ".join([*told, words.WEBHOOKS_REPAIRED])

    def _repair(self, finding: Finding) -> str:
        """Repair one webhook, and return what was done."""
        check = self._check
        failures = check.webhooks.apply(finding.changes, check.target, check.secrets[0])
        return words.NOT_REPAIRED.format(cause=failures[0].sentence) if failures else finding.done


def check(webhooks: WebhookCheck, repair: WebhookRepair) -> Check:
    """Return the check for the operators."""
    return Check("webhooks", webhooks.look, words.WEBHOOKS_OK, pending_for=SETTLING, repair=repair.repair)


@line("webhooks")
def differences(setup: Setup) -> Found:
    """Return for ``doctor`` what ``manifest apply`` would change."""
    if setup.target is None:
        return State.NEXT, "set PUBLIC_URL to the https address where Webex reaches the bot"
    wanted, secret = setup.manifest, setup.settings.webex_webhook_secret[0].get_secret_value()
    plan = manifest.plan(wanted, setup.target, secret, BotWebhooks(setup.chat).all())
    changes = [change for change in plan if change.sure]
    if not changes:
        return State.OK, f"set up correctly, to {setup.target}"
    todo = "; ".join(f"{change.kind} “{change.name}” ({change.why})" for change in changes)
    if len(changes) == len(wanted.webhooks) and all(change.kind is Kind.CREATE for change in changes):
        return State.NEXT, f"none yet. Run `reportbot manifest apply` (serve does it by itself). It would {todo}"
    return State.FAILED, f"they differ. Run `reportbot manifest apply`. It would {todo}"
