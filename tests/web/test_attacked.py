"""Webhooks under attack: what does not verify is limited, what does is not, and no answer tells what is known."""

from __future__ import annotations

import hmac
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from bot import app
from bot.access.bot_identity import name_for
from bot.db import key_values
from bot.db.migrations import Migration
from bot.db.tables import events
from bot.settings import load
from bot.web.application import build_web
from bot.web.rejected_calls import MOST_A_MINUTE
from bot.web.webhook import MAX_BODY
from tests.live_bot import OPS, OPS_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

SECRETS = ("the new secret 0123456789", "the old secret 0123456789")
BOT_ID, BOT_TOKEN = "the-bots-id", "bot-token-0123456789"


class WebApp:
    """The web process's app, and its database."""

    def __init__(self, folder: Path) -> None:
        settings = load(
            {
                "WEBEX_BOT_TOKEN": BOT_TOKEN,
                "WEBEX_ADMIN_TOKEN": "admin-token-0123456789",
                "WEBEX_WEBHOOK_SECRET": ",".join(SECRETS),
                "OPS_TOKEN": OPS_TOKEN,
                "DATA_DIR": str(folder),
            }
        )
        self.stop = threading.Event()
        self.client: FlaskClient = build_web(settings, self.stop).test_client()
        self.database = app.open_database(settings)
        Migration(self.database)()

    def posts(
        self,
        body: bytes,
        secret: str | None = SECRETS[0],
        address: str = "203.0.113.9",
        announced: int | None = None,
        **headers: str,
    ) -> TestResponse:
        environ = {"REMOTE_ADDR": address} | ({} if announced is None else {"CONTENT_LENGTH": str(announced)})
        if secret is not None:
            headers["X-Spark-Signature"] = hmac.new(secret.encode(), body, "sha1").hexdigest()
        return self.client.post("/webhooks/webex", data=body, headers=headers, environ_overrides=environ)

    def kept(self) -> int:
        with self.database.read() as tx:
            return len(tx.execute(events.select()).all())


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebApp]:
    made = WebApp(tmp_path / "data")
    yield made
    made.stop.set()
    made.database.close()


def event(data_id: str = "message-1", person: str = "ada") -> bytes:
    data = {"id": data_id, "roomId": "space", "roomType": "direct", "personId": person}
    return json.dumps({"resource": "messages", "event": "created", "data": data}).encode()


