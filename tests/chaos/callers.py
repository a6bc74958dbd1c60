"""Programs that call the HTTP API and hooks: each order is repeated until it is answered, and sent twice at once."""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests

from bot import app
from bot.db import api_keys
from bot.db.api_keys import Right
from bot.emulator.things import Template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from bot.emulator.report import Report
    from tests.chaos.plan import Order
    from tests.chaos.receiver import Receiver
    from tests.live_bot import LiveBot

PAUSE = 0.4
"""Seconds before an order that was not answered is sent again."""
TIME_OUT = 15.0
ORDERED = "Ordered"
FIRST_TEMPLATE = 3000
FIRST_DAY = date(2025, 10, 1)
OUR_FAULT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY})
"""Never an answer to these orders; other refusals may be what Webex said to a question, and are asked again."""
KEYS = 4
"""Each has a limit of its own."""


@dataclass
class Ordered:
    """An order, and what it was answered."""

    step: Order
    title: str
    address: str
    body: dict[str, Any]
    answers: list[str] = field(default_factory=list)
    """The references that the answers told."""
    wrong: list[str] = field(default_factory=list)


class Callers:
    """Send orders; what one space gets nobody else asks for."""

    def __init__(self, live: LiveBot, url: str, receiver: Receiver) -> None:
        self._stage, self._url = live, f"{url}/api/v1"
        self.receiver = receiver
        self._hooks: dict[int, str] = {}
        self._world = live.emulator.world
        self.space = self._world.add_space("Ordered reports", [live.ada, live.bot])
        self.ordered: list[Ordered] = []
        self._keys: list[str] = []
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="chaos-callers")
        self._under_way: list[Future[None]] = []
        self._ended = threading.Event()
        self.calls: dict[str, int] = defaultdict(int)
        """By status, or by what went wrong with the connection."""

    def begin(self, steps: Sequence[Order]) -> None:
        """Make the keys, the hooks, and the webhook that is told of what becomes of all orders."""
        database, owner = app.open_database(self._stage.settings()), self._stage.ada.id
        with database.begin() as tx:
            self._keys = [
                api_keys.create(tx, f"program {number}", None, tuple(Right), created_by=owner, now=datetime.now(UTC))
                for number in range(KEYS)
            ]
        database.close()
        events = {"url": self.receiver.url, "events": ["delivery.delivered", "delivery.failed"]}
        self.receiver.secret = self._made("/webhooks", events)["secret"]
        for step in steps:
            if step.by_hook:
                self._hooks[step.number] = self._made("/hooks", self._hook(step))["url"]

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._keys[0]}"}
        answer = requests.post(f"{self._url}{path}", json=body, headers=headers, timeout=TIME_OUT)
        assert answer.status_code == HTTPStatus.CREATED, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _hook(self, step: Order) -> dict[str, Any]:
        if not step.runs:
            return {"action": "deliver", "spaceId": self.space.id, "title": f"{ORDERED} {step.number:03}"}
        about = {"action": "create", "family": step.family, "templateId": FIRST_TEMPLATE + step.number}
        return about | {"spaceId": self.space.id, "period": "yesterday"}

    def order(self, step: Order) -> None:
        """Send one order, twice at once."""
        one = self._run(step) if step.runs else self._delivery(step)
        self.ordered.append(one)
        self._under_way += [self._pool.submit(self._send, one) for _ in range(2)]

    def _delivery(self, step: Order) -> Ordered:
        make = self._stage.partner_report if step.family == "partner" else self._stage.organization_report
        title = f"{ORDERED} {step.number:03}"
        report: Report = make(title, content=f"\ufeffNumber\r\n{title}\r\n".encode())
        if step.by_hook:
            return Ordered(step, title, self._hooks[step.number], {})
        wanted = {"title": title} if step.by_title else {"reportId": report.id}
        return Ordered(step, title, f"{self._url}/deliveries", wanted | {"spaceId": self.space.id})

    def _run(self, step: Order) -> Ordered:
        title, day = f"Made {step.number:03}", (FIRST_DAY + timedelta(days=step.number)).isoformat()
        self._world.add_template(Template(FIRST_TEMPLATE + step.number, step.family, title, "Teams"))
        if step.by_hook:
            return Ordered(step, title, self._hooks[step.number], {})
        about = {"family": step.family, "templateId": FIRST_TEMPLATE + step.number, "startDate": day, "endDate": day}
        return Ordered(step, title, f"{self._url}/reports", about | {"deliverTo": {"spaceId": self.space.id}})

    def _send(self, one: Ordered) -> None:
        key = self._keys[one.step.number % len(self._keys)]
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"order-{one.step.number}"}
        if one.step.by_hook:
            headers = {}
        while not self._ended.is_set():
            try:
                answer = requests.post(one.address, json=one.body, headers=headers, timeout=TIME_OUT)
            except requests.RequestException as error:
                self.calls[type(error).__name__] += 1
            else:
                self.calls[str(answer.status_code)] += 1
                if answer.status_code == HTTPStatus.ACCEPTED:
                    one.answers.append(answer.json()["reference"])
                    return
                if answer.status_code in OUR_FAULT:
                    one.wrong.append(f"{answer.status_code} {answer.text[:200]}")
                    return
            self._ended.wait(PAUSE)

    def repeat(self) -> None:
        """Send every order once more, as who has lost the answers; after a minute a hook would take it for another."""
        self._under_way += [self._pool.submit(self._send, one) for one in self.ordered if not one.step.by_hook]

    @property
    def idle(self) -> bool:
        """Return True when every order was answered."""
        return all(one.done() for one in self._under_way)

    def close(self) -> None:
        """End what is under way."""
        self._ended.set()
        self.receiver.close()
        self._pool.shutdown()
        for one in self._under_way:
            one.result()

    def made_for(self, one: Ordered) -> list[Report]:
        """Return the reports that Webex has created for an order to run one."""
        with self._world.lock:
            return [report for report in self._world.reports.values() if one.step.runs and report.title == one.title]
