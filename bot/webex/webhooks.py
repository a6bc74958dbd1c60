"""The webhooks of the bot's token, in the manifest's types."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot import manifest
from bot.errors import WebexError
from bot.manifest import Failure, Kind, sentence_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.manifest import Change, Existing, Wanted
    from bot.webex.chat import Chat

ALREADY_DELETED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})


class BotWebhooks:
    """The webhooks of the bot's token. Each call raises ``WebexError``."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def all(self) -> list[Existing]:
        """Return every webhook of the bot's token, also those of others."""
        return [
            manifest.Existing(
                id=hook.id,
                name=hook.name,
                target_url=hook.target_url,
                resource=hook.resource,
                event=hook.event,
                filter=hook.filter,
                status=hook.status,
                secret=hook.secret,
            )
            for hook in self._chat.webhooks()
        ]

    def create(self, wanted: Wanted, target_url: str, secret: str) -> None:
        """Register a webhook."""
        self._chat.create_webhook(
            name=wanted.name,
            target_url=target_url,
            resource=wanted.resource,
            event=wanted.event,
            secret=secret,
            webhook_filter=wanted.filter or None,
        )

    def update(self, webhook_id: str, wanted: Wanted, target_url: str, secret: str) -> None:
        """Set name, address and secret, and make it active."""
        self._chat.update_webhook(webhook_id, name=wanted.name, target_url=target_url, secret=secret)

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook; one that is gone already is no error."""
        try:
            self._chat.delete_webhook(webhook_id)
        except WebexError as error:
            if error.status not in ALREADY_DELETED:
                raise

    def apply(self, changes: Sequence[Change], target_url: str, secret: str) -> list[Failure]:
        """Make each change on its own; return those that failed, each with a sentence."""
        failed = []
        for change in changes:
            try:
                if change.wanted is None:
                    self.delete(change.webhook_id)
                elif change.kind is Kind.UPDATE:
                    self.update(change.webhook_id, change.wanted, target_url, secret)
                else:
                    self.create(change.wanted, target_url, secret)
            except WebexError as error:
                failed.append(Failure(change, sentence_of(error)))
        return failed
