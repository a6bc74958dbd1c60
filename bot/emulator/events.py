"""Events: which webhooks hear of something, how the calls go out, and what becomes of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.emulator import webhooks
from bot.emulator.directory import Directory
from bot.emulator.things import Delivery, Event, Webhook

if TYPE_CHECKING:
    from bot.emulator.webhooks import Courier


class Events(Directory):
    """Webhooks. Events go out through `courier`, or are kept in `undelivered` while `deliver_webhooks` is off."""

    def __init__(self) -> None:
        super().__init__()
        self.webhooks: dict[str, Webhook] = {}
        self.deliveries: list[Delivery] = []
        self.undelivered: list[Event] = []
        self.deliver_webhooks = True
        self.courier: Courier | None = None

    def _listeners(self, resource: str, event: str, data: Mapping[str, Any]) -> list[Webhook]:
        return [
            webhook
            for webhook in self.webhooks.values()
            if webhook.status == "active"
            and webhook.resource in ("all", resource)
            and webhook.event in ("all", event)
            and webhooks.passes_filter(webhook, data)
        ]

    def _send(self, event: Event) -> None:
        if self.deliver_webhooks and self.courier is not None:
            self.courier.send(event)
        else:
            self.undelivered.append(event)

    def redeliver(self, event: Event, times: int = 1) -> list[Delivery]:
        """Deliver an event (again) so many times at once, and wait for the outcomes."""
        if self.courier is None:
            raise RuntimeError("start the emulator before events are delivered")
        under_way = [self.courier.send(event) for _ in range(times)]
        return [future.result() for future in under_way]

    def note_delivery(self, delivery: Delivery) -> None:
        """Keep the outcome of a webhook call; failures may silence the webhook."""
        with self.change():
            self.deliveries.append(delivery)
            webhook = self.webhooks.get(delivery.event.webhook_id)
            if webhook is not None and not delivery.ok:
                webhooks.count_failure(webhook, self.clock())
