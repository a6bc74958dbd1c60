"""Webhooks: who hears of what, how calls are signed, and when a target is given up."""

import hashlib
import hmac
import json
from typing import Any

import pytest

SECRET = "a secret of some length"
CARD = {
    "contentType": "application/vnd.microsoft.card.adaptive",
    "content": {"type": "AdaptiveCard", "version": "1.3", "body": []},
}


def hook(client, listener, resource="messages", event="created", **more) -> Any:
    fields = {"name": f"{resource} {event}", "targetUrl": listener.url, "secret": SECRET, **more}
    return client.post("/webhooks", resource=resource, event=event, **fields)


def delivered(stage, count) -> Any:
    stage.world.wait_for(lambda world: len(world.deliveries) >= count)
    return [json.loads(delivery.event.body) for delivery in stage.world.deliveries]


def test_a_webhook_is_made_read_changed_and_deleted_by_its_owner(stage, bot, admin, listener):
    made = hook(bot, listener, filter="roomType=group").json()
    assert (made["status"], made["ownedBy"], made["createdBy"]) == ("active", "creator", stage.bot.id)
    assert bot.get("/webhooks").json()["items"] == [made]
    assert admin.get("/webhooks").json()["items"] == []
    path = f"/webhooks/{made['id']}"
    assert admin.get(path).status_code == admin.delete(path).status_code == 404
    changed = bot.put(path, name="new", targetUrl="https://example.com/", filter="roomType=direct").json()
    assert (changed["name"], changed["targetUrl"], changed["filter"]) == (
        "new",
        "https://example.com/",
        "roomType=group",
    )
    assert changed["secret"] == SECRET
    assert bot.delete(path).status_code == 204
    assert bot.get(path).status_code == 404


def test_a_malformed_or_repeated_webhook_is_refused(stage, bot, listener):
    assert hook(bot, listener, resource="reports").status_code == 400
    assert hook(bot, listener, event="seen").status_code == 400
    assert hook(bot, listener, targetUrl="nowhere").status_code == 400
    assert bot.post("/webhooks", name="a").status_code == 400
    assert hook(bot, listener).status_code == 200
    assert hook(bot, listener).status_code == 409


def test_a_call_is_signed_over_its_raw_body_and_holds_no_text(stage, bot, listener):
    hook(bot, listener)
    message = stage.world.say(stage.ada, stage.space, "report ABC", mention=stage.bot)
    envelope = delivered(stage, 1)[0]
    headers, body = listener.received[0]
    assert headers["X-Spark-Signature"] == hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    assert (envelope["resource"], envelope["event"], envelope["actorId"]) == ("messages", "created", stage.ada.id)
    assert envelope["data"] == {
        "id": message.id,
        "roomId": stage.space.id,
        "roomType": "group",
        "personId": stage.ada.id,
        "personEmail": stage.ada.email,
        "mentionedPeople": [stage.bot.id],
        "created": envelope["data"]["created"],
    }
    assert b"ABC" not in body
    assert {"id", "name", "targetUrl", "orgId", "createdBy", "appId", "ownedBy", "status", "created"} <= set(envelope)


def test_a_bot_hears_mentions_its_1_to_1_and_its_own_posts(stage, bot, listener):
    hook(bot, listener)
    direct = stage.world.direct_space(stage.ada, stage.bot)
    stage.world.say(stage.ada, stage.space, "between us")
    expected = {
        stage.world.say(stage.ada, stage.space, "help", mention=stage.bot).id,
        stage.world.say(stage.ada, direct, "help").id,
        bot.post("/messages", roomId=stage.space.id, text="mine").json()["id"],
    }
    assert {envelope["data"]["id"] for envelope in delivered(stage, 3)} == expected


def test_a_filter_lets_only_its_own_through(stage, bot, listener):
    direct = stage.world.direct_space(stage.ada, stage.bot)
    hook(bot, listener, filter=f"roomId={direct.id}&personId={stage.ada.id}")
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    wanted = stage.world.say(stage.ada, direct, "help")
    stage.world.post(stage.bot, direct, text="mine")
    assert [envelope["data"]["id"] for envelope in delivered(stage, 1)] == [wanted.id]


