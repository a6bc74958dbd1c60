"""Workers that are killed while events are written and sent: each event arrives, with one ID, and verifies."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from typing import TYPE_CHECKING

import pytest
import requests
from standardwebhooks import Webhook as Verifier

from bot import app
from bot.db import api_keys
from bot.db.api_keys import Right
from tests.api.conftest import Caller
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Start
    from tests.killed.program import Program
    from tests.live_bot import LiveBot
    from tests.outbound.conftest import Receiver
    from tests.webex.loopback import Asked, Exchange

DELIVERIES, KILLS = 6, 3


@pytest.fixture
def key(stage_alone: LiveBot, database_file: Path) -> str:
    """A key of the API, made before the program starts."""
    stage_alone.environ["OUTBOUND_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    stage_alone.has_database(database_file)
    database = app.open_database(stage_alone.settings())
    with database.begin() as tx:
        made = api_keys.create(tx, "kills", None, list(Right), created_by="command line", now=app.now())
    database.close()
    return made


@pytest.fixture
def program(key: str, start: Start) -> Program:
    return start()


@pytest.fixture
def caller(program: Program, key: str) -> Caller:
    return Caller(program.url, key)


def registered(caller: Caller, receiver: Receiver) -> dict[str, str]:
    body = {"url": f"http://{receiver.host}/", "events": ["delivery.delivered", "delivery.failed"]}
    made: dict[str, str] = caller.post("/webhooks", body, status=201)
    return made


@pytest.mark.threads_listed
def test_kills_at_random_lose_no_event(
    stage_alone: LiveBot, program: Program, caller: Caller, receiver: Receiver
) -> None:
    verifier = Verifier(registered(caller, receiver)["secret"])

    def answer(exchange: Exchange, _: Asked) -> None:
        threading.Event().wait(0.1)  # so that a kill may come after the receiver has taken it, before we know
        exchange.reply(204)

    receiver.answer(answer)
    chance, ordered = random.Random(16), []
    for number in range(DELIVERIES):
        order = {"reportId": stage_alone.partner_report(f"Report {number}").id, "spaceId": stage_alone.group.id}
        ordered.append(caller.post("/deliveries", order)["id"])
    for _ in range(KILLS):
        before = len(receiver.asked)
        until(lambda before=before: len(receiver.asked) > before, "an event")  # type: ignore[misc]
        threading.Event().wait(chance.uniform(0, 0.2))
        os.kill(program.worker(), signal.SIGKILL)

    def told() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in list(receiver.asked):
            found.setdefault(json.loads(one.body)["data"]["id"], set()).add(one.headers["webhook-id"])
        return found

    until(lambda: told().keys() == set(ordered), "every delivery's event")
    assert all(len(ids) == 1 for ids in told().values())
    for one in receiver.asked:
        assert verifier.verify(one.body, one.headers)["type"].startswith("delivery.")


def test_a_worker_that_is_killed_while_a_receiver_takes_its_time(
    program: Program, caller: Caller, receiver: Receiver
) -> None:
    over = threading.Event()

    def answer(exchange: Exchange, _: Asked) -> None:
        over.wait(20)
        exchange.reply(204)

    receiver.answer(answer)
    webhook = registered(caller, receiver)["id"]
    event_id = caller.post(f"/webhooks/{webhook}/test", None)["eventId"]
    until(lambda: receiver.asked, "the event")
    os.kill(program.worker(), signal.SIGKILL)
    over.set()
    until(lambda: len(receiver.asked) == 2, "the event again")
    assert receiver.ids == [event_id, event_id]


def test_the_web_process_learns_a_secret_without_the_secret_key(
    program: Program, caller: Caller, receiver: Receiver
) -> None:
    """The two are processes of their own, and the web process is not given ``SECRET_KEY``."""
    webhook = registered(caller, receiver)
    caller.post(f"/webhooks/{webhook['id']}/test", None)
    until(lambda: receiver.asked, "the event")
    assert Verifier(webhook["secret"]).verify(receiver.last.body, receiver.last.headers)["type"] == "webhook.test"
    log = program.log.read_text()
    assert webhook["secret"].removeprefix("whsec_") not in log
    assert requests.get(f"{program.url}/healthz", timeout=10).ok
