"""`/emulator`: the page, and what the page (or a test in another process) drives the world with.

Only for this machine: a request whose Host is not loopback, or that another site's page makes, is refused.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, redirect, request, send_file, send_from_directory

from bot.emulator.directory import is_admin
from bot.emulator.faults import Faults
from bot.emulator.moving import Told
from bot.emulator.problems import Refusal, not_found
from bot.emulator.report import Report
from bot.emulator.request import json_body, require
from bot.emulator.things import Message, Person, Space, iso
from bot.emulator.world import World

PAGE_FOLDER = Path(__file__).parent / "page"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
HEARTBEAT_SECONDS = 15.0
TICK_SECONDS = 1.0
MOST_MOVED = 31 * 24 * 3600
"""Seconds by which one call moves the clock."""
FAULT_FIELDS = {"method", "path", "host", "status", "headers", "body", "delay", "cut", "times", "skip"}


def _only_from_here() -> None:
    """403 for another Host (a name that was rebound to loopback) or Origin (a page of another site)."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    if host not in LOOPBACK_NAMES or (origin is not None and origin != request.host_url.rstrip("/")):
        raise Refusal(403, "The emulator is driven from this machine only.")


def _person_view(world: World, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.display_name,
        "email": person.email,
        "org": world.organizations[person.org_id].name,
        "note": person.note,
        "external": person.org_id != world.home_org_id,
        "admin": is_admin(person),
    }


def _space_view(world: World, space: Space) -> dict[str, Any]:
    return {
        "id": space.id,
        "title": space.title,
        "type": space.type,
        "memberIds": [person.id for person in world.members(space.id)],
        "note": space.note,
    }


def _report_view(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "family": report.family,
        "title": report.title,
        "status": report.status,
        "note": report.note,
        "kind": report.kind,
    }


def state_view(world: World) -> dict[str, Any]:
    """Return everything the page shows beside the conversation."""
    bot = world.bot
    return {
        "version": world.version,
        "bot": bot and {"id": bot.id, "name": bot.display_name, "firstName": bot.first_name},
        "people": [_person_view(world, person) for person in world.people.values() if not person.is_bot],
        "spaces": [_space_view(world, space) for space in world.spaces.values()],
        "reports": [_report_view(report) for report in world.reports.values() if not report.deleted],
        "webhooks": [
            {"name": hook.name, "resource": hook.resource, "event": hook.event, "status": hook.status}
            for hook in world.webhooks.values()
        ],
    }


def item_view(world: World, message: Message) -> dict[str, Any]:
    """One message as the page shows it."""
    author = world.people[message.person_id]
    return {
        "id": message.id,
        "parentId": message.parent_id,
        "personId": author.id,
        "personName": author.display_name,
        "isBot": author.is_bot,
        "text": message.text,
        "markdown": message.markdown,
        "html": message.html,
        "card": message.card,
        "files": [
            {"id": file.id, "name": file.name, "size": file.size, "url": f"/emulator/files/{file.id}"}
            for file in message.files
        ],
        "created": iso(message.created),
    }


def _person(world: World, body: dict[str, Any]) -> Person:
    require(body, "personId")
    person = world.people.get(body["personId"])
    if person is None:
        raise not_found("No such person.")
    return person


def _events(world: World) -> Iterator[str]:
    """Server-sent events: one line at each change, a comment when it is quiet for long."""
    seen, last_word = -1, time.monotonic()
    while not world.closing.is_set():
        version = world.wait_for_version(seen, TICK_SECONDS)
        if version != seen:
            seen, last_word = version, time.monotonic()
            yield f"data: {json.dumps({'version': version, 'spaceId': world.last_space_id})}\n\n"
        elif time.monotonic() - last_word >= HEARTBEAT_SECONDS:
            last_word = time.monotonic()
            yield ": still here\n\n"


def make_part(world: World, faults: Faults, parts: Sequence[Blueprint] = ()) -> Blueprint:
    """Return the blueprint of all control routes, with more parts, which only this machine reaches too."""
    part = Blueprint("control", __name__)
    part.before_request(_only_from_here)
    _add_page(part)
    _add_conversation(part, world, [one.name for one in parts])
    _add_doings(part, world)
    _add_membership(part, world)
    _add_reports(part, world)
    _add_clock(part, world)
    _add_faults(part, faults)
    for one in parts:
        part.register_blueprint(one)
    return part


def _add_page(part: Blueprint) -> None:
    @part.get("/")
    def to_page() -> Any:
        return redirect("/emulator/")

    @part.get("/emulator/")
    def page() -> Response:
        if not (PAGE_FOLDER / "index.html").exists():
            raise not_found("The emulator's page is not installed.")
        return send_from_directory(PAGE_FOLDER, "index.html")

    @part.get("/emulator/page/<path:name>")
    def asset(name: str) -> Response:
        return send_from_directory(PAGE_FOLDER, name)


