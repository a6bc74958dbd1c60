"""`/messages`, `/attachment/actions` and `/contents`: what is said, with Webex's limits."""

from typing import Any

from flask import Blueprint, Response, jsonify, request, send_file

from bot.emulator import cards, ids
from bot.emulator.mentions import from_markdown
from bot.emulator.paging import MOST, page
from bot.emulator.problems import Refusal, not_found
from bot.emulator.request import json_body, me, require, upload_of, world
from bot.emulator.things import AttachmentAction, Message, Person, Space, StoredFile, iso

MAX_TEXT_BYTES = 7439  # D: of text and of markdown, each
MAX_FILE_BYTES = 100 * 1024 * 1024  # D: 100 MB
PAGE = 50
MOST_MENTIONING = 100  # D: the largest max beside mentionedPeople

part = Blueprint("messages", __name__)


def message_view(message: Message) -> dict[str, Any]:
    """Return a message as `GET /messages/{id}` shows it."""
    author = world().people[message.person_id]
    view: dict[str, Any] = {
        "id": message.id,
        "roomId": message.room_id,
        "roomType": world().spaces[message.room_id].type,
        "text": message.text,
        "markdown": message.markdown,
        "html": message.html,
        "files": [request.host_url.rstrip("/") + world().file_url(file) for file in message.files],
        "personId": author.id,
        "personEmail": author.email,
        "mentionedPeople": message.mentioned,
        "attachments": message.attachments,
        "parentId": message.parent_id,
        "created": iso(message.created),
        "updated": iso(message.updated) if message.updated else None,
    }
    return {name: value for name, value in view.items() if value not in (None, [])}


@part.post("/messages")
def create_message() -> Response:
    """Post words, a card or a file; 400 for whatever breaks a limit."""
    author = me()
    body, stored = _posted()
    attachments = body.get("attachments") or []
    _check_words(body)
    _check_attachments(attachments, has_file=bool(stored))
    if not (body.get("text") or body.get("markdown") or stored):
        raise Refusal(400, "A message needs text, markdown or a file; a card needs text or markdown beside it.")
    with world().lock:
        space = _target(body, author)
        text, html = body.get("text"), None
        mentioned: list[str] = []
        if body.get("markdown"):
            plain, html, mentioned = from_markdown(body["markdown"], world().person_by)
            text = text or plain
        message = world().post(
            author,
            space,
            text=text,
            markdown=body.get("markdown"),
            html=html,
            attachments=attachments,
            files=stored,
            mentioned=mentioned,
            parent_id=body.get("parentId"),
        )
        return jsonify(message_view(message))


def _posted() -> tuple[dict[str, Any], list[StoredFile]]:
    """Return the fields and the uploaded file of a post, whether JSON or multipart."""
    if request.mimetype == "multipart/form-data":
        parts = [file for _, file in request.files.items(multi=True)]
        if len(parts) != 1 or "files" not in request.files:
            raise Refusal(400, "Exactly one file is allowed, in the field 'files'.")
        if "attachments" in request.form:
            raise Refusal(400, "A file and an attachment cannot be sent together.")
        upload = upload_of(parts[0])
        if upload.size > MAX_FILE_BYTES:
            upload.path.unlink()
            raise Refusal(400, f"A file may have at most {MAX_FILE_BYTES} bytes.")
        stored = StoredFile(
            ids.new_id(ids.CONTENT),
            parts[0].filename or "file",
            upload.size,
            upload.sha256,
            parts[0].mimetype or "application/octet-stream",
            upload.path,
        )
        return dict(request.form.items()), [stored]
    body = json_body()
    if body.get("files"):
        raise Refusal(400, "The file could not be fetched: its address must be public.")
    return body, []


def _check_words(body: dict[str, Any]) -> None:
    for name in ("text", "markdown"):
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal(400, f"'{name}' must be a text.")
        if value and len(value.encode()) > MAX_TEXT_BYTES:
            raise Refusal(400, f"'{name}' is longer than {MAX_TEXT_BYTES} bytes.")


def _check_attachments(attachments: Any, *, has_file: bool) -> None:
    if not attachments:
        return
    if has_file:
        raise Refusal(400, "A file and an attachment cannot be sent together.")
    if not isinstance(attachments, list) or len(attachments) != 1 or not isinstance(attachments[0], dict):
        raise Refusal(400, "Exactly one attachment is allowed.")
    if attachments[0].get("contentType") != cards.CONTENT_TYPE:
        raise Refusal(400, f"The attachment's contentType must be {cards.CONTENT_TYPE}.")
    found = cards.problems(attachments[0].get("content"))
    if found:
        raise Refusal(400, f"Unable to process the card: {'; '.join(found[:5])}")


def _target(body: dict[str, Any], author: Person) -> Space:
    """Return the space that a post goes to; exactly one way of naming it."""
    named = [name for name in ("roomId", "toPersonId", "toPersonEmail") if body.get(name)]
    if len(named) != 1:
        raise Refusal(400, "Exactly one of roomId, toPersonId and toPersonEmail is needed.")
    require(body, named[0])
    if named[0] == "roomId":
        return world().space_of(body["roomId"], author)
    key = "personId" if named[0] == "toPersonId" else "personEmail"
    other = world().person_by(key, body[named[0]])
    if other is None or other.id == author.id:
        raise not_found("No such person.")
    return world().direct_space(author, other)


