"""``/webhooks``, as a program calls it: registered, told, tested, recovered, deleted; and what is refused."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests
from standardwebhooks import Webhook as Verifier

from bot.db import audit
from bot.db.api_keys import Right
from bot.db.audit import Channel
from bot.emulator.things import Template
from bot.web.api.webhooks import MOST
from tests.api.conftest import running
from tests.api.test_subscriptions import schedule
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Api, Caller
    from tests.live_bot import LiveBot
    from tests.webex.loopback import Asked, Exchange, Loopback

PATIENCE = 15.0


@pytest.fixture
def api(stage_alone: LiveBot, database_file: Path) -> Iterator[Api]:
    stage_alone.environ["OUTBOUND_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    stage_alone.has_database(database_file)
    with running(stage_alone) as found:
        yield found


def register(caller: Caller, receiver: Loopback, *events: str) -> Any:
    body = {"url": f"http://{receiver.host}/hook", "events": list(events or ["delivery.delivered", "delivery.failed"])}
    return caller.post("/webhooks", body, status=201)


def verified(asked: Asked, secret: str) -> Any:
    """Return what a receiver with the library reads."""
    return Verifier(secret).verify(asked.body, asked.headers)


def test_a_delivery_is_told_and_verifies(api: Api, caller: Caller, receiver: Loopback) -> None:
    webhook = register(caller, receiver)
    assert webhook["secret"].startswith("whsec_")
    assert len(base64.b64decode(webhook["secret"].removeprefix("whsec_"), validate=True)) == 32
    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    until(lambda: receiver.asked)
    told = verified(receiver.asked[0], webhook["secret"])
    assert told["type"] == "delivery.delivered"
    assert told["data"] == {
        "id": made["id"],
        "status": "delivered",
        "reportId": report.id,
        "spaceId": api.live.group.id,
        "reference": made["id"],
    }
    assert abs(datetime.fromisoformat(told["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_schedule_that_the_api_pauses_is_told_once(api: Api, caller: Caller, receiver: Loopback) -> None:
    api.live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    register(caller, receiver, "schedule.paused")
    made = caller.post("/schedules", schedule(api), status=201)
    for _ in range(2):
        caller.call("PATCH", f"/schedules/{made['id']}", json={"status": "paused"})
    webhook = caller.get("/webhooks")["items"][0]
    caller.post(f"/webhooks/{webhook['id']}/test", None)
    until(lambda: len(receiver.asked) >= 2)
    paused, tested = (json.loads(one.body) for one in receiver.asked)
    about = {"id": made["id"], "cause": "person", "spaceId": api.live.group.id, "reference": made["id"]}
    assert (paused["type"], paused["data"]) == ("schedule.paused", about)
    assert tested["type"] == "webhook.test"


def test_the_secret_is_told_once_and_is_nowhere(api: Api, caller: Caller, receiver: Loopback) -> None:
    webhook = register(caller, receiver)
    (listed,) = caller.get("/webhooks")["items"]
    assert listed == {key: value for key, value in webhook.items() if key != "secret"}
    secret = webhook["secret"].removeprefix("whsec_").encode()
    for file in api.live.folder.iterdir():
        if file.is_file():
            assert secret not in file.read_bytes()
            assert base64.b64decode(secret) not in file.read_bytes()


def test_a_test_is_sent_and_its_answer_shown(caller: Caller, receiver: Loopback) -> None:
    webhook = register(caller, receiver)
    made = caller.post(f"/webhooks/{webhook['id']}/test", None)
    until(lambda: caller.get("/webhooks")["items"][0]["lastAttempt"])
    assert verified(receiver.asked[0], webhook["secret"])["type"] == "webhook.test"
    (shown,) = caller.get("/webhooks")["items"]
    last = shown["lastAttempt"]
    assert (last["eventId"], last["status"], last["answer"]) == (made["eventId"], 200, "thanks")
    assert (shown["pending"], shown["failingSince"], shown["disabledAt"]) == (0, None, None)


def test_what_was_missed_is_recovered(caller: Caller, receiver: Loopback) -> None:
    webhook = register(caller, receiver)
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    receiver.always(410, b"gone")
    missed = caller.post(f"/webhooks/{webhook['id']}/test", None)["eventId"]
    until(lambda: caller.get("/webhooks")["items"][0]["disabledAt"])
    assert caller.get("/webhooks")["items"][0]["disabledReason"] == "gone"
    problem = caller.post(f"/webhooks/{webhook['id']}/test", None, status=409)
    assert problem["type"].endswith("/webhook-disabled")
    receiver.forget()
    assert caller.post(f"/webhooks/{webhook['id']}/recover", {"since": since}) == {"events": 1}
    until(lambda: receiver.asked)
    assert receiver.asked[0].headers["webhook-id"] == missed
    until(lambda: caller.get("/webhooks")["items"][0]["lastAttempt"]["status"] == 200)
    assert caller.post(f"/webhooks/{webhook['id']}/recover", {"since": since}) == {"events": 0}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"since": "yesterday"},
        {"since": "2026-11-29T10:00:00"},
        {"since": None},
        {"since": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_recover_needs_a_time_with_its_zone(caller: Caller, receiver: Loopback, body: dict[str, object]) -> None:
    webhook = register(caller, receiver)
    caller.post(f"/webhooks/{webhook['id']}/recover", body, status=422)


def test_a_webhook_is_deleted(api: Api, caller: Caller, receiver: Loopback) -> None:
    webhook = register(caller, receiver)
    receiver.always(500)
    caller.post(f"/webhooks/{webhook['id']}/test", None)
    caller.call("DELETE", f"/webhooks/{webhook['id']}", status=204)
    caller.call("DELETE", f"/webhooks/{webhook['id']}", status=404)
    assert caller.get("/webhooks")["items"] == []
    with api.database.read() as tx:
        rows = [one for one in audit.latest(tx, 50) if one.channel is Channel.API and one.reference][::-1]
    assert [(one.act, one.outcome, one.reference) for one in rows] == [
        ("post_register_webhook", "registered", webhook["id"]),
        ("post_test_webhook", "allowed", webhook["id"]),
        ("delete_delete_webhook", "deleted", webhook["id"]),
    ]


def test_another_keys_webhooks_are_not_seen(api: Api, caller: Caller, receiver: Loopback) -> None:
    webhook = register(caller, receiver)
    other = api.caller(name="other")
    assert other.get("/webhooks")["items"] == []
    for method, path in (("DELETE", ""), ("POST", "/test"), ("POST", "/recover")):
        how = {"json": {"since": "2026-11-29T10:00:00Z"}} if path == "/recover" else {}
        assert other.call(method, f"/webhooks/{webhook['id']}{path}", status=404, **how)["type"].endswith("/not-found")
    assert len(caller.get("/webhooks")["items"]) == 1


def test_without_the_right_nothing_is_possible(api: Api, receiver: Loopback) -> None:
    caller = api.caller(rights=[Right.DELIVER, Right.CREATE], name="less")
    body = {"url": f"http://{receiver.host}/hook", "events": ["webhook.test"]}
    assert "manage" in caller.post("/webhooks", body, status=403)["detail"]
    caller.get("/webhooks", status=403)
    caller.call("DELETE", "/webhooks/x", status=403)
    caller.post("/webhooks/x/test", None, status=403)


@pytest.mark.parametrize(
    "url",
    [
        *("https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "https://2852039166/", "http://8.8.8.8/"),
        *("https://user@hooks.example.com/", "https://[::ffff:10.0.0.1]/", "ftp://hooks.example.com/", "hooks"),
        "https://no-such-host.invalid/",
    ],
)
def test_an_address_that_is_not_allowed(caller: Caller, url: str) -> None:
    problem = caller.post("/webhooks", {"url": url, "events": ["webhook.test"]}, status=422)
    assert problem["type"] == "/api/v1/docs/errors/address-not-allowed"
    assert problem["detail"]
    assert caller.get("/webhooks")["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "https://8.8.8.8/"},
        {"url": "https://8.8.8.8/", "events": []},
        {"url": "https://8.8.8.8/", "events": ["report.deleted"]},
        {"url": "https://8.8.8.8/", "events": ["report.ready", "report.ready"]},
        {"url": "", "events": ["report.ready"]},
        {"url": 5, "events": ["report.ready"]},
        {"url": "https://8.8.8.8/", "events": ["report.ready"], "secret": "mine"},
    ],
)
def test_a_wrong_body(caller: Caller, body: dict[str, object]) -> None:
    assert caller.post("/webhooks", body, status=422)["errors"]


def test_a_key_may_have_so_many(api: Api, caller: Caller, receiver: Loopback) -> None:
    for _ in range(MOST):
        register(caller, receiver)
    body = {"url": f"http://{receiver.host}/hook", "events": ["webhook.test"]}
    assert caller.post("/webhooks", body, status=409)["type"].endswith("/limit-reached")
    register(api.caller(name="other"), receiver)


def test_a_receiver_that_hangs_holds_up_nobody(api: Api, caller: Caller, receiver: Loopback) -> None:
    """Four hang, as many as there are threads for events; people and the API get their answers as before."""
    over = threading.Event()

    def hangs(exchange: Exchange, _: Asked) -> None:
        over.wait(PATIENCE)
        exchange.close_connection = True

    receiver.answer(hangs)
    other = api.caller(name="other")
    for one in (caller, caller, other, other):  # a key alone has three of the threads at most
        webhook = register(one, receiver)
        one.post(f"/webhooks/{webhook['id']}/test", None)
    until(lambda: len(receiver.asked) == 4)
    began = time.monotonic()
    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    assert caller.ended(made["id"])["status"] == "delivered"
    api.live.at(api.live.ada).says("help").answer()
    assert time.monotonic() - began < 8
    assert len(receiver.asked) == 4
    over.set()


def test_answers_are_as_the_document_says(api: Api, caller: Caller, receiver: Loopback) -> None:
    document = requests.get(f"{api.address}/api/v1/openapi.json", timeout=10).json()

    def fits(name: str, answer: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)

    webhook = register(caller, receiver)
    fits("RegisteredWebhook", webhook)
    fits("Tested", caller.post(f"/webhooks/{webhook['id']}/test", None))
    until(lambda: caller.get("/webhooks")["items"][0]["lastAttempt"])
    fits("Webhooks", caller.get("/webhooks"))
    fits("Recovered", caller.post(f"/webhooks/{webhook['id']}/recover", {"since": "2026-11-29T10:00:00Z"}))
    fits("Error", caller.post("/webhooks", {"url": "https://10.0.0.1/", "events": ["webhook.test"]}, status=422))
    assert json.loads(receiver.asked[0].body)["type"] == "webhook.test"
