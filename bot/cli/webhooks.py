"""``reportbot webhooks``: see the webhooks of other systems, test them, send events again, and change their secrets.

They are registered by the HTTP API, since each belongs to a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot import app
from bot.cli.database import migrated
from bot.db import api_keys, audit, outbound_events, webhooks
from bot.db.audit import Channel, Entry
from bot.errors import BotError
from bot.logs import new_reference
from bot.outbound import events
from bot.outbound.secrets import secret_of
from bot.queue import open_queue
from bot.settings import secret_keys
from bot.text import count, one_line, when

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.webhooks import Webhook
    from bot.settings import Settings, StorageSettings

    Say = Callable[[str], None]

SHOWN: Final = 20
"""Events of one webhook that are shown."""


class NoSuchWebhookError(BotError):
    """No webhook has this ID. `reportbot webhooks list` shows them."""


class NoSuchEventError(BotError):
    """No event has this ID, or it was deleted after 30 days. `reportbot webhooks show ID` shows the last ones."""


class DisabledError(BotError):
    """This webhook is disabled. `reportbot webhooks recover ID --since TIME` enables it."""


def _find(tx: Transaction, wanted: str) -> Webhook:
    found = webhooks.with_reference(tx, wanted)
    if found is None:
        raise NoSuchWebhookError
    return found


def _record(tx: Transaction, outcome: str, webhook: Webhook) -> None:
    entry = Entry(channel=Channel.CLI, act=audit.WEBHOOKS, outcome=outcome, reference=webhook.reference)
    audit.record(tx, entry, app.now())


def show_all(settings: StorageSettings, say: Say) -> int:
    """Print the webhooks, a line each."""
    with migrated(settings) as database, database.read() as tx:
        keys = {one.id: one for one in api_keys.listed(tx)}
        lines = []
        for one in webhooks.listed(tx):
            key = keys.get(one.key_id)
            of_key = "no key" if key is None else f"key {key.name}{' (revoked)' if key.revoked_at else ''}"
            waiting = count(outbound_events.count_pending(tx, one.id), "event")
            lines.append(f"{one.reference}  {one.url}  {one.events}  {of_key}  {_state(one)}  {waiting} pending")
    for line in lines or ["There are no webhooks. Other systems register them by the API: POST /api/v1/webhooks."]:
        say(line)
    return 0


def _state(webhook: Webhook) -> str:
    if webhook.disabled_at is not None:
        return f"disabled {when(webhook.disabled_at)} ({webhook.disabled_reason})"
    return "works" if webhook.failing_since is None else f"failing since {when(webhook.failing_since)}"


def show(settings: StorageSettings, wanted: str, say: Say) -> int:
    """Print a webhook and its last events. Raises ``NoSuchWebhookError``."""
    with migrated(settings) as database, database.read() as tx:
        webhook = _find(tx, wanted)
        latest = outbound_events.latest(tx, webhook.id, SHOWN)
    say(f"{webhook.reference}  {webhook.url}  {_state(webhook)}")
    for one in latest:
        tried = count(one.attempts, "attempt")
        next_one = f", next {when(one.next_at)}" if one.state is outbound_events.EventState.PENDING else ""
        say(f"{one.event_id}  {one.type}  {when(one.created_at)}  {one.state.value}, {tried}{next_one}")
        if one.last_at is not None:
            status = "no answer" if one.last_status is None else str(one.last_status)
            say(f"    {when(one.last_at)}: {status} {one_line(one.answer or '', outbound_events.LONGEST_ANSWER)}")
    return 0


def test(settings: StorageSettings, wanted: str, say: Say) -> int:
    """Send a test event. Raises ``NoSuchWebhookError`` and ``DisabledError``."""
    with migrated(settings) as database, database.begin() as tx:
        queue = open_queue(database, settings.data_dir)
        webhook = _find(tx, wanted)
        if webhook.disabled_at is not None:
            raise DisabledError
        event_id = events.tell_test(tx, queue, webhook, new_reference(), app.now())
        _record(tx, "tested", webhook)
    say(f"{event_id} is being sent. `reportbot webhooks show {webhook.reference}` shows the answer.")
    return 0


def recover(settings: StorageSettings, wanted: str, since: datetime, say: Say) -> int:
    """Send again what it has not taken since a time, and enable it. Raises ``NoSuchWebhookError``."""
    with migrated(settings) as database, database.begin() as tx:
        queue = open_queue(database, settings.data_dir)
        webhook = _find(tx, wanted)
        number = events.recover(tx, queue, webhook, since, app.now())
        _record(tx, "recovered", webhook)
    say(f"Enabled. {count(number, 'event')} since {when(since)} will be sent again.")
    return 0


def replay(settings: StorageSettings, wanted: str, say: Say) -> int:
    """Send one event again, also when it was taken. Raises ``NoSuchEventError`` and ``DisabledError``."""
    with migrated(settings) as database, database.begin() as tx:
        queue = open_queue(database, settings.data_dir)
        event = outbound_events.get(tx, wanted)
        webhook = None if event is None else webhooks.get(tx, event.webhook_id)
        if event is None or webhook is None:
            raise NoSuchEventError
        if webhook.disabled_at is not None:
            raise DisabledError
        outbound_events.replay(tx, event, app.now())
        events.put_sending(tx, queue, webhook)
        _record(tx, "replayed", webhook)
    say(f"{event.event_id} is being sent again to {webhook.reference}.")
    return 0


def rotate(settings: Settings, wanted: str, say: Say) -> int:
    """Give it a new secret, and print that alone on the last line. Raises ``NoSuchWebhookError``."""
    with migrated(settings) as database, database.begin() as tx:
        webhook = _find(tx, wanted)
        number = webhooks.rotate(tx, webhook, app.now())
        _record(tx, "rotated", webhook)
    say("For 24 hours events are signed with both secrets. The new one is shown only now; keep it like a password:")
    say(secret_of(secret_keys(settings)[0], webhook.reference, number))
    return 0


def delete(settings: StorageSettings, wanted: str, say: Say) -> int:
    """Delete a webhook; what waits for it is not sent. Raises ``NoSuchWebhookError``."""
    with migrated(settings) as database, database.begin() as tx:
        webhook = _find(tx, wanted)
        webhooks.remove(tx, webhook.id)
        _record(tx, audit.DELETED, webhook)
    say(f"Deleted: {webhook.reference}.")
    return 0
