"""``/deliveries``, as a program calls it: the report's file in the space, once, or why not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.api_keys import Right
from tests.live_bot import BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Person, Space
    from tests.api.conftest import Api, Caller


def said(api: Api, space: Space | None = None, person: Person | None = None) -> list[BotMessage]:
    world, bot = api.live.emulator.world, api.live.bot
    where = space or (api.live.group if person is None else world.direct_space(person, bot))
    return [BotMessage(one) for one in world.messages(where) if one.person_id == bot.id and not one.deleted]


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_the_file_is_posted_with_its_line_and_no_card(api: Api, caller: Caller, family: str) -> None:
    report = api.live.partner_report() if family == "partner" else api.live.organization_report("Calling Usage")
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    assert caller.headers["Location"] == f"/api/v1/deliveries/{made['id']}"
    assert (made["status"], made["reportId"], made["spaceId"]) == ("open", report.id, api.live.group.id)
    ended = caller.ended(made["id"])
    (message,) = said(api)
    assert (ended["status"], ended["messageId"]) == ("delivered", message.message.id)
    assert message.card is None
    assert message.message.files
    assert "Calling Usage" in message.words
    assert message.message.parent_id is None


def test_it_waits_for_a_report_that_is_not_ready(api: Api, caller: Caller) -> None:
    report = api.live.partner_report(status="In progress", ready_after_polls=5)
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    assert caller.ended(made["id"])["status"] == "delivered"
    assert len(said(api)) == 1


def test_a_card_alone(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id, "cardOnly": True})
    assert made["cardOnly"] is True
    assert caller.ended(made["id"])["status"] == "delivered"
    (message,) = said(api)
    assert message.card is not None
    assert not message.message.files


def test_a_report_that_nobody_knows_is_taken_and_fails(api: Api, caller: Caller) -> None:
    made = caller.post(
        "/deliveries", {"reportId": "Y2lzY29zcGFyazovL3VzL1JFUE9SVC9ub25l", "spaceId": api.live.group.id}
    )
    ended = caller.ended(made["id"])
    assert ended["status"] == "failed"
    assert "couldn't find" in ended["reason"]
    assert said(api) == []


def test_a_title_means_the_newest_that_is_ready(api: Api, caller: Caller) -> None:
    api.live.partner_report("Calling Usage", created=1.0)
    newest = api.live.partner_report("Calling Usage", created=2.0)
    api.live.partner_report("Calling Usage", created=3.0, status="In progress")
    made = caller.post("/deliveries", {"title": "calling usage", "spaceId": api.live.group.id})
    assert made["reportId"] == newest.id


def test_a_title_that_nothing_has_and_one_that_several_have(api: Api, caller: Caller) -> None:
    api.live.partner_report("Calling Usage")
    api.live.partner_report("Calling Quality")
    where = api.live.group.id
    none = caller.post("/deliveries", {"title": "billing", "spaceId": where}, status=404)
    assert none["type"] == "/api/v1/docs/errors/not-found"
    several = caller.post("/deliveries", {"title": "calling", "spaceId": where}, status=409)
    assert {one["title"] for one in several["choices"]} == {"Calling Usage", "Calling Quality"}
    assert all("id" in one for one in several["choices"])
    assert said(api) == []


def test_a_typing_error_is_no_title(api: Api, caller: Caller) -> None:
    api.live.partner_report("Calling Usage")
    caller.post("/deliveries", {"title": "caling usage", "spaceId": api.live.group.id}, status=404)


def test_the_same_order_again_is_the_same_delivery(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    order = {"reportId": report.id, "spaceId": api.live.group.id}
    first = caller.post("/deliveries", order, once="order-1")
    caller.ended(first["id"])
    assert caller.post("/deliveries", order, once='"order-1"') == first
    assert caller.post("/deliveries", order, once="order-2")["id"] != first["id"]
    other = caller.post("/deliveries", order | {"cardOnly": True}, once="order-1", status=422)
    assert other["type"].endswith("/idempotency-key-reused")


def test_two_orders_at_once_are_one(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    order = {"reportId": report.id, "spaceId": api.live.group.id}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: caller.post("/deliveries", order, once="same"), range(8)))
    assert all(one == answers[0] for one in answers)
    caller.ended(answers[0]["id"])
    assert len(said(api)) == 1
    assert len(caller.get("/deliveries")["items"]) == 1


def test_in_a_space_with_outsiders_nothing_is_posted(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.outside.id})
    ended = caller.ended(made["id"])
    assert (ended["status"], ended["reason"]) == (
        "refused",
        "There are external people in this space, so nothing was posted there.",
    )
    assert said(api, api.live.outside) == []
    assert said(api, person=api.live.ada) == []


def test_a_key_reaches_its_spaces_only(api: Api) -> None:
    report = api.live.partner_report()
    nowhere, here = api.caller(spaces=[], name="a"), api.caller(spaces=[api.live.group.id], name="b")
    order = {"reportId": report.id, "spaceId": api.live.group.id}
    assert nowhere.post("/deliveries", order, status=403)["type"].endswith("/space-not-allowed")
    assert here.ended(here.post("/deliveries", order)["id"])["status"] == "delivered"
    here.post("/deliveries", order | {"spaceId": api.live.outside.id}, status=403)
    person = {"reportId": report.id, "personEmail": api.live.ada.emails[0]}
    assert here.post("/deliveries", person, status=403)["type"].endswith("/not-allowed")


def test_a_person_gets_only_what_they_may_ask_for(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()

    def delivered_to(person: Person) -> Any:
        made = caller.post("/deliveries", {"reportId": report.id, "personEmail": person.emails[0]})
        return caller.ended(made["id"])

    assert delivered_to(api.live.ada)["status"] == "delivered"
    (message,) = said(api, person=api.live.ada)
    assert message.message.files
    assert delivered_to(api.live.nora)["status"] == "refused"
    assert said(api, person=api.live.nora) == []
    unknown = {"reportId": report.id, "personEmail": "nobody@example.org"}
    caller.post("/deliveries", unknown, status=404)


def test_a_space_of_one_person_is_no_way_around_their_rights(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    for person in (api.live.nora, api.live.ada):
        space = api.live.emulator.world.direct_space(person, api.live.bot)
        made = caller.post("/deliveries", {"reportId": report.id, "spaceId": space.id})
        ended = caller.ended(made["id"])
        assert (ended["status"], ended["reason"]) == (
            "refused",
            "This is a 1:1 space: send personEmail in place of spaceId.",
        )
        assert said(api, space) == []


def test_a_delivery_can_be_canceled_and_not_twice(api: Api, caller: Caller) -> None:
    report = api.live.partner_report(status="In progress")
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    caller.call("DELETE", f"/deliveries/{made['id']}", status=204)
    caller.call("DELETE", f"/deliveries/{made['id']}", status=204)
    assert caller.get(f"/deliveries/{made['id']}")["status"] == "canceled"
    done = api.live.partner_report()
    other = caller.post("/deliveries", {"reportId": done.id, "spaceId": api.live.group.id})
    caller.ended(other["id"])
    assert caller.call("DELETE", f"/deliveries/{other['id']}", status=409)["type"].endswith("/too-late")


def test_nobody_sees_the_deliveries_of_another_key(api: Api, caller: Caller) -> None:
    report = api.live.partner_report()
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    other = api.caller(name="other")
    other.get(f"/deliveries/{made['id']}", status=404)
    other.call("DELETE", f"/deliveries/{made['id']}", status=404)
    assert other.get("/deliveries")["items"] == []


def test_the_list_is_in_pages(api: Api, caller: Caller) -> None:
    report = api.live.partner_report(status="In progress")
    order = {"reportId": report.id, "spaceId": api.live.group.id}
    made = [caller.post("/deliveries", order)["id"] for _ in range(5)]
    first = caller.get("/deliveries?max=3")
    second = caller.get(f"/deliveries?max=3&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


def test_what_no_report_came_of_is_listed_where_it_was_asked(api: Api, caller: Caller) -> None:
    """However many they are: each stands on one page, and no page has more than was asked for."""
    report = api.live.partner_report()
    days = {"startDate": "2026-10-01", "endDate": "2026-10-02"}
    where = {"spaceId": api.live.group.id}
    made = []
    for _ in range(3):
        made.append(caller.post("/reports", {"family": "partner", "templateId": 999, "deliverTo": where, **days}))
        made.append(caller.post("/deliveries", {"reportId": report.id, **where}))

    listed, cursor = [], ""
    for _ in made:
        page = caller.get(f"/deliveries?max=2{cursor}")
        listed.append([one["id"] for one in page["items"]])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    references = [one["reference"] for one in reversed(made)]
    assert listed == [references[:2], references[2:4], references[4:]]


def test_what_a_revoked_key_has_open_is_not_delivered(api: Api, caller: Caller) -> None:
    report = api.live.partner_report(status="In progress")
    made = caller.post("/deliveries", {"reportId": report.id, "spaceId": api.live.group.id})
    api.revoke()
    assert caller.get("/deliveries", status=401)["type"].endswith("/unauthorized")
    api.live.emulator.world.set_report(report.id, status="done")
    api.live.at(api.live.ada, api.live.group).says(f"report {report.id}")
    api.live.emulator.world.wait_for(lambda _: any(one.message.files for one in said(api)), timeout=20)
    with api.database.read() as tx:
        from bot.db import requests

        request = requests.with_reference(tx, made["id"])
    assert request is not None
    assert (request.state.value, request.cause) == ("refused", "key_revoked")


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"reportId": "R"},
        {"spaceId": "S"},
        {"reportId": "R", "title": "t", "spaceId": "S"},
        {"reportId": "R", "spaceId": "S", "personEmail": "a@b"},
        {"reportId": "", "spaceId": "S"},
        {"reportId": 7, "spaceId": "S"},
        {"reportId": "R", "spaceId": "S", "cardOnly": "yes"},
        {"reportId": "R", "spaceId": "S", "extra": 1},
        [],
        "text",
    ],
)
def test_a_wrong_body_is_refused_with_what_is_wrong(caller: Caller, order: Any) -> None:
    problem = caller.post("/deliveries", order, status=422)
    assert problem["type"] == "/api/v1/docs/errors/invalid-request"
    assert problem["errors"]


def test_without_the_right_nothing_is_run(api: Api) -> None:
    caller = api.caller(rights=[Right.DELIVER])
    caller.post("/reports", {"family": "partner", "templateId": 130}, status=403)
