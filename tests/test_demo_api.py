"""The demo's way to the bot's API, and its receiver of events: who may use them, and what of them is shown."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests
from standardwebhooks import Webhook

from bot.cli.demo_api import ApiPart, BotApi, NoAnswer
from bot.cli.demo_receiver import KEPT, Receiver
from bot.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "rbk_not-for-the-browser"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MADE = {
    "/api/v1/webhooks": {"id": "wwwwwwww", "secret": SECRET},
    "/api/v1/hooks": {"id": "hhhhhhhh", "url": "/hooks/rbh_x"},
}
SHOWN_HEADERS = {"Location": "/api/v1/x", "RateLimit": "r=0", "Retry-After": "60"}
SENT_HEADERS = {**SHOWN_HEADERS, "Set-Cookie": "a"}
EVENT = {"type": "delivery.delivered", "timestamp": "2026-11-29T17:00:00.123456Z", "data": {"id": "abcdefgh"}}


class Bot(BaseHTTPRequestHandler):
    """What answers as the bot's API: it keeps the calls, and echoes none of their headers."""

    calls: list[tuple[str, str, dict[str, str], str]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.calls.append((self.command, self.path, dict(self.headers), body))
        made = MADE.get(self.path)
        said = json.dumps(made or {"title": "Too many calls"}).encode()
        self.send_response(201 if made else 429)
        for name, value in (
            ("Location", "/api/v1/x"),
            ("RateLimit", "r=0"),
            ("Retry-After", "60"),
            ("Set-Cookie", "a"),
        ):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 the library's names

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Stage:
    """The page's server in front of the bot."""

    def __init__(self, emulator: Emulator, receiver: Receiver, calls: list[Any]) -> None:
        self.page = emulator.page_url
        self.receiver = receiver
        self.calls = calls
        self.token: str = requests.get(f"{self.page}api", timeout=5).json()["token"]

    def send(self, method: str, path: str, body: str = "", **headers: str | None) -> requests.Response:
        given = {"X-Page-Token": self.token} | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"method": method, "path": path, "body": body}
        return requests.post(f"{self.page}api/calls", json=sent, headers=given, timeout=5)

    def tell(self, event_id: str = "evt_1", *, secret: str = SECRET, at: datetime | None = None) -> int:
        at, body = at or datetime.now(UTC), json.dumps(EVENT)
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": f"v1a,AAAA {Webhook(secret).sign(event_id, at, body)}",
        }
        return requests.post(f"{self.page}api/events", data=body, headers=headers, timeout=5).status_code

    def events(self) -> Any:
        return requests.get(f"{self.page}api/events", timeout=5).json()["items"]


@contextmanager
def answering(calls: list[Any]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Bot,), {"calls": calls}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def stage() -> Iterator[Stage]:
    calls: list[Any] = []
    receiver = Receiver(now)
    with answering(calls) as port:
        part = ApiPart(BotApi(port), receiver, now)
        with Emulator(parts=[part.blueprint()]) as emulator:
            part.begin(KEY, f"{emulator.page_url}api/events", "SPACE")
            made = Stage(emulator, receiver, calls)
            registered = json.loads(calls[0][3])
            assert registered["url"] == f"{emulator.page_url}api/events"
            calls.clear()
            yield made


def test_a_call_gets_the_key_on_its_way_and_its_answer_is_shown(stage: Stage) -> None:
    answer = stage.send("POST", "/api/v1/deliveries?x=1", '{"title": "a"}')

    ((method, path, headers, body),) = stage.calls
    assert (method, path, body) == ("POST", "/api/v1/deliveries?x=1", '{"title": "a"}')
    assert (headers["Authorization"], headers["Content-Type"]) == (f"Bearer {KEY}", "application/json")
    assert "X-Page-Token" not in headers
    assert answer.json() == {
        "status": 429,
        "phrase": "Too Many Requests",
        "headers": SHOWN_HEADERS,
        "body": '{"title": "Too many calls"}',
    }


