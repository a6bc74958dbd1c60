"""The demo's way to the bot's API: the page sends a call to its own server, which adds a key that the page never sees.

It is a part of the page's server, which answers only this machine and its own page; what changes something also needs
a token that only a page of this server can read.
"""

from __future__ import annotations

import hmac
import http.client
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from flask import Blueprint, Response, abort, json, jsonify, request

from bot.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.cli.demo_receiver import Receiver

HOST: Final = "127.0.0.1"
API: Final = "/api/v1/"
HOOKS: Final = "/hooks/"
METHODS: Final = ("GET", "POST", "PATCH", "DELETE")
HEADERS: Final = ("Location", "RateLimit", "Retry-After")
"""What is shown of an answer's headers."""
PAGE_TOKEN: Final = "X-Page-Token"  # noqa: S105 a name
SECONDS: Final = 45.0
"""For an answer; `?wait=30` takes that long."""
ATTEMPTS: Final = 3
"""To make a thing: until the bot's worker has started, each is answered 503 after ten seconds."""
MOST_BYTES: Final = 1_000_000
EVENTS: Final = ("report.ready", "delivery.delivered", "delivery.failed", "schedule.paused")

_VISIBLE = re.compile(r"[!-~]+")


class NoAnswer(BotError):
    """The bot isn't responding."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered."""

    status: int
    phrase: str
    """The status in words."""
    headers: dict[str, str]
    body: str


class BotApi:
    """The bot's API and hooks on this machine. ``key`` is set once the bot has one."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self._port = port
        self.key = ""

    def call(self, method: str, path: str, body: str = "") -> Answer:
        """Send a call. Raises ``NoAnswer``."""
        headers = {"Content-Type": "application/json"} if body else {}
        if path.startswith(API):
            headers["Authorization"] = f"Bearer {self.key}"
        connection = http.client.HTTPConnection(HOST, self._port, timeout=SECONDS)
        try:
            connection.request(method, path, body.encode() or None, headers)
            answer = connection.getresponse()
            shown = {name: value for name in HEADERS if (value := answer.headers.get(name)) is not None}
            text = answer.read(MOST_BYTES).decode(errors="replace")
            return Answer(answer.status, http.client.responses.get(answer.status, ""), shown, text)
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer from error
        finally:
            connection.close()

    def make(self, kind: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Make a thing of the API and return it. Raises ``NoAnswer``, also when it was not made."""
        for _ in range(ATTEMPTS):
            answer = self.call("POST", f"{API}{kind}", json.dumps(body))
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
        if answer.status != HTTPStatus.CREATED:
            raise NoAnswer(f"The bot's API answered {answer.status} to POST {API}{kind}.")
        made: dict[str, Any] = json.loads(answer.body)
        return made


def is_allowed(method: str, path: str) -> bool:
    """Return True for calls of the API and of hooks."""
    if method not in METHODS or not path.startswith((API, HOOKS)) or not _VISIBLE.fullmatch(path):
        return False
    return not {".", ".."} & set(re.split(r"[/\\]", unquote(path.partition("?")[0])))


class ApiPart:
    """What the page shows of the API and of events, and the part of its server behind that."""

    def __init__(self, api: BotApi, receiver: Receiver, now: Callable[[], datetime]) -> None:
        self._api = api
        self._receiver = receiver
        self._now = now
        self._token = secrets.token_urlsafe(24)
        self._webhook = self._hook_path = self._space_id = ""

    def begin(self, key: str, events_url: str, space_id: str) -> None:
        """Register the receiver with the bot, and make a hook for the space. Raises ``NoAnswer``."""
        self._api.key = key
        webhook = self._api.make("webhooks", {"url": events_url, "events": EVENTS})
        self._receiver.secret, self._webhook = webhook["secret"], webhook["id"]
        hook = self._api.make("hooks", {"action": "deliver", "spaceId": space_id})
        self._hook_path = hook["url"].removeprefix(self._api.url)
        self._space_id = space_id

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        part = Blueprint("api", __name__, url_prefix="/emulator/api")
        part.add_url_rule("", "describe", self._describe)
        part.add_url_rule("/calls", "call", self._call, methods=["POST"])
        part.add_url_rule("/test", "test", self._test, methods=["POST"])
        part.add_url_rule("/refusal", "refuse", self._refuse, methods=["POST"])
        part.add_url_rule("/events", "events", lambda: jsonify(self._receiver.shown()))
        part.add_url_rule("/events", "take", self._take, methods=["POST"])
        return part

    def _describe(self) -> Response:
        calls = prepared_calls(self._space_id, self._hook_path, self._now()) if self._hook_path else []
        return jsonify({"token": self._token, "docs": f"{self._api.url}{API}docs", "calls": calls})

    def _call(self) -> Response:
        self._need_token()
        match request.get_json():
            case {"method": str(method), "path": str(path), "body": str(body)}:
                path = path.removeprefix(self._api.url)
            case _:
                abort(HTTPStatus.BAD_REQUEST, "Send method, path and body as texts.")
        if not is_allowed(method, path):
            abort(HTTPStatus.FORBIDDEN, f"Only {', '.join(METHODS)} of paths beneath {API} and {HOOKS} are sent.")
        return self._forward(method, path, body)

    def _test(self) -> Response:
        self._need_token()
        return self._forward("POST", f"{API}webhooks/{self._webhook}/test", "")

    def _forward(self, method: str, path: str, body: str) -> Response:
        try:
            return jsonify(asdict(self._api.call(method, path, body)))
        except NoAnswer as error:
            abort(HTTPStatus.BAD_GATEWAY, error.sentence)

    def _refuse(self) -> Response:
        self._need_token()
        self._receiver.refuse_next()
        return jsonify(self._receiver.shown())

    def _take(self) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Response(status=self._receiver.take(headers, request.get_data()))

    def _need_token(self) -> None:
        if not hmac.compare_digest(request.headers.get(PAGE_TOKEN, "").encode(), self._token.encode()):
            abort(HTTPStatus.FORBIDDEN, "Reload the page: it is older than this demo.")


def prepared_calls(space_id: str, hook_path: str, now: datetime) -> list[dict[str, str]]:
    """Return calls to begin with, for the demo's space and reports."""
    week_ago, yesterday = now - timedelta(days=7), now - timedelta(days=1)
    next_hour = (now.astimezone(UTC) + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)

    def prepared(name: str, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, str]:
        return {"name": name, "method": method, "path": path, "body": json.dumps(body, indent=2) if body else ""}

    def post(name: str, kind: str, **body: object) -> dict[str, str]:
        return prepared(name, "POST", f"{API}{kind}", body)

    return [
        post("Deliver the newest report of a title", "deliveries", title="license consumption", spaceId=space_id),
        post(
            "Run a report and have it delivered",
            "reports",
            family="partner",
            templateId=130,
            startDate=f"{week_ago:%Y-%m-%d}",
            endDate=f"{yesterday:%Y-%m-%d}",
            deliverTo={"spaceId": space_id},
        ),
        prepared("List deliveries", "GET", f"{API}deliveries"),
        post("Subscribe a space", "subscriptions", words="license consumption", spaceId=space_id),
        post(
            "Make a schedule",
            "schedules",
            family="partner",
            templateId=320,
            period="yesterday",
            spaceId=space_id,
            dtstart=f"{next_hour:%Y-%m-%dT%H:%M:%S}[UTC]",
            rrule="FREQ=DAILY",
        ),
        prepared("Call an incoming hook", "POST", hook_path, {"title": "license consumption"}),
    ]
