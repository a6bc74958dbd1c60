"""The API's application: its parts put together, and refusals turned into Webex's error body."""

import logging
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from bot.emulator import api_chat, api_messages, api_people, api_reports, control, request
from bot.emulator.faults import Faults
from bot.emulator.problems import Refusal, error_body, tracking_id
from bot.emulator.world import World

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 120 * 1024 * 1024


def refuse(refusal: Refusal) -> Response:
    """Return a refusal as an answer, with its tracking id in body and header."""
    tracking = tracking_id()
    answer = jsonify(error_body(refusal.message, tracking))
    answer.status_code = refusal.status
    answer.headers["trackingId"] = tracking
    answer.headers.update(refusal.headers)
    return answer


def _refuse_http(error: HTTPException) -> Response:
    """Unknown paths, wrong methods, and what the parser refuses."""
    headers = {"Allow": error.get_response().headers["Allow"]} if error.code == 405 else {}  # noqa: PLR2004 - HTTP
    return refuse(Refusal(error.code or 500, error.description or error.name, headers))


def _add_tracking(answer: Response) -> Response:
    answer.headers.setdefault("trackingId", tracking_id())
    return answer


def answer_like_webex(app: Flask) -> None:
    """Every refusal has Webex's body, every answer a tracking id, and fields keep their order."""
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_error_handler(Refusal, refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.after_request(_add_tracking)


def make_app(world: World, faults: Faults, parts: Sequence[Blueprint] = ()) -> Flask:
    """`/v1` and, for the page, `/emulator` with more parts of it."""
    app = Flask("bot.emulator.api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    request.attach(app, world)
    for part in (api_chat.part, api_messages.part, api_people.part, api_reports.part):
        app.register_blueprint(part, url_prefix="/v1")
    # Webex serves SCIM beside /v1; both addresses work here.
    app.add_url_rule("/identity/scim/<org_id>/v2/Users/<user_id>", view_func=api_people.get_scim_user)
    app.register_blueprint(control.make_part(world, faults, parts))
    answer_like_webex(app)
    return app
