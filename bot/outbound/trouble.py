"""Tell, once, that a webhook fails, and that it was disabled: the operators' space, and who made its key in chat.

What is told follows from the webhook's row alone, so the task may run at any moment and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.db import api_keys, audit, key_values, outbound_events, webhooks
from bot.errors import BotError
from bot.messages import outbound as messages
from bot.outbound.addresses import place_of
from bot.webex.types import Target

if TYPE_CHECKING:
    from bot.db.api_keys import ApiKey
    from bot.db.webhooks import Webhook
    from bot.services import Services

log = structlog.get_logger(__name__)

COMMAND_LINE: Final = "command line"
"""Who has made a key that nobody has made in chat."""


class WebhookTrouble:
    """The task behind these messages; the key is the webhook's row."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> None:
        """Tell what its row says now. Raises ``BotError`` that passes."""
        with self._services.database.read() as tx:
            webhook = webhooks.get(tx, int(key))
            api_key = None if webhook is None else api_keys.get(tx, webhook.key_id)
            tried = None if webhook is None else outbound_events.last_tried(tx, webhook.id)
        if webhook is None or api_key is None:
            return
        host = place_of(webhook.url).host
        if webhook.disabled_at is not None:
            name, since = "disabled", webhook.disabled_at
            text = messages.disabled(webhook, api_key.name, host)
        elif webhook.failing_since is not None and tried is not None:
            name, since = "failing", webhook.failing_since
            text = messages.failing(webhook, api_key.name, host, tried)
        else:
            return
        self._tell(f"webhook:{webhook.reference}:{name}:{since.isoformat()}", api_key, webhook, text)

    def on_failure(self, key: str, sentence: str) -> None:
        """Log that nobody could be told; the log and the audit have what happened."""
        log.error("webhook_trouble_not_told", webhook=key, sentence=sentence)

    def _tell(self, key: str, api_key: ApiKey, webhook: Webhook, text: str) -> None:
        services, space = self._services, self._services.settings.operators_space
        if space is not None:
            with services.database.read() as tx:
                where = key_values.operators_space(tx, space)
            self._send(f"{key}:operators", Target(room_id=where), text)
        maker = api_key.created_by
        if maker != COMMAND_LINE and not audit.is_pseudonym(maker):
            self._send(f"{key}:maker", Target(person_id=maker, direct=True), text)
        log.info("webhook_trouble", webhook=webhook.reference, disabled=webhook.disabled_at is not None)

    def _send(self, key: str, target: Target, text: str) -> None:
        """Send one of the two messages: what can't be told to one is told to the other."""
        try:
            self._services.outbox.send(key, target, text)
        except BotError as error:
            if error.passing:
                raise
            log.info("webhook_trouble_not_told", cause=str(error))
