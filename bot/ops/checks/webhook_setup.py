"""Check for ``doctor`` whether the webhooks are as the manifest wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import manifest
from bot.manifest import Kind
from bot.ops.checks.result import Found, State, line
from bot.webex.webhooks import BotWebhooks

if TYPE_CHECKING:
    from bot.ops.checks.result import Setup


@line("webhooks")
def webhooks(setup: Setup) -> Found:
    """Return what ``manifest apply`` would change."""
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
