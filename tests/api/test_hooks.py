"""Incoming hooks: one address, one thing, one space; whatever is posted to it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests

from bot.db import api_keys, api_tables, audit, hook_calls, hooks
from bot.db import requests as request_rows
from bot.db.api_keys import Right
from bot.emulator.things import Template
from bot.errors import DatabaseUnavailable
from bot.queue import tasks
from bot.web.api.application import create_api
from bot.web.api.context import ApiContext
from bot.web.api.hook_calls import CALLS_PER_MINUTE, CALLS_PER_MINUTE_OF_KEY
from bot.web.application import build_web
from tests.api.conftest import running
from tests.live_bot import BotMessage, texts_of
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from bot.emulator.things import Space
    from tests.api.conftest import Api, Caller
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

SECRET = "a-secret-that-signs-the-calls"


def said(api: Api, space: Space | None = None) -> list[BotMessage]:
    world, bot = api.live.emulator.world, api.live.bot
    found = world.messages(space or api.live.group)
    return [BotMessage(one) for one in found if one.person_id == bot.id and not one.deleted]


def made(caller: Caller, api: Api, **more: Any) -> str:
    """Make a hook in the group's space and return its address."""
    body = {"action": "deliver", "spaceId": api.live.group.id} | more
    return str(caller.post("/hooks", body, status=201)["url"])


def creates(caller: Caller, api: Api, **more: Any) -> str:
    """Make a hook that runs a report, and return its address."""
    api.live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    return made(caller, api, action="create", family="partner", templateId="130", **more)


def post(address: str, body: Any = b"", headers: dict[str, str] | None = None, *, status: int = 202) -> Any:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    answer = requests.post(address, data=data, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    return answer.json()


def handled(api: Api) -> int:
    """How many calls were acted on."""
    with api.database.read() as tx:
        return len(
            tx.execute(api_tables.hook_calls.select().where(api_tables.hook_calls.c.handled_at.is_not(None))).all()
        )


def outcomes(api: Api) -> list[str]:
    """What came of the calls, oldest first."""
    with api.database.read() as tx:
        return [one.outcome for one in audit.latest(tx, 50)[::-1] if one.act == audit.HOOK]


def created(api: Api) -> list[Any]:
    """The reports that Webex was asked to create."""
    return list(api.live.emulator.world.reports.values())


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_call_delivers_the_newest_report_of_the_title_in_the_name_of_the_key(
    api: Api, caller: Caller, family: str
) -> None:
    report = api.live.partner_report() if family == "partner" else api.live.organization_report("Calling Usage")
    address = made(caller, api, title="calling usage")
    assert address.startswith(f"{api.address}/hooks/rbh_")
    called = post(address)
    ended = until(lambda: caller.ended(called["reference"]) if handled(api) else None)
    assert (ended["status"], ended["reportId"]) == ("delivered", report.id)
    (message,) = said(api)
    assert message.message.files
    assert message.card is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"\x00\xff not a text", "application/octet-stream"),
        (b'{"spaceId": "elsewhere", "action": "create", "title": "billing"}', "application/json"),
        (b"spaceId=elsewhere&personEmail=a%40b.example", "application/x-www-form-urlencoded"),
        (b"[1, 2]", "application/json"),
        (b"[" * 60_000, "application/json"),
        (b"<xml/>", "text/xml"),
    ],
)
def test_any_body_of_any_type_is_taken_and_changes_nothing(api: Api, caller: Caller, body: bytes, kind: str) -> None:
    report = api.live.partner_report()
    address = made(caller, api, title="calling usage")
    called = post(address, body, {"Content-Type": kind} if kind else {})
    until(lambda: handled(api))
    assert caller.ended(called["reference"])["reportId"] == report.id
    assert len(said(api)) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"title": "calling usage", "other": 1}', "text/plain"),
        (b"title=calling+usage", "application/x-www-form-urlencoded"),
        (b'{"title": "calling usage"}', "application/x-www-form-urlencoded"),
        (
            b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\ncalling usage\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_hook_without_a_title_takes_it_from_the_body(api: Api, caller: Caller, body: bytes, kind: str) -> None:
    report = api.live.partner_report("Calling Usage")
    api.live.partner_report("Billing")
    called = post(made(caller, api), body, {"Content-Type": kind})
    until(lambda: handled(api))
    assert caller.ended(called["reference"])["reportId"] == report.id
    with api.database.read() as tx:
        (row,) = tx.execute(api_tables.hook_calls.select()).all()
    assert (row.title, row.period) == (None, None), "what was said is not kept"


def test_the_query_says_nothing(api: Api, caller: Caller) -> None:
    api.live.partner_report("Calling Usage")
    post(f"{made(caller, api)}?title=calling+usage")
    until(lambda: outcomes(api) == ["failed:no_title"])


def test_a_period_in_the_body_chooses_among_the_reports_of_a_title(api: Api, caller: Caller) -> None:
    may = api.live.partner_report(start="2026-05-01", end="2026-05-31", created=1.0)
    api.live.partner_report(start="2026-06-01", end="2026-06-30", created=2.0)
    called = post(made(caller, api, title="calling usage"), {"period": "May 2026"})
    until(lambda: handled(api))
    assert caller.ended(called["reference"])["reportId"] == may.id


def test_a_call_runs_a_report_of_the_hooks_period(api: Api, caller: Caller) -> None:
    called = post(creates(caller, api, period="2026-05-01 to 2026-05-20"), {"period": "June 2026", "templateId": "1"})
    until(lambda: handled(api))
    (report,) = until(lambda: created(api))
    assert (report.start, report.end) == ("2026-05-01", "2026-05-20")
    delivery = caller.get(f"/deliveries/{called['reference']}")
    assert delivery["spaceId"] == api.live.group.id


def test_a_hook_without_a_period_takes_it_from_the_body(api: Api, caller: Caller) -> None:
    post(creates(caller, api), {"period": "May 2026"})
    (report,) = until(lambda: created(api))
    assert (report.start, report.end) == ("2026-05-01", "2026-05-31")


def test_the_same_body_within_a_minute_is_one_call_also_at_once(api: Api, caller: Caller) -> None:
    api.live.partner_report()
    address = made(caller, api, title="calling usage")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(address, {"n": 1}), range(8)))
    assert len({one["reference"] for one in answers}) == 1
    other = post(address, {"n": 2})
    assert other != answers[0]
    until(lambda: handled(api) == 2)
    assert len(caller.get("/deliveries")["items"]) == 2
    with api.database.read() as tx:
        calls = [one.outcome for one in audit.latest(tx, 50) if one.act == "post_hook"]
    assert sorted(calls) == ["asked"] * 2 + ["repeated"] * 7


