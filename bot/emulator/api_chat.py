"""`/rooms`, `/memberships` and `/webhooks`."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from bot.emulator import webhooks
from bot.emulator.paging import page
from bot.emulator.problems import Refusal, not_found
from bot.emulator.request import json_body, me, require, world
from bot.emulator.things import Membership, Person, Space, Webhook, iso

part = Blueprint("chat", __name__)


def space_view(space: Space, viewer: Person) -> dict[str, Any]:
    """Return a space as `viewer` sees it: a 1:1 is titled by the other one's name."""
    others = [person.display_name for person in world().members(space.id) if person.id != viewer.id]
    return {
        "id": space.id,
        "title": others[0] if space.type == "direct" and others else space.title,
        "type": space.type,
        "isLocked": False,
        "lastActivity": iso(space.last_activity),
        "creatorId": space.creator_id,
        "created": iso(space.created),
        "ownerId": space.org_id,
        "isPublic": space.is_public,
        "isReadOnly": False,
    }


@part.get("/rooms")
def list_spaces() -> Response:
    """Return the spaces that the caller is in."""
    person, kind, order = me(), request.args.get("type"), request.args.get("sortBy", "id")
    if kind not in (None, "direct", "group") or order not in ("id", "lastactivity", "created"):
        raise Refusal(400, "type must be direct or group, and sortBy id, lastactivity or created.")
    with world().lock:
        mine = [space for space in world().spaces.values() if world().is_member(space.id, person.id)]
        if order == "lastactivity":
            mine.sort(key=lambda space: space.last_activity, reverse=True)
        return page([space_view(space, person) for space in mine if kind in (None, space.type)])


@part.get("/rooms/<space_id>")
def get_space(space_id: str) -> Response:
    """One space; 404 for who is not in it."""
    with world().lock:
        return jsonify(space_view(world().space_of(space_id, me()), me()))


@part.get("/memberships")
def list_memberships() -> Response:
    """Of one space, perhaps of one person only; or the caller's own."""
    person, asked = me(), request.args
    if (asked.get("personId") or asked.get("personEmail")) and not asked.get("roomId"):
        raise Refusal(400, "roomId is needed beside personId and personEmail.")
    with world().lock:
        if asked.get("roomId"):
            found = world().memberships_in(world().space_of(asked["roomId"], person).id)
        else:
            found = [member for member in world().memberships.values() if member.person_id == person.id]
        if asked.get("personId"):
            found = [member for member in found if member.person_id == asked["personId"]]
        if asked.get("personEmail"):
            named = world().person_by("personEmail", asked["personEmail"])
            found = [member for member in found if named is not None and member.person_id == named.id]
        return page([world().membership_data(member) for member in found])


def _membership(membership_id: str) -> Membership:
    member = world().memberships.get(membership_id)
    if member is None or not world().is_member(member.space_id, me().id):
        raise not_found()
    return member


@part.post("/memberships")
def create_membership() -> Response:
    """Add a person to a group space."""
    person, body = me(), json_body()
    require(body, "roomId")
    key = "personId" if body.get("personId") else "personEmail"
    require(body, key)
    with world().lock:
        space = world().space_of(body["roomId"], person)
        if space.type == "direct":
            raise Refusal(400, "Nobody can be added to a 1:1 space.")
        other = world().person_by(key, body[key])
        if other is None:
            raise not_found("No such person.")
        return jsonify(world().membership_data(world().join(space, other)))


@part.get("/memberships/<membership_id>")
def get_membership(membership_id: str) -> Response:
    """One membership; 404 for who is not in its space."""
    with world().lock:
        return jsonify(world().membership_data(_membership(membership_id)))


@part.delete("/memberships/<membership_id>")
def delete_membership(membership_id: str) -> tuple[str, int]:
    """Delete a membership: one's own, or any in a space that the caller made; not in a 1:1."""
    with world().lock:
        member = _membership(membership_id)
        space = world().spaces[member.space_id]
        if space.type == "direct":
            raise Refusal(400, "A 1:1 space cannot be left.")
        if me().id not in (member.person_id, space.creator_id):
            raise Refusal(403, "Only a moderator can remove someone else.")
        world().leave(space, world().people[member.person_id])
    return "", 204


# ---------------------------------------------------------------------- webhooks


def webhook_view(webhook: Webhook) -> dict[str, Any]:
    """Return a webhook as its owner sees it."""
    view = {
        "id": webhook.id,
        "name": webhook.name,
        "targetUrl": webhook.target_url,
        "resource": webhook.resource,
        "event": webhook.event,
        "filter": webhook.filter,
        "secret": webhook.secret,
        "orgId": webhook.org_id,
        "createdBy": webhook.owner_id,
        "appId": webhook.app_id,
        "ownedBy": "creator",
        "status": webhook.status,
        "created": iso(webhook.created),
    }
    return {name: value for name, value in view.items() if value is not None}


def _check_target(body: dict[str, Any]) -> None:
    parts = urlsplit(body["targetUrl"])
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refusal(400, "targetUrl must be an http or https address.")


def _webhook(webhook_id: str) -> Webhook:
    webhook = world().webhooks.get(webhook_id)
    if webhook is None or webhook.owner_id != me().id:
        raise not_found()
    return webhook


@part.get("/webhooks")
def list_webhooks() -> Response:
    """Return the caller's own webhooks."""
    person = me()
    with world().lock:
        return page([webhook_view(hook) for hook in world().webhooks.values() if hook.owner_id == person.id])


@part.post("/webhooks")
def create_webhook() -> Response:
    """400 for an unknown resource or event, 409 for the same webhook again."""
    person, body = me(), json_body()
    require(body, "name", "targetUrl", "resource", "event")
    _check_target(body)
    events = webhooks.RESOURCES.get(body["resource"])
    if body["resource"] != "all" and (events is None or body["event"] not in (*events, "all")):
        raise Refusal(400, "There is no such resource and event.")
    with world().change():
        same = [
            hook
            for hook in world().webhooks.values()
            if hook.owner_id == person.id
            and (hook.target_url, hook.resource, hook.event, hook.filter)
            == (body["targetUrl"], body["resource"], body["event"], body.get("filter"))
        ]
        if same:
            raise Refusal(409, "Webhook already exists.")
        webhook = webhooks.new_webhook(person, body, world().clock())
        world().webhooks[webhook.id] = webhook
        return jsonify(webhook_view(webhook))


@part.get("/webhooks/<webhook_id>")
def get_webhook(webhook_id: str) -> Response:
    """One of the caller's webhooks."""
    with world().lock:
        return jsonify(webhook_view(_webhook(webhook_id)))


@part.put("/webhooks/<webhook_id>")
def update_webhook(webhook_id: str) -> Response:
    """Name, address, secret, and to make it active again; resource, event and filter stay."""
    me()
    body = json_body()
    require(body, "name", "targetUrl")
    _check_target(body)
    if body.get("status", "active") != "active":
        raise Refusal(400, "status can only be set to active.")
    with world().change():
        webhook = _webhook(webhook_id)
        webhook.name, webhook.target_url = body["name"], body["targetUrl"]
        webhook.secret = body.get("secret", webhook.secret)
        webhook.status = body.get("status", webhook.status)  # without it, a disabled one stays so
        return jsonify(webhook_view(webhook))


@part.delete("/webhooks/<webhook_id>")
def delete_webhook(webhook_id: str) -> tuple[str, int]:
    """Take one of the caller's webhooks away."""
    with world().change():
        del world().webhooks[_webhook(webhook_id).id]
    return "", 204
