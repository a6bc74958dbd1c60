"""The control API: what the page sees and does, and who may not."""

import json
from typing import Any

import pytest
import requests

from tests.emulator.support import Client

CARD = {
    "contentType": "application/vnd.microsoft.card.adaptive",
    "content": {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock", "text": "hi"}]},
}


@pytest.fixture
def page(live) -> Any:
    made = Client(live.emulator.page_url.removesuffix("/"), "")
    del made.session.headers["Authorization"]
    live.clients.append(made)
    return made


def test_the_state_names_bot_people_spaces_reports_and_webhooks(live, page, bot):
    live.ada.note = "full administrator"
    report = live.world.add_report(family="partner", title="Usage", note="done", kind="call history")
    bot.post("/webhooks", name="w", targetUrl="http://127.0.0.1:9/", resource="messages", event="created")
    state = page.get("/state").json()
    assert state["bot"] == {"id": live.bot.id, "name": "Report Bot", "firstName": "Report"}
    people = {person["name"]: person for person in state["people"]}
    assert set(people) == {"Ada Lovelace", "Nora Jones", "Ethan Hunt"}
    ada, ethan = people["Ada Lovelace"], people["Ethan Hunt"]
    assert (ada["admin"], ada["external"], ada["org"], ada["note"]) == (True, False, "Acme", "full administrator")
    assert (ethan["admin"], ethan["external"]) == (False, True)
    (space,) = state["spaces"]
    assert (space["title"], space["type"], len(space["memberIds"])) == ("Reports", "group", 3)
    assert state["reports"] == [
        {
            "id": report.id,
            "family": "partner",
            "title": "Usage",
            "status": "done",
            "note": "done",
            "kind": "call history",
        }
    ]
    assert state["webhooks"] == [{"name": "w", "resource": "messages", "event": "created", "status": "active"}]
    assert state["version"] == live.world.version
    assert state["parts"] == []


def test_the_bot_is_removed_from_a_space_and_added_again_by_somebody_in_it(live, page, bot):
    live.emulator.deliver_webhooks = False
    hook = {"name": "w", "targetUrl": "http://127.0.0.1:9/", "resource": "memberships"}
    for event in ("created", "deleted"):
        bot.post("/webhooks", **hook, event=event)
    there = f"/spaces/{live.space.id}/bot"

    removed = page.call("DELETE", there, json={"personId": live.ada.id})
    assert (removed.status_code, live.bot.id in removed.json()["memberIds"]) == (200, False)
    assert page.call("DELETE", there, json={"personId": live.ada.id}).status_code == 200, "it is gone already"
    added = page.put(there, personId=live.ada.id)
    assert (added.status_code, live.bot.id in added.json()["memberIds"]) == (200, True)
    assert page.put(there, personId=live.ada.id).status_code == 200, "it is there already"

    gone, came = (json.loads(event.body) for event in live.emulator.undelivered)
    assert (gone["event"], came["event"]) == ("deleted", "created")
    for event in (gone, came):
        assert event["actorId"] == live.ada.id
        assert event["data"]["personId"] == live.bot.id
        assert (event["data"]["roomId"], event["data"]["roomType"]) == (live.space.id, "group")


def test_nobody_adds_the_bot_to_a_space_that_they_are_not_in_or_to_a_1_to_1(live, page):
    outsider = live.world.add_person("Zoe", live.world.organizations[live.ada.org_id])
    assert page.put(f"/spaces/{live.space.id}/bot", personId=outsider.id).status_code == 404
    direct = live.world.direct_space(live.ada, live.bot)
    assert page.call("DELETE", f"/spaces/{direct.id}/bot", json={"personId": live.ada.id}).status_code == 400
    assert live.world.is_member(direct.id, live.bot.id)


def test_people_write_open_the_1_to_1_and_press(live, page, bot):
    opened = page.post("/spaces", personId=live.nora.id)
    assert (opened.status_code, opened.json()["type"]) == (201, "direct")
    said = page.post("/messages", personId=live.nora.id, spaceId=opened.json()["id"], text="help")
    assert (said.status_code, said.json()["text"], said.json()["isBot"]) == (201, "help", False)
    mentioned = page.post(
        "/messages",
        personId=live.ada.id,
        spaceId=live.space.id,
        text="report A",
        mention=True,
        mentionAs="first",
        mentionAt="end",
    ).json()
    assert mentioned["text"] == "report A Report"
    fields = {"roomId": live.space.id, "parentId": mentioned["id"]}
    card = bot.post("/messages", **fields, text="a", attachments=[CARD]).json()
    bot.upload("data.csv", b"a,b\n", **fields)
    items = page.get(f"/spaces/{live.space.id}/messages").json()["items"]
    assert [item["isBot"] for item in items] == [False, True, True]
    assert items[1]["card"] == CARD["content"]
    assert items[1]["parentId"] == mentioned["id"]
    (file,) = items[2]["files"]
    fetched = page.get(live.emulator.page_url.removesuffix("/emulator/") + file["url"])
    assert (fetched.content, file["name"], file["size"]) == (b"a,b\n", "data.csv", 4)
    assert "attachment" in fetched.headers["Content-Disposition"]
    assert page.post("/actions", personId=live.ada.id, messageId=card["id"], inputs={"a": 1}).status_code == 201
    assert [action.inputs for action in live.world.actions.values()] == [{"a": 1}]
    bot.delete(f"/messages/{card['id']}")
    assert len(page.get(f"/spaces/{live.space.id}/messages").json()["items"]) == 2


def test_what_cannot_be_is_refused_with_a_sentence(live, page):
    for answer, status in [
        (page.post("/messages", personId=live.ethan.id, spaceId=live.space.id, text="a"), 404),
        (page.post("/messages", personId="none", spaceId=live.space.id, text="a"), 404),
        (page.post("/messages", personId=live.ada.id, spaceId=live.space.id, text=""), 400),
        (page.post("/actions", personId=live.ada.id, messageId="none", inputs={}), 404),
        (page.post("/actions", personId=live.ada.id, messageId="none", inputs="a"), 400),
        (page.post("/reports", family="partner", colour="red"), 400),
        (page.post("/faults", colour="red"), 400),
        (page.get("/spaces/none/messages"), 404),
        (page.get("/files/none"), 404),
        (page.call("PATCH", "/reports/none", json={}), 404),
    ]:
        assert answer.status_code == status
        assert answer.json()["message"]


def test_reports_and_faults_are_driven_over_http(live, page, bot):
    made = page.post("/reports", family="organization", title="New", status="waiting", content="a,b\n")
    assert (made.status_code, made.json()["status"]) == (201, "waiting")
    changed = page.call("PATCH", f"/reports/{made.json()['id']}", json={"status": "done"})
    assert changed.json()["status"] == "done"
    assert page.call("PATCH", f"/reports/{made.json()['id']}", json={"colour": 1}).status_code == 400
    assert page.post("/faults", method="get", path="/v1/people/me", status=500, times=1).status_code == 201
    assert bot.get("/people/me").status_code == 500
    assert [fault["hits"] for fault in page.get("/faults").json()["items"]] == [1]
    assert page.delete("/faults").status_code == 204
    assert page.get("/faults").json()["items"] == []


def test_events_stream_each_change_and_end_with_the_emulator(live, page):
    with page.session.get(f"{page.base}/events", stream=True, timeout=5) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = (line for line in stream.iter_lines() if line)
        first = json.loads(next(lines).removeprefix(b"data: "))
        assert first["version"] == live.world.version
        live.world.say(live.ada, live.space, "hello")
        second = json.loads(next(lines).removeprefix(b"data: "))
        assert second == {"version": first["version"] + 1, "spaceId": live.space.id}
        live.emulator.stop()
        assert list(lines) == []


def test_only_this_machine_drives_it(live, page):
    for headers in (
        {"Host": "rebound.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        for method, path in [("POST", "/messages"), ("GET", "/state"), ("DELETE", "/faults")]:
            answer = page.call(method, path, headers=headers, json={} if method == "POST" else None)
            assert answer.status_code == 403, (headers, method)
    own = {"Origin": live.emulator.page_url.removesuffix("/emulator/")}
    assert page.call("GET", "/state", headers=own).status_code == 200
    port = live.emulator.api_url.split(":")[2].split("/")[0]
    assert page.call("GET", "/state", headers={"Host": f"localhost:{port}"}).status_code == 200


def test_the_root_leads_to_the_page_and_nothing_beside_it_is_served(live, page):
    root = live.emulator.page_url.removesuffix("emulator/")
    answer = requests.get(root, allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/emulator/")
    assert page.get("/page/../api.py").status_code == 404
    assert page.get("/page/%2e%2e/api.py").status_code == 404


def test_the_page_is_served_or_said_to_be_missing(live, page, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.emulator.control.PAGE_FOLDER", tmp_path)
    missing = page.get("/")
    assert (missing.status_code, "not installed" in missing.json()["message"]) == (404, True)
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "a.js").write_text("1")
    assert page.get("/").text == "<p>page</p>"
    assert page.get("/page/node_modules/a.js").text == "1"


def test_control_calls_are_neither_recorded_nor_hindered(live, page):
    live.emulator.faults.add(path="*", status=500)
    live.emulator.latency = 5
    assert page.get("/state").status_code == 200
    assert len(live.emulator.calls) == 0


def test_the_clock_is_shown_and_moved_where_it_can_be(live, page):
    now = page.get("/clock").json()
    assert now["moves"] is False
    refused = page.call("POST", "/clock", json={"seconds": 60})
    assert (refused.status_code, refused.json()["message"]) == (409, "This clock can't be moved.")
    moved: list[float] = []
    live.world.move_clock = moved.append
    assert page.call("POST", "/clock", json={"seconds": 3600}).json()["moves"] is True
    for wrong in (0, -60, 1.5, True, "60", None, 10**9):
        assert page.call("POST", "/clock", json={"seconds": wrong}).status_code == 400
    assert moved == [3600]