def test_the_same_body_at_two_web_processes_is_one_call(api: Api, caller: Caller) -> None:
    api.live.partner_report()
    token = made(caller, api, title="calling usage").rpartition("/")[2]
    stop = threading.Event()
    others = [build_web(api.live.settings(), stop) for _ in range(2)]
    try:
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(others[n % 2].test_client().post, f"/hooks/{token}", data=b"once") for n in range(16)]
            answers = [one.result() for one in calls]
    finally:
        stop.set()
    assert {one.status_code for one in answers} == {202}
    assert len({one.get_json()["reference"] for one in answers}) == 1
    until(lambda: handled(api) == 1)
    assert len(caller.get("/deliveries")["items"]) == 1


def test_after_a_minute_the_same_body_is_another_call(api: Api, caller: Caller) -> None:
    address = made(caller, api, title="calling usage")
    first = post(address)
    with api.database.begin() as tx:
        row = tx.execute(api_tables.hook_calls.select()).one()
        earlier = row.called_at.replace(year=2020)
        tx.execute(api_tables.hook_calls.update().values(called_at=earlier))
    assert post(address) != first


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_a_hook_with_a_secret_wants_its_signature(api: Api, caller: Caller) -> None:
    address, body = made(caller, api, title="calling usage", secret=SECRET), b'{"any": "body"}'
    right = signed(body)["X-Hub-Signature-256"]
    wrong = [None, "", "sha256=", right[:-1], right.upper(), right.removeprefix("sha256="), "sha256=ä", "sha1=00"]
    wrong += [
        signed(b"other")["X-Hub-Signature-256"],
        signed(body, "another-secret-of-somebody")["X-Hub-Signature-256"],
    ]
    for one in wrong:
        headers = {} if one is None else {"X-Hub-Signature-256": one.encode()}
        answer = requests.post(address, data=body, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["type"]) == (403, "/api/v1/docs/errors/signature-invalid")
    assert outcomes(api) == []
    post(address, body, signed(body))
    assert caller.get("/hooks")["items"][0]["signed"] is True