def test_the_page_is_never_told_the_key_and_a_hook_is_called_without_it(stage: Stage) -> None:
    described = requests.get(f"{stage.page}api", timeout=5)
    for call in described.json()["calls"]:
        assert stage.send(call["method"], call["path"], call["body"]).ok
    for path in ("api/events", "state"):
        assert KEY not in requests.get(f"{stage.page}{path}", timeout=5).text
    assert KEY not in described.text
    assert SECRET not in described.text
    assert [path for _, path, headers, _ in stage.calls if "Authorization" not in headers] == ["/hooks/rbh_x"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/metrics"),
        ("GET", "/healthz"),
        ("POST", "/webex/webhook"),
        ("GET", "/api/v1"),
        ("GET", "/api/v2/deliveries"),
        ("GET", "/api/v1/../../metrics"),
        ("GET", "/api/v1/%2e%2e/%2E./metrics"),
        ("GET", "/api/v1/..%2f../metrics"),
        ("GET", "/hooks/..\\metrics"),
        ("GET", "api/v1/deliveries"),
        ("GET", "//evil.example/api/v1/deliveries"),
        ("GET", "http://evil.example/api/v1/deliveries"),
        ("GET", "/api/v1/deliveries HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ("GET", "/api/v1/délivraisons"),
        ("PUT", "/api/v1/deliveries"),
        ("CONNECT", "/api/v1/deliveries"),
        ("get", "/api/v1/deliveries"),
    ],
)
def test_other_paths_and_methods_are_not_sent_on(stage: Stage, method: str, path: str) -> None:
    assert stage.send(method, path).status_code == 403
    assert stage.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"X_Page_Token": "wrong"},
        {"X_Page_Token": None},
    ],
)
@pytest.mark.parametrize("route", ["calls", "test", "refusal"])
def test_other_pages_may_not_use_it(stage: Stage, headers: dict[str, str | None], route: str) -> None:
    given = {"X-Page-Token": stage.token} | {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"method": "GET", "path": "/api/v1/deliveries", "body": ""}

    answer = requests.post(f"{stage.page}api/{route}", json=sent, headers=given, timeout=5)

    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert stage.calls == []
    assert not stage.receiver.shown()["refusesNext"]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
@pytest.mark.parametrize("path", ["api", "api/events"])
def test_other_pages_may_not_read_the_token_or_the_events(stage: Stage, headers: dict[str, str], path: str) -> None:
    assert requests.get(f"{stage.page}{path}", headers=headers, timeout=5).status_code == 403


@pytest.mark.parametrize("sent", [[], {}, {"method": "GET", "path": 1, "body": ""}, {"method": "GET", "path": "/"}])
def test_what_is_no_call_is_refused(stage: Stage, sent: Any) -> None:
    headers = {"X-Page-Token": stage.token}
    assert requests.post(f"{stage.page}api/calls", json=sent, headers=headers, timeout=5).status_code == 400


def test_a_bot_that_is_gone_is_said() -> None:
    with answering([]) as port:
        gone = port
    with pytest.raises(NoAnswer):
        BotApi(gone).call("GET", "/api/v1/deliveries")


def test_a_signed_event_is_shown_as_verified(stage: Stage) -> None:
    assert stage.tell() == 204
    assert stage.events() == [{"id": "evt_1", "verified": True, **EVENT, "answers": [204]}]


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_an_event_with_another_signature_or_of_long_ago_is_not_verified(stage: Stage, how: dict[str, Any]) -> None:
    assert stage.tell() == 204
    assert stage.tell(**how) == 400
    first, second = stage.events()
    assert (first["verified"], first["answers"]) == (False, [400])
    assert (second["verified"], second["answers"]) == (True, [204]), "it did not take the place of the true one"


@pytest.mark.parametrize("body", [b"", b"[1]", b"\xff", b'{"type": 1}'])
def test_what_is_no_event_is_not_verified(stage: Stage, body: bytes) -> None:
    assert requests.post(f"{stage.page}api/events", data=body, timeout=5).status_code == 400
    assert [one["verified"] for one in stage.events()] == [False]


def test_the_next_event_is_refused_once_and_taken_when_it_comes_again(stage: Stage) -> None:
    headers = {"X-Page-Token": stage.token}
    assert requests.post(f"{stage.page}api/refusal", json={}, headers=headers, timeout=5).json()["refusesNext"]

    assert [stage.tell("evt_1"), stage.tell("evt_2"), stage.tell("evt_1")] == [500, 204, 204]

    assert [(one["id"], one["answers"]) for one in stage.events()] == [("evt_1", [500, 204]), ("evt_2", [204])]


def test_the_newest_events_are_kept_and_go_by_the_clock_of_the_demo() -> None:
    moved = datetime.now(UTC) + timedelta(days=3)
    receiver = Receiver(lambda: moved)
    receiver.secret = SECRET
    for number in range(KEPT + 1):
        headers = {
            "webhook-id": f"evt_{number}",
            "webhook-timestamp": str(int(moved.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(f"evt_{number}", moved, "{}"),
        }
        assert receiver.take(headers, b"{}") == 204
    shown = [one["id"] for one in receiver.shown()["items"]]
    assert (len(shown), shown[0], shown[-1]) == (KEPT, f"evt_{KEPT}", "evt_1")