def _add_conversation(part: Blueprint, world: World, parts: list[str]) -> None:
    @part.get("/emulator/state")
    def state() -> Response:
        with world.lock:
            world.advance()
            return jsonify(state_view(world) | {"parts": parts})

    @part.get("/emulator/events")
    def events() -> Response:
        return Response(_events(world), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})

    @part.post("/emulator/spaces")
    def open_direct() -> tuple[Response, int]:
        with world.lock:
            if world.bot is None:
                raise Refusal(409, "There is no bot.")
            return jsonify(_space_view(world, world.direct_space(_person(world, json_body()), world.bot))), 201

    @part.get("/emulator/spaces/<space_id>/messages")
    def messages(space_id: str) -> Response:
        with world.lock:
            if space_id not in world.spaces:
                raise not_found("No such space.")
            items = [item_view(world, message) for message in world.messages(world.spaces[space_id])]
            return jsonify({"version": world.version, "items": items})


def _add_doings(part: Blueprint, world: World) -> None:
    @part.post("/emulator/messages")
    def say() -> tuple[Response, int]:
        body = json_body()
        require(body, "spaceId", "text")
        with world.lock:
            person = _person(world, body)
            message = world.say(
                person,
                world.space_of(body["spaceId"], person),
                body["text"],
                mention=world.bot if body.get("mention") else None,
                mention_as=body.get("mentionAs") or "full",
                mention_at=body.get("mentionAt") or "start",
                parent_id=body.get("parentId"),
            )
            return jsonify(item_view(world, message)), 201

    @part.post("/emulator/spaces/<space_id>/move")
    def move(space_id: str) -> tuple[Response, int]:
        told = json_body().get("told", "pair")
        if told not in get_args(Told):
            raise Refusal(400, "told must be one of the readings.")
        with world.lock:
            space = world.spaces.get(space_id)
            if space is None:
                raise not_found("No such space.")
            world.move_space(space, told)
            return jsonify(_space_view(world, space)), 201

    @part.post("/emulator/actions")
    def press() -> tuple[Response, int]:
        body = json_body()
        require(body, "messageId")
        if not isinstance(body.get("inputs", {}), dict):
            raise Refusal(400, "inputs must be an object.")
        with world.lock:
            action = world.press(_person(world, body), body["messageId"], body.get("inputs", {}))
            return jsonify({"id": action.id}), 201

    @part.get("/emulator/files/<file_id>")
    def file(file_id: str) -> Response:
        stored = world.files.get(file_id)
        if stored is None:
            raise not_found("No such file.")
        return send_file(stored.path, stored.content_type, as_attachment=True, download_name=stored.name)


def _add_membership(part: Blueprint, world: World) -> None:
    @part.route("/emulator/spaces/<space_id>/bot", methods=["PUT", "DELETE"])
    def bot_membership(space_id: str) -> Response:
        with world.lock:
            person = _person(world, json_body())
            space = world.space_of(space_id, person)
            if world.bot is None:
                raise Refusal(409, "There is no bot.")
            if space.type == "direct":
                raise Refusal(400, "Nobody can be added to a 1:1 space, or removed from it.")
            here = world.is_member(space_id, world.bot.id)
            if request.method == "PUT" and not here:
                world.join(space, world.bot, by=person)
            elif request.method == "DELETE" and here:
                world.leave(space, world.bot, by=person)
            return jsonify(_space_view(world, space))


def _add_reports(part: Blueprint, world: World) -> None:
    @part.post("/emulator/reports")
    def add_report() -> tuple[Response, int]:
        body = json_body()
        require(body, "family")
        try:
            report = world.add_report(**body)
        except (TypeError, ValueError) as error:
            raise Refusal(400, str(error)) from error
        return jsonify(_report_view(report)), 201

    @part.patch("/emulator/reports/<report_id>")
    def change_report(report_id: str) -> Response:
        if report_id not in world.reports:
            raise not_found("No such report.")
        try:
            return jsonify(_report_view(world.set_report(report_id, **json_body())))
        except TypeError as error:
            raise Refusal(400, str(error)) from error


def _add_clock(part: Blueprint, world: World) -> None:
    @part.get("/emulator/clock")
    def clock() -> Response:
        return jsonify({"now": iso(world.clock()), "moves": world.move_clock is not None})

    @part.post("/emulator/clock")
    def move_clock() -> Response:
        seconds = json_body().get("seconds")
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= MOST_MOVED:
            raise Refusal(400, f"seconds must be a whole number up to {MOST_MOVED}.")
        if world.move_clock is None:
            raise Refusal(409, "This clock can't be moved.")
        with world.lock:
            world.move_clock(seconds)
        world.nudge()
        return clock()


def _add_faults(part: Blueprint, faults: Faults) -> None:
    @part.get("/emulator/faults")
    def list_faults() -> Response:
        return jsonify({"items": [fault.described() for fault in faults]})

    @part.post("/emulator/faults")
    def add_fault() -> tuple[Response, int]:
        body = json_body()
        unknown = set(body) - FAULT_FIELDS
        if unknown:
            raise Refusal(400, f"A fault has no {', '.join(sorted(unknown))}.")
        return jsonify(faults.add(**body).described()), 201

    @part.delete("/emulator/faults")
    def clear_faults() -> tuple[str, int]:
        faults.clear()
        return "", 204