def test_the_secret_and_the_token_are_nowhere(api: Api, caller: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    address = made(caller, api, title="calling usage", secret=SECRET)
    token = address.rpartition("/")[2]
    post(address, status=403)
    post(address, b"", signed(b""))
    until(lambda: outcomes(api))
    for file in api.live.folder.iterdir():
        if file.is_file():
            kept = file.read_bytes()
            assert token.encode() not in kept
            assert SECRET.encode() not in kept
    out, err = capfd.readouterr()
    assert token not in out + err
    assert SECRET not in out + err


def test_unknown_revoked_and_malformed_tokens_are_answered_alike(api: Api, caller: Caller) -> None:
    hook = caller.post("/hooks", {"action": "deliver", "spaceId": api.live.group.id}, status=201)
    caller.call("DELETE", f"/hooks/{hook['id']}", status=204)
    caller.call("DELETE", f"/hooks/{hook['id']}", status=404)
    other = api.caller(name="other")
    of_revoked_key = made(other, api)
    api.revoke("other")
    unknown = f"{api.address}/hooks/{hooks.new_token()}"
    addresses = [
        hook["url"],
        of_revoked_key,
        unknown,
        *(f"{api.address}/hooks/{one}" for one in ("x", "%00", "ä", "rbh_")),
    ]
    answers = [requests.post(one, data=b"x", timeout=10) for one in addresses]
    assert {(one.status_code, one.text) for one in answers} == {(404, answers[0].text)}
    with api.database.read() as tx:
        assert tx.execute(api_tables.hook_calls.select()).all() == []


def test_a_hook_may_be_called_so_often_a_minute(api: Api, caller: Caller) -> None:
    address = made(caller, api, title="calling usage")
    for _ in range(CALLS_PER_MINUTE):
        post(address)
    answer = requests.post(address, timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert answer.json()["type"].endswith("/hook-called-too-often")
    assert answer.headers["RateLimit"] == '"hook";r=0;t=60'
    post(made(caller, api, title="calling usage"))
    caller.get("/deliveries")


def test_the_hooks_of_a_key_may_be_called_so_often_together(api: Api, caller: Caller) -> None:
    addresses = [made(caller, api, title="calling usage") for _ in range(3)]
    for number in range(CALLS_PER_MINUTE_OF_KEY):
        post(addresses[number % 3])
    assert requests.post(addresses[0], timeout=10).status_code == 429
    post(made(api.caller(name="other"), api, title="calling usage"))


def test_what_a_hook_may_not_be(api: Api, caller: Caller) -> None:
    space = {"spaceId": api.live.group.id}
    wrong = [
        {},
        {"action": "deliver"},
        {"action": "delete", **space},
        {"action": "deliver", "period": "May", **space},
        {"action": "deliver", "templateId": 1, **space},
        {"action": "create", **space},
        {"action": "create", "family": "partner", **space},
        {"action": "create", "family": "partner", "templateId": 130, "title": "x", **space},
        {"action": "deliver", "secret": "short", **space},
        {"action": "deliver", "personEmail": "a@b.example", **space},
    ]
    document = requests.get(f"{api.address}/api/v1/openapi.json", timeout=10).json()
    schema = {"$ref": "#/components/schemas/NewHook", "components": document["components"]}
    for body in wrong:
        problem = caller.post("/hooks", body, status=422)
        assert problem["type"].endswith("/invalid-request")
        assert not jsonschema.Draft202012Validator(schema).is_valid(body), body
    create = {"action": "create", "family": "partner", "templateId": 130, "period": "some day", **space}
    assert caller.post("/hooks", create, status=409)["type"].endswith("/invalid-period")
    jsonschema.Draft202012Validator(schema).validate(create)


def test_which_keys_make_hooks(api: Api) -> None:
    deliver = {"action": "deliver", "spaceId": api.live.group.id}
    create = {"action": "create", "family": "partner", "templateId": 130, "spaceId": api.live.group.id}
    reads = api.caller(rights=[Right.DELIVER, Right.CREATE], name="a")
    assert reads.post("/hooks", deliver, status=403)["type"].endswith("/not-allowed")
    reads.get("/hooks", status=403)
    manages = api.caller(rights=[Right.MANAGE, Right.DELIVER], name="b")
    manages.post("/hooks", deliver, status=201)
    manages.post("/hooks", create, status=403)
    elsewhere = api.caller(spaces=[api.live.outside.id], name="c")
    assert elsewhere.post("/hooks", deliver, status=403)["type"].endswith("/space-not-allowed")


def test_hooks_are_listed_without_their_addresses_and_only_by_their_key(api: Api, caller: Caller) -> None:
    ids = []
    for number in range(3):
        body = {"action": "deliver", "title": f"title {number}", "spaceId": api.live.group.id}
        ids.append(caller.post("/hooks", body, status=201)["id"])
    first = caller.get("/hooks?max=2")
    second = caller.get(f"/hooks?max=2&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert "rbh_" not in str(first)
    other = api.caller(name="other")
    assert other.get("/hooks")["items"] == []
    other.call("DELETE", f"/hooks/{ids[0]}", status=404)


def test_the_space_hears_once_an_hour_that_nothing_could_be_done(api: Api, caller: Caller) -> None:
    address = made(caller, api)
    post(address, {"title": "<@all> secret words"})
    post(address, {"title": "other words"})
    until(lambda: handled(api) == 2)
    (message,) = said(api)
    assert "no report that's ready has its title" in message.words
    assert "API key test" in message.words
    assert "words" not in message.words.replace("its title", "")
    assert outcomes(api) == ["failed:no_report"] * 2


@pytest.mark.parametrize(
    ("body", "why"),
    [({}, "no_title"), ({"title": "calling"}, "several_reports"), ({"title": "billing"}, "no_report")],
)
def test_why_nothing_could_be_done(api: Api, caller: Caller, body: dict[str, str], why: str) -> None:
    api.live.partner_report("Calling Usage")
    api.live.partner_report("Calling Quality")
    reference = post(made(caller, api), body)["reference"]
    until(lambda: outcomes(api) == [f"failed:{why}"])
    shown = api.live.at(api.live.ada).says(f"why {reference}").answer().words
    assert "API key test (hook) came to nothing in Admin reports" in shown


def test_a_period_that_is_none(api: Api, caller: Caller) -> None:
    post(creates(caller, api), {"period": "the day before the party"})
    until(lambda: outcomes(api) == ["failed:no_period"])
    assert "a period that I don't understand" in said(api)[0].words


def test_a_report_that_webex_does_not_create_is_told(api: Api, caller: Caller) -> None:
    address = creates(caller, api)
    api.live.emulator.faults.add("POST", "/v1/partner/reports", status=400)
    called = post(address)
    (message,) = until(lambda: said(api))
    assert message.words.startswith("A hook was called, but no report came of it. I couldn't run “Calling Usage”.")
    assert message.words.endswith(f"the API key test (reference {called['reference']}).")
    assert message.words.count(called["reference"]) == 1


def test_a_report_that_fails_later_is_told(api: Api, caller: Caller) -> None:
    called = post(creates(caller, api, period="last week"))
    (report,) = until(lambda: created(api))
    api.live.emulator.world.set_report(report.id, status="failed")
    (message,) = until(lambda: said(api))
    assert (
        "A hook was called, but no report came of it. Webex couldn't generate the report Calling Usage" in message.words
    )
    assert caller.get(f"/deliveries/{called['reference']}")["status"] == "failed"


def test_what_somebody_cancels_is_not_told(api: Api, caller: Caller) -> None:
    report = api.live.partner_report(status="done")
    api.live.emulator.faults.add("GET", f"/v1/partner/reports/{report.id}", status=503)
    called = post(made(caller, api, title="calling usage"))
    until(lambda: handled(api))
    caller.call("DELETE", f"/deliveries/{called['reference']}", status=204)
    post(made(caller, api))
    until(lambda: outcomes(api)[-1] == "failed:no_title")
    (message,) = said(api)
    assert "without a title" in message.words


def test_where_outsiders_read_along_nothing_is_said_or_posted(api: Api, caller: Caller) -> None:
    report = api.live.partner_report("Calling Usage")
    address = made(caller, api, spaceId=api.live.outside.id)
    called = post(address, {"title": "calling usage"})
    post(address, {"title": "billing"})
    until(lambda: handled(api) == 2)
    assert caller.ended(called["reference"])["status"] == "refused"
    assert said(api, api.live.outside) == []
    assert report


def test_a_call_in_the_audit_names_the_key(api: Api, caller: Caller) -> None:
    api.live.partner_report("Calling Usage")
    post(made(caller, api, title="calling usage"))
    until(lambda: said(api))
    until(lambda: handled(api))
    shown = "\n".join(texts_of(api.live.at(api.live.ada).says("audit").card().card))
    assert "**API key test (hook)** was called in **Admin reports**" in shown
    assert "**API key test (hook)** asked for **Calling Usage** in **Admin reports**" in shown
    assert "**API key test** made a hook in **Admin reports**" in shown


def test_what_a_revoked_key_was_called_for_is_not_done(stage_alone: LiveBot, database_file: Path) -> None:
    stage_alone.has_database(database_file)
    with running(stage_alone) as api:
        report = api.live.partner_report(status="In progress")
        caller = api.caller()
        api.live.partner_report("Calling Usage", created=1.0)
        address = made(caller, api, title="calling usage")
        api.revoke()
        post(address, status=404)
        assert report
        assert said(api) == []


def test_the_address_is_also_beneath_the_path_of_public_url(stage_alone: LiveBot, database_file: Path) -> None:
    stage_alone.has_database(database_file)
    stage_alone.environ["PUBLIC_URL"] = "https://example.com/reports"
    with running(stage_alone) as api:
        address = made(api.caller(), api)
        assert address.startswith("https://example.com/reports/hooks/rbh_")
        token = address.rpartition("/")[2]
        post(f"{api.address}/reports/hooks/{token}")
        post(f"{api.address}/hooks/{token}")


def test_other_ways_to_call(api: Api, caller: Caller) -> None:
    address = made(caller, api)
    assert requests.get(address, timeout=10).status_code == 405
    for one in ("/hooks", "/hooks/", f"{address.removeprefix(api.address)}/more"):
        assert requests.post(f"{api.address}{one}", timeout=10).status_code == 404
    plain = requests.post(address, headers={"X-Forwarded-Proto": "http"}, timeout=10)
    assert plain.json()["type"].endswith("/https-required")
    assert requests.post(address, data=b"x" * 70_000, timeout=10).status_code == 413


def test_answers_are_as_the_document_says(api: Api, caller: Caller) -> None:
    document = requests.get(f"{api.address}/api/v1/openapi.json", timeout=10).json()

    def fits(name: str, answer: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)

    fits("MadeHook", caller.post("/hooks", {"action": "deliver", "spaceId": api.live.group.id}, status=201))
    fits("Hooks", caller.get("/hooks"))


def test_while_the_database_is_away_nothing_is_taken() -> None:
    def away() -> bool:
        raise DatabaseUnavailable(OSError("no disk"))

    context = ApiContext(None, None, None, None, None, away, str)  # type: ignore[arg-type]  # nothing else is asked
    answer = create_api(context).test_client().post(f"/hooks/{hooks.new_token()}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_what_was_open_when_the_hook_ended_is_not_done(stepped: SteppedBot) -> None:
    stepped.setup.partner_report("Calling Usage")
    now = stepped.clock()
    with stepped.database.begin() as tx:
        api_keys.create(tx, "nightly", None, list(Right), created_by="command line", now=now)
        values = {"reference": "hook1", "key_id": 1, "action": "deliver", "room_id": stepped.setup.group.id}
        hooks.add(tx, hooks.new_token(), values | {"title": "calling usage", "created_at": now})
        call = {"reference": "call1", "hook_id": 1, "body_sha256": ""}
        assert hook_calls.add(tx, call, now) == 1
        stepped.queue.put(tx, tasks.HOOK, "1", lock="hook:1")
        hooks.revoke(tx, 1, "hook1", now)
    stepped.work()
    assert stepped.said(stepped.setup.group) == []
    with stepped.database.read() as tx:
        found = hook_calls.get(tx, 1)
    assert found is not None
    assert found.handled_at is not None


@pytest.mark.parametrize("deadly", range(1, 9))
def test_killed_anywhere_a_call_is_one_delivery(stepped: SteppedBot, deadly: int) -> None:
    stepped.setup.partner_report("Calling Usage")
    now = stepped.clock()
    with stepped.database.begin() as tx:
        api_keys.create(tx, "nightly", None, list(Right), created_by="command line", now=now)
        values = {"reference": "hook1", "key_id": 1, "action": "deliver", "room_id": stepped.setup.group.id}
        hooks.add(tx, hooks.new_token(), values | {"title": "calling usage", "created_at": now})
        hook_calls.add(tx, {"reference": "call1", "hook_id": 1, "body_sha256": ""}, now)
        stepped.queue.put(tx, tasks.HOOK, "1", lock="hook:1")
    stepped.work_until_killed(deadly, until=tasks.LOOKUP)
    stepped.work()
    with stepped.database.read() as tx:
        (request,) = request_rows.find(tx)
    assert (request.reference, request.state.value) == ("call1", "delivered")
    assert len(stepped.said(stepped.setup.group)) == 1
