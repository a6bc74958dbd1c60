"""What outsiders have tried against the API and the hooks, and found something; each stays tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from bot.db import api_keys, audit
from bot.db.audit import Channel
from bot.emulator.things import Template
from bot.errors import DatabaseUnavailable
from bot.queue import tasks
from bot.queue.job_table import jobs
from tests.api.test_deliveries import said
from tests.api.test_hooks import handled, made, outcomes, post, until
from tests.api.test_subscriptions import schedule

if TYPE_CHECKING:
    from tests.api.conftest import Api, Caller


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
