"""``/subscriptions`` and ``/schedules``: what a program has come by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import tables
from bot.db.api_keys import Right
from bot.emulator.things import Template
from bot.reports.recurrence import Recurrence, validated
from bot.web.api import schedules as schedules_of_api
from tests.api.test_deliveries import said

if TYPE_CHECKING:
    from tests.api.conftest import Api, Caller

PATIENCE = 20
FEBRUARY = date(datetime.now(UTC).year + 1, 2, 1)
MONDAY = FEBRUARY + timedelta(days=-FEBRUARY.weekday() % 7)
"""To come, since the API goes by the machine's clock, and in winter time."""


def schedule(api: Api, **more: Any) -> dict[str, Any]:
    """Return an order of a schedule."""
    return {
        "family": "partner",
        "templateId": 130,
        "period": "last week",
        "spaceId": api.live.group.id,
        "dtstart": f"{MONDAY}T08:00:00[Europe/Berlin]",
        "rrule": "FREQ=WEEKLY;BYDAY=MO",
    } | more


@pytest.fixture(autouse=True)
def templates(api: Api) -> None:
    world = api.live.emulator.world
    world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))


def has_looked(api: Api) -> bool:
    """Return True once it is stored what was ready at the first look."""
    with api.database.read() as tx:
        return len(tx.execute(tables.ready_reports.select()).all()) > 1


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_what_becomes_ready_is_announced_and_what_was_ready_is_not(api: Api, caller: Caller, family: str) -> None:
    add = api.live.partner_report if family == "partner" else api.live.organization_report
    add("Calling Usage", created=1.0)
    order = {"words": "calling usage", "spaceId": api.live.group.id, "family": family}
    made = caller.post("/subscriptions", order, status=201)
    assert caller.headers["Location"] == f"/api/v1/subscriptions/{made['id']}"
    assert (made["status"], made["words"], made["cardOnly"]) == ("active", "calling usage", False)
    api.live.emulator.world.wait_for(lambda _: has_looked(api), timeout=PATIENCE)
    assert said(api) == []
    add("Calling Usage", created=2.0)
    add("Calling Quality", created=3.0)
    api.live.emulator.world.wait_for(lambda _: said(api), timeout=PATIENCE)
    (message,) = said(api)
    assert message.message.files


def test_the_same_subscription_again_is_the_same(api: Api, caller: Caller) -> None:
    order = {"words": "calling usage EU", "spaceId": api.live.group.id}
    made = caller.post("/subscriptions", order, status=201)
    assert (made["words"], made["regionId"]) == ("calling usage", "EU")
    assert caller.post("/subscriptions", order, status=201)["id"] == made["id"]
    assert [one["id"] for one in caller.get("/subscriptions")["items"]] == [made["id"]]
    assert caller.get(f"/subscriptions/{made['id']}") == made
    other = api.caller(name="other")
    assert other.get("/subscriptions")["items"] == []
    other.get(f"/subscriptions/{made['id']}", status=404)
    other.call("DELETE", f"/subscriptions/{made['id']}", status=404)
    caller.call("DELETE", f"/subscriptions/{made['id']}", status=204)
    assert caller.get("/subscriptions")["items"] == []


def test_a_subscription_ends_with_its_key(api: Api, caller: Caller) -> None:
    caller.post("/subscriptions", {"words": "all", "spaceId": api.live.group.id}, status=201)
    api.revoke()
    api.live.emulator.world.wait_for(
        lambda _: len(api.live.emulator.calls.calls_to("GET", "/v1/partner/reports", "api")) > 1, timeout=PATIENCE
    )
    report = api.live.partner_report()
    api.live.at(api.live.ada, api.live.group).says(f"report {report.id}")
    api.live.emulator.world.wait_for(lambda _: any(one.message.files for one in said(api)), timeout=PATIENCE)
    assert sum(bool(one.message.files) for one in said(api)) == 1


