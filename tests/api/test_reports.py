"""``/reports`` and ``/templates``: what Webex lists, and reports that a program runs and deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.api_keys import Right
from bot.emulator.things import Template
from tests.api.test_deliveries import said

if TYPE_CHECKING:
    from tests.api.conftest import Api, Caller

ORDER = {"family": "partner", "templateId": 130, "startDate": "2026-10-01", "endDate": "2026-10-31"}


@pytest.fixture(autouse=True)
def templates(api: Api) -> None:
    world = api.live.emulator.world
    world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))


def test_reports_of_both_families_without_any_link(api: Api, caller: Caller) -> None:
    partner = api.live.partner_report("Calling Usage", created=1.0)
    organization = api.live.organization_report("Meeting Details", created=2.0)
    found = caller.get("/reports")
    assert [one["id"] for one in found["items"]] == [organization.id, partner.id]
    assert found["next"] is None
    (one,) = caller.get("/reports?family=partner")["items"]
    assert (one["family"], one["title"], one["status"]) == ("partner", "Calling Usage", "ready")
    assert (one["startDate"], one["endDate"]) == (partner.start, partner.end)
    assert one["createdAt"]
    assert "http" not in str(found).lower()
    assert caller.get(f"/reports/{partner.id}")["id"] == partner.id
    assert [one["id"] for one in caller.get("/reports?words=meeting")["items"]] == [organization.id]
    assert caller.get("/reports?words=mieting")["items"] == []


def test_reports_in_pages(api: Api, caller: Caller) -> None:
    made = [api.live.partner_report(f"Usage {number}", created=float(number)).id for number in range(1, 6)]
    first = caller.get("/reports?max=3")
    second = caller.get(f"/reports?max=3&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]


def test_a_report_that_does_not_exist(caller: Caller) -> None:
    problem = caller.get("/reports/Y2lzY29zcGFyazovL3VzL1JFUE9SVC9ub25l", status=404)
    assert (problem["status"], problem["type"]) == (404, "/api/v1/docs/errors/not-found")


def test_a_report_of_a_sub_partner_that_was_seen_is_found_by_its_id(api: Api, caller: Caller) -> None:
    live = api.live
    initech = live.emulator.world.add_organization("Initech", sub_partner_of=live.acme)
    report = live.partner_report("Calling Usage", sub_partner=initech.id)
    caller.get(f"/reports/{report.id}", status=404)
    live.at(live.ada).says(f"reports for {initech.id}").card()
    assert caller.get(f"/reports/{report.id}")["title"] == "Calling Usage"


def test_templates(caller: Caller) -> None:
    found = caller.get("/templates")["items"]
    assert {(one["family"], one["id"], one["title"]) for one in found} >= {
        ("partner", "130", "Calling Usage"),
        ("organization", "2", "Meeting Details"),
    }
    assert {one["family"] for one in caller.get("/templates?family=organization")["items"]} == {"organization"}


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_report_is_run_and_delivered(api: Api, caller: Caller, family: str) -> None:
    order = ORDER | {"family": family, "templateId": 130 if family == "partner" else "2"}
    made = caller.post("/reports", order | {"deliverTo": {"spaceId": api.live.group.id}}, once="monthly")
    (report,) = api.live.emulator.world.reports.values()
    assert made["id"] == report.id
    api.live.emulator.world.set_report(report.id, status="done")
    delivery = caller.ended(made["deliveryId"])
    assert (delivery["id"], delivery["status"], delivery["reportId"]) == (made["deliveryId"], "delivered", report.id)
    (message,) = said(api)
    assert message.message.files
    again = caller.post("/reports", order | {"deliverTo": {"spaceId": api.live.group.id}}, once="monthly")
    assert (again["id"], again["deliveryId"]) == (made["id"], made["deliveryId"])
    assert len(api.live.emulator.world.reports) == 1
    caller.post("/reports", order, once="monthly", status=422)


def test_a_report_that_goes_nowhere(api: Api, caller: Caller) -> None:
    made = caller.post("/reports", ORDER)
    assert made["id"] in api.live.emulator.world.reports
    assert "deliveryId" not in made
    assert caller.get("/deliveries")["items"] == []
    assert said(api) == []


def test_what_webex_refuses_is_said(api: Api, caller: Caller) -> None:
    made = caller.post("/reports", ORDER | {"templateId": 999, "deliverTo": {"spaceId": api.live.group.id}})
    ended = caller.ended(made["deliveryId"])
    assert ended["status"] == "failed"
    assert "id" not in made
    assert said(api) == []


def test_a_key_deletes_what_it_made_and_nothing_else(api: Api, caller: Caller) -> None:
    made = caller.post("/reports", ORDER)
    other = api.live.partner_report()
    caller.call("DELETE", f"/reports/{other.id}", status=403)
    api.caller(name="other").call("DELETE", f"/reports/{made['id']}", status=403)
    api.caller(name="reads", rights=[Right.DELIVER]).call("DELETE", f"/reports/{made['id']}", status=403)
    caller.call("DELETE", f"/reports/{made['id']}", status=204)
    caller.get(f"/reports/{made['id']}", status=404)
    caller.get(f"/reports/{other.id}")


def test_without_the_right_nothing_is_run(api: Api) -> None:
    problem = api.caller(rights=[Right.DELIVER]).post("/reports", ORDER, status=403)
    assert "create" in problem["detail"]
    assert api.live.emulator.world.reports == {}


def test_a_period_that_ends_before_it_begins(caller: Caller) -> None:
    problem = caller.post("/reports", ORDER | {"endDate": "2026-09-01"}, status=409)
    assert problem["type"].endswith("/invalid-period")


@pytest.mark.parametrize(
    "order",
    [
        ORDER | {"endDate": None},
        ORDER | {"startDate": "yesterday"},
        ORDER | {"family": "other"},
        ORDER | {"templateId": -1},
        ORDER | {"templateId": True},
        ORDER | {"deliverTo": {}},
        {"family": "partner"},
    ],
)
def test_a_wrong_order_runs_nothing(api: Api, caller: Caller, order: dict[str, object]) -> None:
    assert caller.post("/reports", order, status=422)["errors"]
    assert api.live.emulator.world.reports == {}
