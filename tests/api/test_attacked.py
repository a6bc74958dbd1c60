"""What outsiders have tried against the API and the hooks, and found something; each stays tried."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import requests
from sqlalchemy import select

from bot import app
from bot.db import api_answers, api_keys, api_questions, api_tables, audit
from bot.db.api_answers import Order, StoredAnswer
from bot.db.api_keys import Right
from bot.db.audit import Channel
from bot.emulator.things import Template
from bot.errors import DatabaseUnavailable
from bot.outbound.post import TIMEOUT
from bot.queue import tasks
from bot.queue.statements import jobs
from bot.reports.recurrence import Recurrence, validated
from bot.web.api import schedules as schedule_calls
from bot.web.api import waiting as waiting_for_webex
from bot.web.api.hook_calls import CALLS_PER_MINUTE
from bot.web.api.mounted import Mounted
from bot.web.application import build_web
from bot.webex.ids import decoded
from tests.api.conftest import running
from tests.api.test_deliveries import said
from tests.api.test_hooks import handled, made, outcomes, post
from tests.api.test_subscriptions import schedule
from tests.killed.program import WEB, Program
from tests.waiting import until
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.api.conftest import Api, Caller
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot


def waiting(api: Api, task: str) -> int:
    """How many jobs of a task have not ended."""
    with api.database.read() as tx:
        return len(tx.execute(select(jobs.c.id).where(jobs.c.task == task)).all())


@pytest.mark.parametrize("data", ["[" * 30_000, '{"title":' * 7_000])
def test_a_body_that_is_nested_too_deeply_is_no_json(caller: Caller, data: str) -> None:
    problem = caller.call("POST", "/deliveries", status=400, data=data, headers={"Content-Type": "application/json"})
    assert problem["type"].endswith("/malformed-body")


@pytest.mark.parametrize(
    "path", ["/api//v1/deliveries", "/api/v1//deliveries", "/hooks//rbh_x", "/api/v1/deliveries//"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_spelling_of_a_path_is_redirected(api: Api, caller: Caller, path: str, method: str) -> None:
    answer = caller.session.request(method, f"{api.address}{path}", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers.get("Location")) == (404, None)


@pytest.mark.parametrize("path", ["/deliveries", "/hooks", "/reports", "/schedules", "/subscriptions"])
def test_a_cursor_that_no_list_gives(caller: Caller, path: str) -> None:
    caller.get(f"{path}?cursor={'9' * 18}")
    caller.get(f"{path}?cursor={'9' * 19}", status=422)


def test_head_is_a_get_in_the_audit_and_options_are_not_answered(api: Api, caller: Caller) -> None:
    caller.call("HEAD", "/deliveries")
    caller.call("OPTIONS", "/deliveries", status=405)
    with api.database.read() as tx:
        assert [one.act for one in audit.latest(tx, 50) if one.channel is Channel.API] == ["get_list_deliveries"]


def test_what_cannot_be_recorded_is_not_answered_and_what_was_is(
    api: Api, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise DatabaseUnavailable(OSError("away"))

    monkeypatch.setattr(api_keys, "set_used", unavailable)
    problem = caller.get("/deliveries", status=503)
    assert problem["type"].endswith("/unavailable")
    assert caller.headers["Retry-After"]
    caller.post("/deliveries", {"reportId": "x", "spaceId": api.live.group.id})


@pytest.mark.parametrize("once", ['""', '"', '" "'])
def test_an_idempotency_key_of_nothing_is_refused_and_not_left_out(api: Api, caller: Caller, once: str) -> None:
    order = {"reportId": "x", "spaceId": api.live.group.id}
    problem = caller.post("/deliveries", order, once=once, status=422)
    assert [one["at"] for one in problem["errors"]] == ["Idempotency-Key"]
    assert caller.get("/deliveries")["items"] == []


def test_in_a_space_of_one_person_nothing_is_posted_nor_said(api: Api, caller: Caller) -> None:
    world = api.live.emulator.world
    world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    space = world.direct_space(api.live.nora, api.live.bot)
    order = schedule(api, spaceId=space.id, name="Open this")
    address = f"/schedules/{caller.post('/schedules', order, status=201)['id']}"
    caller.call("POST", f"{address}/runs", status=202)
    until(lambda: caller.get(address)["status"] == "paused")
    until(lambda: not waiting(api, tasks.OUTCOME))
    assert caller.get(address)["reason"] == "An API key can't have reports posted in a 1:1 space."
    assert said(api, space) == []


def test_where_the_hook_has_the_title_the_body_says_days_and_no_more_words_of_it(api: Api, caller: Caller) -> None:
    api.live.partner_report("Calling Usage")
    api.live.partner_report("Calling Quality")
    address = made(caller, api, title="calling")
    post(address, {"period": "quality"})
    until(lambda: outcomes(api) == ["failed:no_period"])
    (told,) = until(lambda: said(api))
    assert "with a period that I don't understand, so no report came of it" in told.words


def test_a_form_of_very_many_parts_is_a_body_like_any(api: Api, caller: Caller) -> None:
    report = api.live.partner_report("Calling Usage")
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = part % (b"a", b"") * 1_001 + part % (b"title", b"calling usage") + b"--b--\r\n"
    called = post(made(caller, api), body, {"Content-Type": "multipart/form-data; boundary=b"})
    until(lambda: handled(api))
    assert caller.ended(called["reference"])["reportId"] == report.id


CHUNKS = (
    (b"zz\r\n{}\r\n0\r\n\r\n", "application/json", "body-incomplete"),
    (b"10001\r\n" + b"[" * 65_537 + b"\r\n0\r\n\r\n", "application/json", "body-too-large"),
    (b"4\r\n[[[[\r\n0\r\n\r\n", "application/json", "malformed-body"),
    (b"2\r\n{}\r\n0\r\n\r\n", "text/plain", "unsupported-media-type"),
    (b"0\r\n\r\n", "application/json", "invalid-request"),
)
"""Bodies that come in chunks, and what is wrong with each."""


def test_a_body_in_chunks_is_judged_as_one_with_a_length(
    stage_alone: LiveBot, database_file: Path, tmp_path: Path
) -> None:
    stage_alone.has_database(database_file)
    program = Program(stage_alone, tmp_path / "log", WEB)
    database = app.open_database(stage_alone.settings())
    try:
        program.up()
        with database.begin() as tx:
            key = api_keys.create(tx, "chunks", None, list(Right), created_by="command line", now=app.now())
        head = f"POST /api/v1/deliveries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        for chunks, kind, problem in CHUNKS:
            with socket.create_connection(("127.0.0.1", program.port), timeout=10) as sock:
                sock.sendall(f"{head}Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks)
                answer = b"".join(iter(partial(sock.recv, 65_536), b""))
            assert f"/docs/errors/{problem}".encode() in answer
    finally:
        database.close()
        program.kill()


def test_guessing_shows_in_the_log(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    requests.get(f"{api.address}/api/v1/deliveries", headers={"Authorization": f"Bearer rbk_{'A' * 43}"}, timeout=10)
    assert "unknown_key" in capsys.readouterr().out


def test_guessing_a_hook_shows_in_the_log(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    requests.post(f"{api.address}/hooks/rbh_{'A' * 43}", timeout=10)
    shown = capsys.readouterr().out
    assert "unknown_hook" in shown
    assert "AAAA" not in shown


def test_who_may_deliver_nothing_has_nothing_delivered_by_a_subscription(api: Api) -> None:
    manages = api.caller(rights=[Right.MANAGE])
    problem = manages.post("/subscriptions", {"words": "all", "spaceId": api.live.group.id}, status=403)
    assert problem["detail"] == "It needs the right “deliver”."


@pytest.mark.parametrize(
    "spelled", ["us/ROOM/{other}/{own}", "us/ROOM/{other}?/{own}", "us/ROOM/{other}#/{own}", "us/PEOPLE/{own}"]
)
def test_no_spelling_of_a_spaces_id_leads_to_another_space(api: Api, spelled: str) -> None:
    own, other = (decoded(one.id).rpartition("/")[2] for one in (api.live.group, api.live.outside))
    caller = api.caller(spaces=[api.live.group.id])
    text = f"ciscospark://{spelled.format(own=own, other=other)}"
    for space in (text, base64.b64encode(text.encode()).decode(), base64.b64encode(text.encode()).decode().rstrip("=")):
        problem = caller.post("/deliveries", {"reportId": "x", "spaceId": space}, status=403)
        assert problem["type"].endswith("/space-not-allowed")


@pytest.mark.parametrize("path", ["docs", "openapi.json", "docs/errors/busy", "deliveries", "nowhere"])
def test_no_answer_is_taken_for_another_type(api: Api, path: str) -> None:
    answer = requests.get(f"{api.address}/api/v1/{path}", timeout=10)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("template", ["0" * 513, " 130", True, -1])
def test_a_text_is_no_number_of_a_template(caller: Caller, template: object) -> None:
    caller.post("/reports", {"family": "partner", "templateId": template}, status=422)


@pytest.mark.parametrize("field", ["period", "dtstart", "rrule", "onlyIf", "name", "siteList", "spaceId", "templateId"])
def test_a_text_with_a_nul_is_refused(api: Api, caller: Caller, field: str) -> None:
    for value in ("a\0b", "\0"):
        problem = caller.post("/schedules", schedule(api, **{field: value}), status=422)
        assert problem["type"].endswith("/invalid-request")
        assert {one["at"].split(".")[0] for one in problem["errors"]} == {field}


def test_words_and_addresses_with_a_nul_are_refused(api: Api, caller: Caller) -> None:
    space = api.live.group.id
    caller.post("/deliveries", {"title": "calling\0usage", "spaceId": space}, status=422)
    caller.post("/deliveries", {"title": "calling", "personEmail": "ada\0@example.com"}, status=422)
    caller.post("/subscriptions", {"words": "calling\0usage", "spaceId": space}, status=422)
    caller.get("/reports?words=a%00b", status=422)


def calls_in_audit(api: Api, act: str) -> list[str]:
    """The outcomes of an act of the API, oldest first."""
    with api.database.read() as tx:
        return [one.outcome for one in audit.latest(tx, 50)[::-1] if (one.channel, one.act) == (Channel.API, act)]


def test_a_deletion_that_takes_longer_than_its_call_is_in_the_audit(
    api: Api, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_for_webex, "ANSWER_PATIENCE", 0.5)
    api.live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    order = {"family": "partner", "templateId": 130, "startDate": "2026-10-01", "endDate": "2026-10-31"}
    made_one = until(lambda: caller.post("/reports", order, once="one").get("id"))
    api.live.emulator.faults.add(method="DELETE", delay=1.5)
    caller.call("DELETE", f"/reports/{made_one}", status=503)
    assert until(lambda: calls_in_audit(api, "delete_delete_report")) == ["refused:503"]
    until(lambda: calls_in_audit(api, "delete_delete_report") == ["refused:503", "deleted"])
    api.live.at(api.live.ada).says(f"report {made_one}").hears("API key test")


def test_a_call_that_is_answered_busy_is_a_call_too(api: Api, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_for_webex, "ANSWER_PATIENCE", 0.0)
    api.live.emulator.faults.add(method="GET", path="/v1/*eport*", delay=1.0)
    problem = caller.get("/reports", status=503)
    assert problem["detail"] == "No answer came in time, from Webex or from the bot's worker. Try again."
    assert calls_in_audit(api, "get_list_reports") == ["refused:503"]


@pytest.mark.parametrize("beneath", ["", "/reports", "/api", "/hooks", "/a%20b", "/%C3%BC"])
def test_beneath_any_path_the_api_is_where_the_documents_say(beneath: str) -> None:
    def api(environ: WSGIEnvironment, _: StartResponse) -> list[bytes]:
        return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode("latin-1")]

    def other(_: WSGIEnvironment, __: StartResponse) -> list[bytes]:
        return [b"other"]

    mounted = Mounted(lambda: api, other, f"https://bot.example.com{beneath}", "/webex")

    def answer(path: str) -> str:
        environ = {"PATH_INFO": unquote(path, encoding="latin-1"), "SCRIPT_NAME": ""}
        return b"".join(mounted(environ, lambda *_: lambda _: None)).decode()

    path = unquote(beneath)
    assert answer("/api/v1/deliveries") == f"{path} /api/v1/deliveries"
    assert answer(f"{beneath}/api/v1/deliveries") == f"{path} /api/v1/deliveries"
    assert answer(f"{beneath}/hooks/token") == f"{path} /hooks/token"
    assert answer(f"{beneath}/webex") == answer("/webex") == "other"


def test_where_a_proxy_takes_the_path_away_addresses_in_answers_have_it(
    stage_alone: LiveBot, database_file: Path
) -> None:
    stage_alone.has_database(database_file)
    stage_alone.environ["PUBLIC_URL"] = "https://example.com/reports"
    with running(stage_alone) as api:
        caller = api.caller()
        made_one = caller.post("/deliveries", {"reportId": "x", "spaceId": api.live.group.id})
        assert caller.headers["Location"] == f"/reports/api/v1/deliveries/{made_one['id']}"
        assert caller.get("/nothing", status=404)["type"] == "/reports/api/v1/docs/errors/not-found"


def test_what_a_killed_process_has_asked_does_not_stay(stepped: SteppedBot) -> None:
    question = {"kind": "delivery", "email": "ada.lovelace@acme.example"}
    order, answer = Order(1, "deliveries", "x"), StoredAnswer("", {})
    with stepped.database.begin() as tx:
        api_questions.add(tx, 1, question, stepped.clock())
        api_answers.add(tx, order, answer, stepped.clock())
    stepped.clock.turn(24 * 3600 + 1)
    stepped.sweep.once()
    with stepped.database.read() as tx:
        for table in (api_tables.api_questions, api_tables.api_answers):
            assert tx.execute(select(table)).all() == []


@pytest.mark.parametrize("path", ["/reports", "/reports/x", "/reports?family=partner"])
def test_where_the_bot_may_not_look_it_does_not_say_that_there_is_nothing(api: Api, caller: Caller, path: str) -> None:
    api.live.emulator.faults.add(method="GET", path="/v1/*eports*", status=403)
    problem = caller.get(path, status=502)
    assert problem["type"].endswith("/webex-refused")
    assert "admin token" in problem["detail"]


def test_a_hook_is_called_so_often_and_no_more_by_however_many_at_once(api: Api, caller: Caller) -> None:
    address = made(caller, api, title="calling usage")

    def call(number: int) -> int:
        return requests.post(address, data=str(number), timeout=20).status_code

    with ThreadPoolExecutor(16) as threads:
        assert Counter(threads.map(call, range(CALLS_PER_MINUTE + 30))) == {202: CALLS_PER_MINUTE, 429: 30}


def test_a_key_whose_receivers_hang_holds_up_no_other_key(stage_alone: LiveBot, database_file: Path) -> None:
    stage_alone.environ["OUTBOUND_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    stage_alone.has_database(database_file)
    receiver = Loopback()
    receiver.always(200)

    def tests(caller: Caller, address: str) -> None:
        order = {"url": f"http://{address}/", "events": ["webhook.test"]}
        made_one = caller.post("/webhooks", order, status=201)
        caller.call("POST", f"/webhooks/{made_one['id']}/test", status=202)

    with running(stage_alone) as api, socket.create_server(("127.0.0.1", 0)) as hangs:
        slow, quick = api.caller(name="slow"), api.caller(name="quick")
        for _ in range(8):
            tests(slow, f"127.0.0.1:{hangs.getsockname()[1]}")
        began = time.monotonic()
        tests(quick, receiver.host)
        until(lambda: receiver.connections)
        assert time.monotonic() - began < TIMEOUT / 2
    receiver.stop()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 401),
        ("::1", 401),
        ("::ffff:127.0.0.1", 401),
        ("", 401),
        ("10.0.0.1", 403),
        ("::ffff:10.0.0.1", 403),
        ("fe80::1%eth0", 403),
        ("localhost", 403),
        ("127.1", 403),
    ],
)
def test_plain_http_is_for_this_machine(api: Api, address: str, status: int) -> None:
    stop = threading.Event()
    answer = (
        build_web(api.live.settings(), stop)
        .test_client()
        .get("/api/v1/deliveries", environ_base={"REMOTE_ADDR": address})
    )
    stop.set()
    assert answer.status_code == status


def test_who_cancels_at_once_is_told_the_same(api: Api, caller: Caller) -> None:
    report = api.live.partner_report(status="In progress")
    delivery = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})

    def cancel(_: int) -> int:
        headers = {"Authorization": f"Bearer {caller.key}"}
        address = f"{api.address}/api/v1/deliveries/{delivery['id']}"
        return requests.delete(address, headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(cancel, range(24))) == {204}


def test_recurrences_are_worked_out_one_at_a_time(api: Api, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def slow(*given: str) -> Recurrence:
        began.set()
        assert goes_on.wait(20)
        return validated(*given)

    api.live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    monkeypatch.setattr(schedule_calls, "validated", slow)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(api.caller(name="first").post, "/schedules", schedule(api), status=201)
        assert began.wait(20)
        problem = caller.post("/schedules", schedule(api), status=503)
        assert problem["type"].endswith("/busy")
        goes_on.set()
        assert first.result()["status"] == "active"
    caller.post("/schedules", schedule(api), status=201)
