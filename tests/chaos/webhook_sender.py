"""How webhooks are delivered: each event goes once, ten times at once, late, or not at all.

The emulator only collects them; here is decided what becomes of each. Webex gives no second delivery.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.emulator import Emulator
    from bot.emulator.things import Delivery, Event

LATE = 2.0
"""Seconds."""
TIMES = {"once": 1, "late": 1, "ten": 10}


class WebhookSender:
    """Send the emulator's events; `send_due` is to be called often, by the thread that also speaks for the people."""

    def __init__(self, emulator: Emulator) -> None:
        emulator.deliver_webhooks = False
        self._world = emulator.world
        self._fates: dict[str, str] = {}
        self._expected: set[str] = set()
        self._late: list[tuple[float, Event]] = []
        self._pool = ThreadPoolExecutor(12, thread_name_prefix="chaos-webhooks")
        self._under_way: list[tuple[str, Future[list[Delivery]]]] = []
        self.received: set[str] = set()
        """Events of people that a web process took."""
        self.missed: dict[str, float] = {}
        """Those that nobody will deliver again, and since when."""
        self.fates: Counter[str] = Counter()
        self.silenced = 0
        """How often a webhook was silenced after too many failures."""

    def decide(self, data_id: str, fate: str) -> None:
        """What becomes of the event about this message or press."""
        self._fates[data_id] = fate
        self._expected.add(data_id)
        self.fates[fate] += 1

    def send_due(self) -> None:
        """Send what is due, and note what came of what was sent."""
        with self._world.lock:
            fresh, self._world.undelivered[:] = list(self._world.undelivered), []
            silenced = [hook for hook in self._world.webhooks.values() if hook.status != "active"]
            for hook in silenced:  # an operator sees it in the bot's trouble, and runs `manifest apply`
                hook.status, hook.disabled_at = "active", None
        self.silenced += len(silenced)
        now = time.monotonic()
        never_made = self._expected - {event.data_id for event in fresh}
        self.missed.update(dict.fromkeys(never_made, now))
        self._expected.clear()
        for event in fresh:
            match self._fates.get(event.data_id, "once"):
                case "lost":
                    self.missed[event.data_id] = now
                case "late":
                    self._late.append((now + LATE, event))
                case fate:
                    self._send(event, TIMES[fate])
        due = [event for at, event in self._late if at <= now]
        self._late = [(at, event) for at, event in self._late if at > now]
        for event in due:
            self._send(event, 1)
        self._note(now)

    def _send(self, event: Event, times: int) -> None:
        self._under_way.append((event.data_id, self._pool.submit(self._world.redeliver, event, times)))

    def _note(self, now: float) -> None:
        for data_id, sent in [one for one in self._under_way if one[1].done()]:
            if data_id not in self._fates:
                continue  # the bot's own messages
            if any(delivery.ok for delivery in sent.result()):
                self.received.add(data_id)
            else:
                self.missed[data_id] = now
        self._under_way = [one for one in self._under_way if not one[1].done()]

    @property
    def empty(self) -> bool:
        """Return True when nothing is on its way."""
        return not self._late and not self._under_way and not self._world.undelivered

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()
