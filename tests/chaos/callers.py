"""Programs that call the HTTP API: each order is repeated until it is answered, twice at once, and once more later."""

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
    from concurrent.futures import Future

    from bot.emulator.report import Report
    from tests.chaos.plan import Order
    from tests.live_bot import LiveBot

PAUSE = 0.4
"""Seconds before an order that was not answered is sent again."""
TIME_OUT = 15.0
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
    path: str
    body: dict[str, Any]
    answers: list[str] = field(default_factory=list)
    """The references that the answers told."""
    wrong: list[str] = field(default_factory=list)


class Callers:
    """Send orders; what one space gets nobody else asks for."""

    def __init__(self, live: LiveBot, url: str) -> None:
        self._stage, self._url = live, url
        self._world = live.emulator.world
        self.space = self._world.add_space("Ordered reports", [live.ada, live.bot])
        self.ordered: list[Ordered] = []
        self._keys: list[str] = []
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="chaos-callers")
        self._under_way: list[Future[None]] = []
        self._ended = threading.Event()
        self.calls: dict[str, int] = defaultdict(int)
        """By status, or by what went wrong with the connection."""

    def begin(self) -> None:
        """Make the keys."""
        database = app.open_database(self._stage.settings())
        with database.begin() as tx:
            self._keys = [
                api_keys.create(tx, f"program {number}", None, tuple(Right), created_by="test", now=datetime.now(UTC))
                for number in range(KEYS)
            ]
        database.close()

    def order(self, step: Order) -> None:
        """Send one order, twice at once."""
        one = self._run(step) if step.runs else self._delivery(step)
        self.ordered.append(one)
        self._under_way += [self._pool.submit(self._send, one) for _ in range(2)]

    def _delivery(self, step: Order) -> Ordered:
        make = self._stage.partner_report if step.family == "partner" else self._stage.organization_report
        title = f"Ordered {step.number:03}"
        report: Report = make(title, content=f"\ufeffNumber\r\n{title}\r\n".encode())
        wanted = {"title": title} if step.by_title else {"reportId": report.id}
        return Ordered(step, title, "/deliveries", wanted | {"spaceId": self.space.id})

    def _run(self, step: Order) -> Ordered:
        title, day = f"Made {step.number:03}", (FIRST_DAY + timedelta(days=step.number)).isoformat()
        self._world.add_template(Template(FIRST_TEMPLATE + step.number, step.family, title, "Teams"))
        about = {"family": step.family, "templateId": FIRST_TEMPLATE + step.number, "startDate": day, "endDate": day}
        return Ordered(step, title, "/reports", about | {"deliverTo": {"spaceId": self.space.id}})

    def _send(self, one: Ordered) -> None:
        key = self._keys[one.step.number % len(self._keys)]
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"order-{one.step.number}"}
        while not self._ended.is_set():
            try:
                answer = requests.post(
                    f"{self._url}/api/v1{one.path}", json=one.body, headers=headers, timeout=TIME_OUT
                )
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
        """Send every order once more, as who has lost the answers."""
        self._under_way += [self._pool.submit(self._send, one) for one in self.ordered]

    @property
    def idle(self) -> bool:
        """Return True when every order was answered."""
        return all(one.done() for one in self._under_way)

    def close(self) -> None:
        """End what is under way."""
        self._ended.set()
        self._pool.shutdown()
        for one in self._under_way:
            one.result()

    def made_for(self, one: Ordered) -> list[Report]:
        """Return the reports that Webex has created for an order to run one."""
        with self._world.lock:
            return [report for report in self._world.reports.values() if one.step.runs and report.title == one.title]