def seen(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return everything of an answer that someone outside can see."""
    return answer.status_code, answer.data, sorted(answer.headers.items())


def test_a_forger_is_told_to_come_later_and_leaves_nothing_but_a_few_lines(web: WebApp):
    with capture_logs() as lines:
        answers = [web.posts(event(), secret=None) for _ in range(MOST_A_MINUTE + 20)]
    codes = [answer.status_code for answer in answers]
    assert codes == [401] * MOST_A_MINUTE + [429] * 20
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert web.kept() == 0
    assert len([line for line in lines if line["log_level"] == "warning"]) <= 3


def test_a_verified_event_is_never_limited_even_from_the_forgers_own_address(web: WebApp):
    with capture_logs():
        for _ in range(MOST_A_MINUTE + 5):
            web.posts(event(), secret=None)
        answers = [web.posts(event(f"message-{number}")).status_code for number in range(2 * MOST_A_MINUTE)]
    assert answers == [200] * (2 * MOST_A_MINUTE)
    assert web.kept() == 2 * MOST_A_MINUTE


def test_one_address_is_not_punished_for_another(web: WebApp):
    with capture_logs():
        for _ in range(MOST_A_MINUTE + 5):
            web.posts(event(), secret=None)
        assert web.posts(event(), secret=None, address="198.51.100.7").status_code == 401


def test_x_forwarded_for_is_not_believed(web: WebApp):
    with capture_logs():
        codes = {
            web.posts(event(), secret=None, **forwarded_for(number)).status_code for number in range(MOST_A_MINUTE + 5)
        }
    assert codes == {401, 429}


def forwarded_for(number: int) -> Any:
    return {
        "X-Forwarded-For": f"192.0.2.{number}",
        "Forwarded": f"for=192.0.2.{number}",
        "X-Real-IP": f"192.0.2.{number}",
    }


@pytest.mark.parametrize(
    ("body", "headers", "code", "then"),
    [
        pytest.param(b"x" * (MAX_BODY + 1), {}, 413, 413, id="too large"),
        pytest.param(b"short", {"announced": 50}, 400, 400, id="cut off"),
        pytest.param(b"{}", {"X-Spark-Signature": "0" * 40}, 401, 429, id="wrongly signed"),
        pytest.param(b"{}", {"X-Webex-Signature": "SHA-256=00"}, 401, 429, id="wrongly signed in the other way"),
    ],
)
def test_every_kind_of_unverified_call_counts_and_only_the_signature_is_limited(
    web: WebApp, body: bytes, headers: Any, code: int, then: int
):
    """A sender whose bodies are too large or cut off must be able to see that, however many it sends."""
    with capture_logs() as lines:
        codes = [web.posts(body, secret=None, **headers).status_code for _ in range(MOST_A_MINUTE + 1)]
    assert codes == [code] * MOST_A_MINUTE + [then]
    assert len([line for line in lines if line["log_level"] == "warning"]) <= 3
    said = web.client.get("/readyz", headers=OPS)
    assert said.status_code == 200
    assert said.json is not None
    assert said.json["rejected_calls"] == {"last_5_minutes": MOST_A_MINUTE + 1}


def test_a_signed_body_that_is_no_event_is_400_even_above_the_limit(web: WebApp):
    with capture_logs():
        for _ in range(MOST_A_MINUTE + 5):
            web.posts(event(), secret=None)
        assert web.posts(b"[]").status_code == 400


def test_a_hundred_mistakes_in_a_minute_are_told_what_is_wrong(web: WebApp):
    """As when someone tries the webhook by hand or with a test suite, or Webex signs with another secret."""
    with capture_logs():
        assert {web.posts(event(), secret="a wrong secret 0123456789").status_code for _ in range(100)} == {401}


def test_readiness_counts_no_call_that_verifies(web: WebApp):
    assert web.posts(event()).status_code == 200
    assert web.posts(b"[]").status_code == 400  # signed, so it is Webex's own mistake
    said = web.client.get("/readyz", headers=OPS).json
    assert said is not None
    assert said["rejected_calls"] == {"last_5_minutes": 0}


def test_no_answer_tells_a_known_id_from_an_unknown_one(web: WebApp):
    """New, repeated and the bot's own: one answer. And what is not signed is refused before anything is looked up."""
    first = seen(web.posts(event("message-1")))
    assert first[0] == 200
    assert seen(web.posts(event("message-1"))) == first
    assert seen(web.posts(event("message-2"))) == first
    with web.database.begin() as tx:
        key_values.set(tx, name_for(BOT_TOKEN), BOT_ID, app.now())
    assert seen(web.posts(event("message-3", person=BOT_ID))) == first
    with capture_logs():
        known, unknown = (seen(web.posts(event(name), secret=None)) for name in ("message-1", "message-9"))
    assert known == unknown
    assert web.kept() == 2


def test_a_forged_call_does_not_reach_the_database(web: WebApp, monkeypatch):
    """So its time cannot tell either what is known there."""
    monkeypatch.setattr("bot.web.webhook._record", lambda *_: pytest.fail("looked up before it was verified"))
    with capture_logs():
        assert web.posts(event("message-1"), secret="a wrong secret 0123456789").status_code == 401
        assert web.posts(b"not json", secret=None).status_code == 401


@pytest.mark.parametrize("secret", SECRETS)
def test_both_secrets_verify_while_they_are_rotated(web: WebApp, secret: str):
    assert web.posts(event(), secret=secret).status_code == 200
    assert web.kept() == 1
