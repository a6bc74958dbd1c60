"""The program in pieces, a receiver on this machine, and keys and webhooks as rows."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import api_keys, outbound_events, webhooks
from bot.db.api_keys import ApiKey, Right
from bot.db.webhooks import EventType, Webhook
from bot.outbound import events
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.db.outbound_events import OutboundEvent
    from tests.stepped_bot import SteppedBot
    from tests.webex.loopback import Asked

EVERYTHING = ",".join(EventType)
LETTERS = "abcdefgh"


@pytest.fixture
def settings() -> dict[str, str]:
    return {"OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"}


class Receiver(Loopback):
    """A receiver that takes everything unless told otherwise."""

    @property
    def told(self) -> list[dict[str, Any]]:
        """Return what it was sent."""
        return [json.loads(one.body) for one in self.asked]

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.asked]

    @property
    def last(self) -> Asked:
        return self.asked[-1]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.always(200, b"thanks")
    yield made
    made.stop()


class Stage:
    """The bot, and what other systems have registered with it."""

    def __init__(self, stepped: SteppedBot, receiver: Receiver) -> None:
        self.stepped = stepped
        self.receiver = receiver
        self._numbers = count(1)

    def key(
        self, spaces: Sequence[str] | None = None, name: str = "nightly", *, created_by: str = "command line"
    ) -> ApiKey:
        """Make a key, for all spaces unless told otherwise."""
        with self.stepped.database.begin() as tx:
            api_keys.create(tx, name, spaces, list(Right), created_by=created_by, now=self.stepped.clock())
            return api_keys.listed(tx)[-1]

    def webhook(self, key: ApiKey | None = None, *, heard: str = EVERYTHING, url: str = "") -> Webhook:
        """Register a webhook at the receiver."""
        reference = LETTERS[next(self._numbers)] * 8
        values = {
            "reference": reference,
            "key_id": (key or self.key()).id,
            "url": url or f"http://{self.receiver.host}/hook",
            "events": heard,
            "created_at": self.stepped.clock(),
        }
        with self.stepped.database.begin() as tx:
            webhooks.add(tx, values)
            made = webhooks.with_reference(tx, reference)
        assert made is not None
        return made

    def test(self, webhook: Webhook, about: str = "one") -> str:
        """Write a test event and return its ID."""
        with self.stepped.database.begin() as tx:
            return events.tell_test(tx, self.stepped.queue, webhook, about, self.stepped.clock())

    def stored(self, webhook: Webhook) -> Webhook:
        """Return the webhook as it is now."""
        with self.stepped.database.read() as tx:
            found = webhooks.get(tx, webhook.id)
        assert found is not None
        return found

    def event(self, event_id: str) -> OutboundEvent:
        with self.stepped.database.read() as tx:
            found = outbound_events.get(tx, event_id)
        assert found is not None
        return found

    def events(self, webhook: Webhook) -> list[OutboundEvent]:
        """Return its events, the oldest first."""
        with self.stepped.database.read() as tx:
            return outbound_events.latest(tx, webhook.id, 100)[::-1]


@pytest.fixture
def stage(stepped: SteppedBot, receiver: Receiver) -> Stage:
    return Stage(stepped, receiver)
