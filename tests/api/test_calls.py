"""Who may call: keys, https, limits, the audit; and what an outsider learns: nothing."""

from __future__ import annotations

import html
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import jsonschema
import pytest
import requests
from sqlalchemy import text

from bot.db import audit
from bot.db.audit import Channel
from bot.web.api.call_limit import CALLS_PER_MINUTE
from bot.web.api.problems import KINDS

if TYPE_CHECKING:
    from tests.api.conftest import Api, Caller

PATHS = ("/deliveries", "/deliveries/x", "/reports", "/reports/x", "/templates")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic abc", "Bearer rbk_", "Bearer rbk_AAAA", "Bearer ä", f"Bearer rbk_{'A' * 43}"],
)
def test_without_a_key_that_is_known_nothing_is_answered(api: Api, path: str, header: str) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    answer = requests.get(f"{api.address}/api/v1{path}", headers=headers, timeout=10)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/api/v1/docs/errors/unauthorized"


def test_a_revoked_key_is_refused_at_once(api: Api, caller: Caller) -> None:
    caller.get("/deliveries")
    api.revoke()
    caller.get("/deliveries", status=401)


def test_plain_http_from_beyond_the_proxy_is_refused_and_not_redirected(api: Api, caller: Caller) -> None:
    problem = caller.get("/deliveries", status=403, headers={"X-Forwarded-Proto": "http"}, allow_redirects=False)
    assert problem["type"].endswith("/https-required")
    caller.get("/deliveries", headers={"X-Forwarded-Proto": "https"})


def test_the_key_itself_is_nowhere(api: Api, caller: Caller) -> None:
    caller.get("/deliveries")
    for file in api.live.folder.iterdir():
        if file.is_file():
            assert caller.key.encode() not in file.read_bytes()
    secret = caller.key.removeprefix("rbk_")
    with api.database.read() as tx:
        assert secret not in str(tx.execute(text("SELECT * FROM api_keys")).all())


def test_each_call_is_in_the_audit(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    caller.get("/deliveries")
    caller.get("/deliveries/none", status=404)
    caller.post("/deliveries", {}, status=422)
    with api.database.read() as tx:
        rows = [one for one in audit.latest(tx, 50) if one.channel is Channel.API][::-1]
    assert [(one.act, one.outcome) for one in rows] == [
        ("post_deliver", "asked"),
        ("get_list_deliveries", "allowed"),
        ("get_get_delivery", "refused:404"),
        ("post_deliver", "refused:422"),
    ]
    assert rows[0].reference == made["reference"]
    assert rows[0].report_id == report.id
    assert {one.person_id for one in rows} == {"key:1"}


def test_a_key_may_call_so_often_a_minute(api: Api, caller: Caller) -> None:
    caller.get("/deliveries")
    assert caller.headers["RateLimit-Policy"] == f'"default";q={CALLS_PER_MINUTE};w=60'
    assert caller.headers["RateLimit"] == f'"default";r={CALLS_PER_MINUTE - 1};t=60'
    for _ in range(CALLS_PER_MINUTE - 1):
        caller.get("/deliveries")
    problem = caller.get("/deliveries", status=429)
    assert problem["type"].endswith("/too-many-calls")
    assert caller.headers["Retry-After"] == "60"
    api.caller(name="other").get("/deliveries")


def test_however_many_come_at_once_no_more_are_taken(caller: Caller) -> None:
    address = f"{caller.address}/api/v1/deliveries"
    with ThreadPoolExecutor(30) as pool:
        calls = [pool.submit(caller.session.get, address, timeout=40) for _ in range(CALLS_PER_MINUTE + 40)]
        answers = [one.result().status_code for one in calls]
    assert answers.count(200) == CALLS_PER_MINUTE
    assert answers.count(429) == 40


def test_what_does_not_exist_is_a_problem_too(caller: Caller) -> None:
    assert caller.get("/nothing", status=404)["type"].endswith("/not-found")
    assert caller.call("PUT", "/deliveries", status=405)["type"].endswith("/method-not-allowed")
    assert caller.headers["Allow"]
    big = caller.call(
        "POST", "/deliveries", data="x" * 70_000, headers={"Content-Type": "application/json"}, status=413
    )
    assert big["type"].endswith("/body-too-large")


@pytest.mark.parametrize("data", ["{", "[1,", '"'])
def test_a_body_that_is_no_json(caller: Caller, data: str) -> None:
    problem = caller.call("POST", "/deliveries", data=data, headers={"Content-Type": "application/json"}, status=400)
    assert problem["type"].endswith("/malformed-body")


def test_a_body_of_another_type(caller: Caller) -> None:
    problem = caller.call("POST", "/deliveries", data={"reportId": "R"}, status=415)
    assert problem["type"].endswith("/unsupported-media-type")


def test_each_kind_of_error_has_its_page(api: Api) -> None:
    for name, kind in KINDS.items():
        page = requests.get(f"{api.address}/api/v1/docs/errors/{name}", timeout=10)
        assert page.status_code == 200
        assert kind.title in html.unescape(page.text)
    assert requests.get(f"{api.address}/api/v1/docs/errors/none", timeout=10).status_code == 404


def test_the_document_describes_every_call_and_the_page_loads_nothing(api: Api) -> None:
    document = requests.get(f"{api.address}/api/v1/openapi.json", timeout=10).json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/api/v1/deliveries",
        "/api/v1/deliveries/{delivery_id}",
        "/api/v1/reports",
        "/api/v1/reports/{report_id}",
        "/api/v1/schedules",
        "/api/v1/schedules/{reference}",
        "/api/v1/schedules/{reference}/runs",
        "/api/v1/subscriptions",
        "/api/v1/subscriptions/{reference}",
        "/api/v1/templates",
        "/api/v1/webhooks",
        "/api/v1/webhooks/{webhook_id}",
        "/api/v1/webhooks/{webhook_id}/test",
        "/api/v1/webhooks/{webhook_id}/recover",
        "/api/v1/hooks",
        "/api/v1/hooks/{hook_id}",
    }
    page = requests.get(f"{api.address}/api/v1/docs", timeout=10)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "src=" not in page.text
    for path in document["paths"]:
        assert path in page.text


def test_answers_are_as_the_document_says(api: Api, caller: Caller) -> None:
    document = requests.get(f"{api.address}/api/v1/openapi.json", timeout=10).json()

    def fits(name: str, answer: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)

    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    fits("Delivery", made)
    fits("Delivery", caller.ended(made["id"]))
    fits("Deliveries", caller.get("/deliveries"))
    fits("Report", caller.get(f"/reports/{report.id}"))
    fits("Reports", caller.get("/reports"))
    fits("Templates", caller.get("/templates"))
    fits("Error", caller.post("/deliveries", {}, status=422))
