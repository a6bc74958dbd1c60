"""Send the events that are pending for a webhook, one after the other, until it takes them or time is up.

An event is tried ten times in some 75 hours. Where a receiver gives no answer, or says that it has too much to do, it
is left alone for a while, longer the longer that has lasted; its other events wait too. So one that hangs takes one of
the lane's threads at most, and seldom.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot import metrics
from bot.db import api_keys, audit, outbound_events, webhooks
from bot.db.audit import Channel, Entry
from bot.db.outbound_events import EventState
from bot.outbound.post import Answer, post
from bot.outbound.secrets import secret_of, signed_headers
from bot.queue import RetryLater, tasks
from bot.settings import secret_keys
from bot.webex.responses import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.outbound_events import OutboundEvent
    from bot.db.webhooks import Webhook
    from bot.services import Services

    Post = Callable[[str, bytes, Mapping[str, str]], Answer]

log = structlog.get_logger(__name__)

WAITS: Final = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds between the attempts, as Standard Webhooks proposes: after the last one it is given up, after 75 hours."""
JITTER: Final = 0.1
"""By how much more of itself a wait is made longer at random."""
TURN: Final = 20
"""Events that are sent before another webhook has its turn…"""
TURN_SECONDS: Final = 2.0
"""…unless the receiver has taken so long for some of them."""
SLOWING: Final = frozenset({None, 408, 429, 502, 503, 504})
"""Answers that are about the receiver, not about the event; None: it gave no answer."""
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
"""How long such a receiver is left alone, unless it asks for more: a tenth of the time for which it has failed."""
LONGEST_ASKED: Final = timedelta(seconds=LONGEST_WAIT)
"""The longest ``Retry-After`` of a receiver that counts."""
CLOCK_SLACK: Final = timedelta(seconds=1)
"""By how much the clocks of several workers may differ."""
GONE: Final = "gone"
NO_SUCCESS: Final = "no_success"
"""Why a webhook is disabled: it answered 410; or it took nothing for 75 hours."""


def wait_after(attempts: int, chance: float) -> timedelta | None:
    """Return how long to wait after so many attempts (``chance``: 0…1); None: no longer."""
    if attempts > len(WAITS):
        return None
    return timedelta(seconds=WAITS[attempts - 1] * (1 + JITTER * chance))


class SendEvents:
    """The task that sends a webhook's events; the key is the webhook's row."""

    def __init__(self, services: Services, send: Post | None = None) -> None:
        self._services = services
        self._post = send or partial(post, networks=services.settings.outbound_allowed_networks)

    def run(self, key: str) -> RetryLater | None:
        """Send what is due, and come back for the rest."""
        services = self._services
        began = time.monotonic()
        for _ in range(TURN):
            with services.database.read() as tx:
                webhook = webhooks.get(tx, int(key))
                event = outbound_events.first(tx, int(key))
                revoked = webhook is not None and api_keys.get(tx, webhook.key_id) is None
            if webhook is None or event is None:
                return None
            if revoked or webhook.disabled_at is not None:
                with services.database.begin() as tx:
                    outbound_events.give_up(tx, webhook.id)
                return None
            now = services.now()
            wait = max(_wait_of(event, now), _pause_of(webhook, now))
            if wait > timedelta():
                return RetryLater(wait.total_seconds(), count=False)
            self._send(webhook, event)
            if time.monotonic() - began >= TURN_SECONDS:
                break
        return RetryLater(0.0, count=False)

    def on_failure(self, key: str, sentence: str) -> None:
        """Log it; the next maintenance puts the job again."""
        log.error("events_not_sent", webhook=key, sentence=sentence)

    def _send(self, webhook: Webhook, event: OutboundEvent) -> None:
        now = self._services.now()
        keys, numbers = secret_keys(self._services.settings), webhook.secret_numbers(now)
        secrets = [secret_of(key, webhook.reference, number) for key in keys for number in numbers]
        answer = self._post(webhook.url, event.payload.encode(), signed_headers(event, secrets, now))
        outcome = self._store(webhook, event, answer)
        metrics.event_sent(event.type, outcome)
        log.info("event_sent", webhook=webhook.reference, id=event.event_id, status=answer.status, outcome=outcome)

    def _store(self, webhook: Webhook, event: OutboundEvent, answer: Answer) -> str:
        """Store what became of an attempt and return that in a word."""
        now = self._services.now()
        tried = {"last_at": now, "last_status": answer.status, "answer": answer.text, "attempts": event.attempts + 1}
        with self._services.database.begin() as tx:
            if answer.is_success:
                outbound_events.set_values(tx, event.id, state=EventState.DELIVERED.value, **tried)
                still = webhook.failing_since if outbound_events.are_failing(tx, webhook.id) else None
                if (webhook.failing_since, webhook.not_before) != (still, None):
                    webhooks.set_values(tx, webhook.id, failing_since=still, not_before=None)
                return "delivered"
            wait = wait_after(event.attempts + 1, self._services.clock.jitter())
            outbound_events.set_values(tx, event.id, **tried)
            if answer.status == HTTPStatus.GONE:
                self._disable(tx, webhook, GONE, now)
            elif wait is not None:
                outbound_events.set_values(tx, event.id, next_at=now + wait)
            else:
                outbound_events.set_values(tx, event.id, state=EventState.FAILED.value)
                if not outbound_events.was_taken_since(tx, webhook.id, event.created_at):
                    self._disable(tx, webhook, NO_SUCCESS, now)
            self._note_failure(tx, webhook, answer, now)
            return "failed" if wait is not None else "given_up"

    def _note_failure(self, tx: Transaction, webhook: Webhook, answer: Answer, now: datetime) -> None:
        """Store since when it fails and how long it is left alone, and have it told."""
        since = webhook.failing_since or now
        pause = None
        if answer.status in SLOWING:
            asked = timedelta(seconds=answer.retry_after or 0.0)
            pause = now + max(asked, SHORTEST_PAUSE, min((now - since) / 10, LONGEST_PAUSE))
        webhooks.set_values(tx, webhook.id, failing_since=since, not_before=pause)
        self._services.queue.put(tx, tasks.WEBHOOK_TROUBLE, str(webhook.id))

    def _disable(self, tx: Transaction, webhook: Webhook, reason: str, now: datetime) -> None:
        if not webhooks.disable(tx, webhook.id, reason, now):
            return
        outbound_events.give_up(tx, webhook.id)
        outcome = audit.joined("disabled", reason)
        entry = Entry(
            channel=Channel.SYSTEM,
            act=audit.WEBHOOKS,
            outcome=outcome,
            person_id=f"key:{webhook.key_id}",
            reference=webhook.reference,
        )
        audit.record(tx, entry, now)


def _wait_of(event: OutboundEvent, now: datetime) -> timedelta:
    """Return for how long an event waits; not at all where the clock was set back since."""
    was_set_back = (event.last_at or event.created_at) > now + CLOCK_SLACK
    return timedelta() if was_set_back else event.next_at - now


def _pause_of(webhook: Webhook, now: datetime) -> timedelta:
    """Return for how long a receiver is left alone; not at all where that is longer than it can have been meant."""
    pause = timedelta() if webhook.not_before is None else webhook.not_before - now
    return timedelta() if pause > LONGEST_ASKED + CLOCK_SLACK else pause
