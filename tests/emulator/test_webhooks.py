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


def delivered(live, count) -> Any:
    live.world.wait_for(lambda world: len(world.deliveries) >= count)
    return [json.loads(delivery.event.body) for delivery in live.world.deliveries]


def test_a_webhook_is_made_read_changed_and_deleted_by_its_owner(live, bot, admin, listener):
    made = hook(bot, listener, filter="roomType=group").json()
    assert (made["status"], made["ownedBy"], made["createdBy"]) == ("active", "creator", live.bot.id)
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


def test_a_malformed_or_repeated_webhook_is_refused(live, bot, listener):
    assert hook(bot, listener, resource="reports").status_code == 400
    assert hook(bot, listener, event="seen").status_code == 400
    assert hook(bot, listener, targetUrl="nowhere").status_code == 400
    assert bot.post("/webhooks", name="a").status_code == 400
    assert hook(bot, listener).status_code == 200
    assert hook(bot, listener).status_code == 409


def test_a_call_is_signed_over_its_raw_body_and_holds_no_text(live, bot, listener):
    hook(bot, listener)
    message = live.world.say(live.ada, live.space, "report ABC", mention=live.bot)
    envelope = delivered(live, 1)[0]
    headers, body = listener.received[0]
    assert headers["X-Spark-Signature"] == hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    assert (envelope["resource"], envelope["event"], envelope["actorId"]) == ("messages", "created", live.ada.id)
    assert envelope["data"] == {
        "id": message.id,
        "roomId": live.space.id,
        "roomType": "group",
        "personId": live.ada.id,
        "personEmail": live.ada.email,
        "mentionedPeople": [live.bot.id],
        "created": envelope["data"]["created"],
    }
    assert b"ABC" not in body
    assert {"id", "name", "targetUrl", "orgId", "createdBy", "appId", "ownedBy", "status", "created"} <= set(envelope)


def test_a_bot_hears_mentions_its_1_to_1_and_its_own_posts(live, bot, listener):
    hook(bot, listener)
    direct = live.world.direct_space(live.ada, live.bot)
    live.world.say(live.ada, live.space, "between us")
    expected = {
        live.world.say(live.ada, live.space, "help", mention=live.bot).id,
        live.world.say(live.ada, direct, "help").id,
        bot.post("/messages", roomId=live.space.id, text="mine").json()["id"],
    }
    assert {envelope["data"]["id"] for envelope in delivered(live, 3)} == expected


def test_a_filter_lets_only_its_own_through(live, bot, listener):
    direct = live.world.direct_space(live.ada, live.bot)
    hook(bot, listener, filter=f"roomId={direct.id}&personId={live.ada.id}")
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    wanted = live.world.say(live.ada, direct, "help")
    live.world.post(live.bot, direct, text="mine")
    assert [envelope["data"]["id"] for envelope in delivered(live, 1)] == [wanted.id]


def test_a_pressed_button_is_announced_to_the_cards_author_without_inputs(live, bot, listener):
    hook(bot, listener, "attachmentActions")
    admin = live.client(live.ada)
    hook(admin, listener, "attachmentActions")
    card = bot.post("/messages", roomId=live.space.id, text="a", attachments=[CARD]).json()
    action = live.world.press(live.nora, card["id"], {"secret": "input"})
    envelope = delivered(live, 1)[0]
    assert envelope["data"]["id"] == action.id
    assert (envelope["createdBy"], envelope["actorId"]) == (live.bot.id, live.nora.id)
    assert "inputs" not in envelope["data"]


def test_being_added_and_removed_is_announced(live, bot, listener):
    hook(bot, listener, "memberships", "all")
    space = live.world.add_space("New", [live.ada, live.bot])
    live.world.leave(space, live.bot)
    events = {(e["event"], e["data"]["personId"], e["data"]["roomId"]) for e in delivered(live, 2)}
    assert events == {("created", live.bot.id, space.id), ("deleted", live.bot.id, space.id)}


def test_events_can_be_held_back_and_delivered_many_times_at_once(live, bot, listener):
    hook(bot, listener)
    live.emulator.deliver_webhooks = False
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    (event,) = live.emulator.undelivered
    assert listener.received == []
    outcomes = live.world.redeliver(event, times=10)
    assert [outcome.status for outcome in outcomes] == [200] * 10
    assert len({body for _, body in listener.received}) == 1


def test_100_failures_in_5_minutes_silence_a_webhook_and_one_more_after_its_revival(live, bot, listener):
    made = hook(bot, listener).json()
    listener.status = 500

    def status() -> Any:
        return bot.get(f"/webhooks/{made['id']}").json()["status"]

    for _ in range(99):
        live.world.say(live.ada, live.space, "help", mention=live.bot)
    delivered(live, 99)
    assert status() == "active"
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    delivered(live, 100)
    assert status() == "inactive"
    live.world.say(live.ada, live.space, "unheard", mention=live.bot)
    fields = {"name": made["name"], "targetUrl": made["targetUrl"], "status": "active"}
    assert bot.put(f"/webhooks/{made['id']}", **fields).json()["status"] == "active"
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    delivered(live, 101)
    assert status() == "inactive"
    bot.put(f"/webhooks/{made['id']}", **fields)
    now = live.world.clock()
    live.world.clock = lambda: now + 301
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    delivered(live, 102)
    assert (status(), len(listener.received)) == ("active", 102)


def test_nobody_can_make_a_webhook_inactive_and_a_change_without_status_revives_none(live, bot, listener):
    made = hook(bot, listener).json()
    fields = {"name": "another name", "targetUrl": made["targetUrl"]}
    for status in ("inactive", "", None, True):
        assert bot.put(f"/webhooks/{made['id']}", **fields, status=status).status_code == 400
    assert bot.get(f"/webhooks/{made['id']}").json() == made
    live.world.webhooks[made["id"]].status = "inactive"
    assert bot.put(f"/webhooks/{made['id']}", **fields).json()["status"] == "inactive"


def test_failures_that_are_far_apart_silence_nothing(live, bot, listener):
    made = hook(bot, listener).json()
    listener.status = 500
    for late in (0, 301):
        now = live.world.clock() + late
        live.world.clock = lambda now=now: now
        before = len(live.world.deliveries)
        for _ in range(60):
            live.world.say(live.ada, live.space, "help", mention=live.bot)
        delivered(live, before + 60)
    assert bot.get(f"/webhooks/{made['id']}").json()["status"] == "active"


@pytest.mark.parametrize("status", [302, 401, 503])
def test_every_answer_but_2xx_is_a_failure(live, bot, listener, status):
    hook(bot, listener)
    listener.status = status
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    delivered(live, 1)
    assert [(one.ok, one.status) for one in live.world.deliveries] == [(False, status)]


def test_a_target_that_is_not_there_is_a_failure_with_a_reason(live, bot, listener):
    url = listener.url
    hook(bot, listener, targetUrl=url.replace("/hook", "").rsplit(":", 1)[0] + ":9/hook")
    live.world.say(live.ada, live.space, "help", mention=live.bot)
    delivered(live, 1)
    (outcome,) = live.world.deliveries
    assert (outcome.ok, outcome.status) == (False, None)
    assert "refused" in outcome.problem