def test_a_pressed_button_is_announced_to_the_cards_author_without_inputs(stage, bot, listener):
    hook(bot, listener, "attachmentActions")
    admin = stage.client(stage.ada)
    hook(admin, listener, "attachmentActions")
    card = bot.post("/messages", roomId=stage.space.id, text="a", attachments=[CARD]).json()
    action = stage.world.press(stage.nora, card["id"], {"secret": "input"})
    envelope = delivered(stage, 1)[0]
    assert envelope["data"]["id"] == action.id
    assert (envelope["createdBy"], envelope["actorId"]) == (stage.bot.id, stage.nora.id)
    assert "inputs" not in envelope["data"]


def test_being_added_and_removed_is_announced(stage, bot, listener):
    hook(bot, listener, "memberships", "all")
    space = stage.world.add_space("New", [stage.ada, stage.bot])
    stage.world.leave(space, stage.bot)
    events = {(e["event"], e["data"]["personId"], e["data"]["roomId"]) for e in delivered(stage, 2)}
    assert events == {("created", stage.bot.id, space.id), ("deleted", stage.bot.id, space.id)}


def test_events_can_be_held_back_and_delivered_many_times_at_once(stage, bot, listener):
    hook(bot, listener)
    stage.emulator.deliver_webhooks = False
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    (event,) = stage.emulator.undelivered
    assert listener.received == []
    outcomes = stage.world.redeliver(event, times=10)
    assert [outcome.status for outcome in outcomes] == [200] * 10
    assert len({body for _, body in listener.received}) == 1


def test_100_failures_in_5_minutes_silence_a_webhook_and_one_more_after_its_revival(stage, bot, listener):
    made = hook(bot, listener).json()
    listener.status = 500

    def status() -> Any:
        return bot.get(f"/webhooks/{made['id']}").json()["status"]

    for _ in range(99):
        stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    delivered(stage, 99)
    assert status() == "active"
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    delivered(stage, 100)
    assert status() == "inactive"
    stage.world.say(stage.ada, stage.space, "unheard", mention=stage.bot)
    fields = {"name": made["name"], "targetUrl": made["targetUrl"], "status": "active"}
    assert bot.put(f"/webhooks/{made['id']}", **fields).json()["status"] == "active"
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    delivered(stage, 101)
    assert status() == "inactive"
    bot.put(f"/webhooks/{made['id']}", **fields)
    now = stage.world.clock()
    stage.world.clock = lambda: now + 301
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    delivered(stage, 102)
    assert (status(), len(listener.received)) == ("active", 102)


def test_nobody_can_make_a_webhook_inactive_and_a_change_without_status_revives_none(stage, bot, listener):
    made = hook(bot, listener).json()
    fields = {"name": "another name", "targetUrl": made["targetUrl"]}
    for status in ("inactive", "", None, True):
        assert bot.put(f"/webhooks/{made['id']}", **fields, status=status).status_code == 400
    assert bot.get(f"/webhooks/{made['id']}").json() == made
    stage.world.webhooks[made["id"]].status = "inactive"
    assert bot.put(f"/webhooks/{made['id']}", **fields).json()["status"] == "inactive"


def test_failures_that_are_far_apart_silence_nothing(stage, bot, listener):
    made = hook(bot, listener).json()
    listener.status = 500
    for late in (0, 301):
        now = stage.world.clock() + late
        stage.world.clock = lambda now=now: now
        before = len(stage.world.deliveries)
        for _ in range(60):
            stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
        delivered(stage, before + 60)
    assert bot.get(f"/webhooks/{made['id']}").json()["status"] == "active"


@pytest.mark.parametrize("status", [302, 401, 503])
def test_every_answer_but_2xx_is_a_failure(stage, bot, listener, status):
    hook(bot, listener)
    listener.status = status
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    delivered(stage, 1)
    assert [(one.ok, one.status) for one in stage.world.deliveries] == [(False, status)]


def test_a_target_that_is_not_there_is_a_failure_with_a_reason(stage, bot, listener):
    url = listener.url
    hook(bot, listener, targetUrl=url.replace("/hook", "").rsplit(":", 1)[0] + ":9/hook")
    stage.world.say(stage.ada, stage.space, "help", mention=stage.bot)
    delivered(stage, 1)
    (outcome,) = stage.world.deliveries
    assert (outcome.ok, outcome.status) == (False, None)
    assert "refused" in outcome.problem
