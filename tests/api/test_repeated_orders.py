"""``Idempotency-Key`` where something is made that stays, and how much of it a key may have."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import api_tables, audit, hooks
from bot.db.audit import Channel
from bot.emulator.things import Template
from bot.web.api import hooks as hooks_of_api
from bot.web.api import owned
from tests.api.conftest import running
from tests.api.test_subscriptions import schedule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Api, Caller
    from tests.live_bot import LiveBot
    from tests.webex.loopback import Loopback

ROUTES = ("/subscriptions", "/schedules", "/hooks", "/webhooks")
AT_ONCE = 8


@pytest.fixture
def api(stage_alone: LiveBot, database_file: Path) -> Iterator[Api]:
    stage_alone.environ["OUTBOUND_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    stage_alone.has_database(database_file)
    stage_alone.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    with running(stage_alone) as found:
        yield found


def order(api: Api, route: str, receiver: Loopback) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an order to make something, and another one."""
    space = {"spaceId": api.live.group.id}
    events = {"url": f"http://{receiver.host}/hook", "events": ["webhook.test"]}
    return {
        "/subscriptions": ({"words": "usage", **space}, {"words": "quality", **space}),
        "/schedules": (schedule(api), schedule(api, period="last month")),
        "/hooks": ({"action": "deliver", "title": "usage", **space}, {"action": "deliver", "title": "other", **space}),
        "/webhooks": (events, events | {"url": f"http://{receiver.host}/other"}),
    }[route]


@pytest.mark.parametrize("route", ROUTES)
def test_the_same_order_again_also_at_once_makes_one_thing(
    api: Api, caller: Caller, receiver: Loopback, route: str
) -> None:
    body, other = order(api, route, receiver)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: caller.post(route, body, status=201, once="same"), range(AT_ONCE)))
    answers.append(caller.post(route, body, status=201, once='"same"'))
    assert all(one == answers[0] for one in answers)
    assert [one["id"] for one in caller.get(route)["items"]] == [answers[0]["id"]]
    problem = caller.post(route, other, status=422, once="same")
    assert problem["type"].endswith("/idempotency-key-reused")
    if route != "/webhooks":  # a second one with the same address is no mistake there
        api.caller(name="another").post(route, body, status=201, once="same")


def test_each_of_these_calls_is_in_the_audit(api: Api, caller: Caller, receiver: Loopback) -> None:
    body, _ = order(api, "/hooks", receiver)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: caller.post("/hooks", body, status=201, once="same"), range(AT_ONCE)))
    with api.database.read() as tx:
        rows = [one for one in audit.latest(tx, 2 * AT_ONCE) if one.channel is Channel.API]
    assert [one.act for one in rows] == ["post_create_hook"] * AT_ONCE


@pytest.mark.parametrize("route", ["/hooks", "/webhooks"])
def test_a_stored_answer_with_a_secret_is_not_readable(
    api: Api, caller: Caller, receiver: Loopback, route: str
) -> None:
    body, _ = order(api, route, receiver)
    made = caller.post(route, body, status=201, once="same")
    secret = made["url"].rpartition("/")[2] if route == "/hooks" else made["secret"]
    assert secret.startswith(hooks.START if route == "/hooks" else "whsec_")
    with api.database.read() as tx:
        (answer,) = tx.execute(api_tables.api_answers.select()).all()
    assert secret not in answer.answer
    assert list(json.loads(answer.answer)) == ["sealed"]


@pytest.mark.parametrize("route", ROUTES[:3])
def test_a_key_may_have_so_many(
    api: Api, caller: Caller, receiver: Loopback, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned, "MOST", 2)
    monkeypatch.setattr(hooks_of_api, "MOST", 2)
    orders = [{**order(api, route, receiver)[0], **more} for more in _different(route)]
    with ThreadPoolExecutor(len(orders)) as pool:
        answers = list(
            pool.map(
                lambda one: caller.session.post(f"{caller.address}/api/v1{route}", json=one, timeout=40),
                orders,
            )
        )
    assert sorted(one.status_code for one in answers) == [201, 201, 409, 409]
    problem = next(one.json() for one in answers if one.status_code == 409)
    assert problem["type"].endswith("/limit-reached")
    assert problem["detail"] == f"A key may have 2 {route.removeprefix('/')}."
    made = caller.get(route)["items"]
    assert len(made) == 2
    caller.call("DELETE", f"{route}/{made[0]['id']}", status=204)
    caller.post(route, orders[0], status=201)
    api.caller(name="another").post(route, orders[0], status=201)


def _different(route: str) -> list[dict[str, Any]]:
    """Return what makes four orders for the same thing different; of subscriptions the same one stays one."""
    return [{"words": f"usage {number}"} if route == "/subscriptions" else {} for number in range(4)]
