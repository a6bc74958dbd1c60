"""What is said about webhooks that other systems have registered and that don't take their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.messages.alerts import problem
from bot.text import escape_markdown, when

if TYPE_CHECKING:
    from bot.db.outbound_events import OutboundEvent
    from bot.db.webhooks import Webhook


def failing(webhook: Webhook, key_name: str, host: str, tried: OutboundEvent) -> str:
    """Return what is told when the first of a webhook's events was not taken; a receiver's own words are not shown."""
    status = tried.last_status
    answer = escape_markdown(tried.answer or "No answer.") if status is None else f"It answered {status}."
    return problem(
        f"{_named(webhook, key_name, host)} hasn't taken an event. {answer} I'll keep trying for 75 hours, "
        f"then I'll disable it. `reportbot webhooks show {webhook.reference}` shows its answers."
    )


def disabled(webhook: Webhook, key_name: str, host: str) -> str:
    """Return what is told when a webhook was disabled."""
    assert webhook.disabled_at is not None
    why = "it answered 410 (gone)" if webhook.disabled_reason == "gone" else "it took no event for 75 hours"
    since = (webhook.failing_since or webhook.disabled_at).strftime("%Y-%m-%dT%H:%M")
    return problem(
        f"I disabled {_named(webhook, key_name, host, begins=False)} at {when(webhook.disabled_at)}: {why}. When it "
        f"works again, `reportbot webhooks recover {webhook.reference} --since {since}` enables it and sends what it "
        "has missed."
    )


def _named(webhook: Webhook, key_name: str, host: str, *, begins: bool = True) -> str:
    the = "The" if begins else "the"
    return f"{the} webhook `{webhook.reference}` (key “{escape_markdown(key_name)}”, `{host}`)"