@part.get("/messages")
def list_messages() -> Response:
    """Newest first. A bot in a group space must say `mentionedPeople=me`; a thread there is closed to it."""
    person, asked = me(), request.args
    if not asked.get("roomId"):
        raise Refusal(400, "roomId is needed.")
    with world().lock:
        space = world().space_of(asked["roomId"], person)
        found = world().messages(space)
        wanted = asked.get("mentionedPeople")
        parent = asked.get("parentId")
        _check_listing(space, person, wanted, parent)
        if parent:
            found = [message for message in found if message.parent_id == parent]
        if wanted:
            found = [message for message in found if person.id in message.mentioned]
        if asked.get("before"):
            found = [message for message in found if iso(message.created) < asked["before"]]
        if asked.get("beforeMessage"):
            order = [message.id for message in found]
            if asked["beforeMessage"] not in order:
                raise not_found("No such message in this space.")
            found = found[: order.index(asked["beforeMessage"])]
        most = MOST_MENTIONING if wanted else MOST
        return page([message_view(message) for message in reversed(found)], PAGE, most)


def _check_listing(space: Space, person: Person, wanted: str | None, parent: str | None) -> None:
    """400 for a mention of someone else, 403 for a bot that would read more of a group space than it may."""
    if wanted not in (None, "", "me", person.id):
        raise Refusal(400, "mentionedPeople must be me, or the caller's own id.")
    if wanted or space.type == "direct" or not person.is_bot:
        return
    if not parent:
        raise Refusal(403, "A bot can list the messages of a group space only with mentionedPeople=me.")
    if not world().lists_threads:
        raise Refusal(403, "Failed to get activity.")


@part.get("/messages/direct")
def list_direct_messages() -> Response:
    """Return the 1:1 with someone, newest first; 404 when there is none, and none is made."""
    person, asked = me(), request.args
    key = "personId" if asked.get("personId") else "personEmail"
    if not asked.get(key):
        raise Refusal(400, "personId or personEmail is needed.")
    with world().lock:
        other = world().person_by(key, asked[key])
        space = world().direct_between(person, other) if other is not None else None
        if space is None:
            raise not_found("There is no 1:1 space with this person.")
        found = world().messages(space)
        if asked.get("parentId"):
            found = [message for message in found if message.parent_id == asked["parentId"]]
        return page([message_view(message) for message in reversed(found)], PAGE)


@part.get("/messages/<message_id>")
def get_message(message_id: str) -> Response:
    """One message; 404 for who may not see it."""
    with world().lock:
        return jsonify(message_view(world().message_of(message_id, me())))


@part.put("/messages/<message_id>")
def edit_message(message_id: str) -> Response:
    """Only the author, only words, at most ten times."""
    person, body = me(), json_body()
    _check_words(body)
    if not (body.get("text") or body.get("markdown")):
        raise Refusal(400, "text or markdown is needed.")
    with world().lock:
        message = world().message_of(message_id, person)
        if message.person_id != person.id:
            raise Refusal(403, "Only the author can edit a message.")
        if body.get("roomId") != message.room_id:
            raise Refusal(400, "roomId is needed, and must be the message's space.")
        if body.get("attachments") or body.get("files"):
            raise Refusal(400, "Files and cards cannot be edited.")
        text, html = body.get("text"), None
        if body.get("markdown"):
            plain, html, _ = from_markdown(body["markdown"], world().person_by)
            text = text or plain
        world().edit(message, text=text, markdown=body.get("markdown"), html=html)
        return jsonify(message_view(message))


@part.delete("/messages/<message_id>")
def delete_message(message_id: str) -> tuple[str, int]:
    """Take one's own message away."""
    with world().lock:
        message = world().message_of(message_id, me())
        if message.person_id != me().id:
            raise Refusal(403, "Only the author can delete a message.")
        world().delete(message, me())
    return "", 204


def action_view(action: AttachmentAction) -> dict[str, Any]:
    """Return an attachment action as the API shows it, with its inputs."""
    return {
        "id": action.id,
        "type": "submit",
        "messageId": action.message_id,
        "inputs": action.inputs,
        "personId": action.person_id,
        "roomId": action.room_id,
        "created": iso(action.created),
    }


@part.get("/attachment/actions/<action_id>")
def get_action(action_id: str) -> Response:
    """To those who are in the action's space."""
    with world().lock:
        action = world().actions.get(action_id)
        if action is None or not world().is_member(action.room_id, me().id):
            raise not_found()
        return jsonify(action_view(action))


@part.post("/attachment/actions")
def create_action() -> Response:
    """A person presses a button by the API."""
    person, body = me(), json_body()
    require(body, "type", "messageId")
    if body["type"] != "submit" or not isinstance(body.get("inputs"), dict):
        raise Refusal(400, "type must be submit, and inputs an object.")
    return jsonify(action_view(world().press(person, body["messageId"], body["inputs"])))


@part.get("/contents/<file_id>")
def get_content(file_id: str) -> Response:
    """Return a posted file, to those who are in its space."""
    person = me()
    with world().lock:
        stored = world().files.get(file_id)
        holder = next((m for m in world().all_messages.values() if stored in m.files), None) if stored else None
        if stored is None or holder is None or holder.deleted or not world().is_member(holder.room_id, person.id):
            raise not_found()
    return send_file(stored.path, stored.content_type, as_attachment=True, download_name=stored.name)