def test_a_schedule_is_kept_changed_paused_and_ended(api: Api, caller: Caller) -> None:
    made = caller.post("/schedules", schedule(api, name="Weekly usage", onlyIf="not blank"), status=201)
    assert caller.headers["Location"] == f"/api/v1/schedules/{made['id']}"
    assert (made["title"], made["status"], made["onlyIf"]) == ("Calling Usage", "active", "not blank")
    assert made["nextRunAt"] == f"{MONDAY}T07:00:00Z"
    path = f"/schedules/{made['id']}"
    assert caller.get(path) == made
    changed = caller.call("PATCH", path, json={"rrule": "FREQ=DAILY", "period": "yesterday", "name": None})
    assert (changed["rrule"], changed["period"], changed["name"]) == ("FREQ=DAILY", "yesterday", None)
    assert changed["dtstart"] == made["dtstart"]
    paused = caller.call("PATCH", path, json={"status": "paused"})
    assert (paused["status"], paused["nextRunAt"]) == ("paused", None)
    assert caller.call("PATCH", path, json={"status": "active"})["nextRunAt"]
    api.caller(name="other").get(path, status=404)
    caller.call("DELETE", path, status=204)
    caller.get(path, status=404)
    assert caller.get("/schedules")["items"] == []


def test_while_a_change_is_looked_at_others_may_write(
    api: Api, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = caller.post("/schedules", schedule(api), status=201)
    written = []

    def validated_beside_others(*given: str) -> Recurrence:
        with api.database.begin():
            written.append(given)
        return validated(*given)

    monkeypatch.setattr(schedules_of_api, "validated", validated_beside_others)
    caller.call("PATCH", f"/schedules/{made['id']}", json={"rrule": "FREQ=DAILY"})
    assert len(written) == 1


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_schedule_is_run_now_and_its_runs_are_told(api: Api, caller: Caller, family: str) -> None:
    order = schedule(api, family=family, templateId=130 if family == "partner" else 2)
    made = caller.post("/schedules", order, status=201)
    run = caller.call("POST", f"/schedules/{made['id']}/runs", status=202)
    assert (run["status"], run["why"]) == ("open", "by_hand")
    reports = api.live.emulator.world.reports
    api.live.emulator.world.wait_for(lambda _: reports, timeout=PATIENCE)
    (report,) = reports.values()
    api.live.emulator.world.set_report(report.id, status="done")
    api.live.emulator.world.wait_for(lambda _: said(api), timeout=PATIENCE)
    (message,) = said(api)
    assert message.message.files
    assert message.message.parent_id is None
    api.live.emulator.world.wait_for(
        lambda _: caller.get(f"/schedules/{made['id']}/runs")["items"][0]["status"] == "delivered", timeout=PATIENCE
    )
    (told,) = caller.get(f"/schedules/{made['id']}/runs")["items"]
    assert (told["id"], told["reportId"], told["startDate"]) == (run["id"], report.id, run["startDate"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"rrule": "FREQ=MINUTELY"},
        {"rrule": "whatever"},
        {"dtstart": f"{MONDAY}T08:00:00"},
        {"dtstart": f"{MONDAY}T08:00:00[Mars/Olympus]"},
        {"dtstart": "tomorrow"},
        {"period": "some day"},
        {"onlyIf": "it rains"},
    ],
)
def test_what_no_schedule_can_be_is_told(api: Api, caller: Caller, wrong: dict[str, str]) -> None:
    problem = caller.post("/schedules", schedule(api, **wrong), status=409)
    assert problem["type"].endswith("/invalid-schedule")
    assert problem["detail"]
    assert caller.get("/schedules")["items"] == []


@pytest.mark.parametrize(
    "start",
    [
        f"{MONDAY}T08:00:00+01:00[Europe/Berlin]",
        f"TZID=Europe/Berlin:{MONDAY:%Y%m%d}T080000",
        f"{MONDAY}T08:00[Europe/Berlin]",
    ],
)
def test_a_start_in_other_spellings(api: Api, caller: Caller, start: str) -> None:
    made = caller.post("/schedules", schedule(api, dtstart=start), status=201)
    assert (made["dtstart"], made["nextRunAt"]) == (f"{MONDAY}T08:00:00[Europe/Berlin]", f"{MONDAY}T07:00:00Z")


def test_a_template_that_does_not_exist(api: Api, caller: Caller) -> None:
    caller.post("/schedules", schedule(api, templateId=999), status=404)


def test_who_may_not_manage_is_refused(api: Api) -> None:
    caller = api.caller(rights=[Right.DELIVER, Right.CREATE])
    caller.get("/subscriptions", status=403)
    caller.post("/subscriptions", {"words": "all", "spaceId": api.live.group.id}, status=403)
    caller.post("/schedules", schedule(api), status=403)
    elsewhere = api.caller(spaces=[], name="elsewhere")
    elsewhere.post("/schedules", schedule(api), status=403)
    elsewhere.post("/subscriptions", {"words": "all", "spaceId": api.live.group.id}, status=403)
