"""A ``PUBLIC_URL`` with a path: its webhook is served whether or not the proxy in front takes that path away."""

from __future__ import annotations

import hmac
import json
import threading
from typing import TYPE_CHECKING

import pytest

from bot import manifest
from bot.cli.manifest import target_of
from bot.settings import load
from bot.web.application import build_web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "webhook-secret-0123456789"
BODY = json.dumps({"resource": "messages", "event": "created", "data": {"id": "1", "personId": "ada"}}).encode()
SIGNED = {"X-Spark-Signature": hmac.new(SECRET.encode(), BODY, "sha1").hexdigest()}


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


@pytest.mark.parametrize(
    "public_url",
    [
        "https://bot.example.com",
        "https://bot.example.com/bot/",
        "https://bot.example.com/a/b",
        "https://bot.example.com/with%20space",
        "https://bot.example.com/webhooks",
    ],
)
def test_the_address_that_webex_is_given_is_served_with_its_path_and_without(
    tmp_path: Path, stop: threading.Event, public_url: str
):
    settings = load(
        {
            "WEBEX_BOT_TOKEN": "bot-token-0123456789",
            "WEBEX_ADMIN_TOKEN": "admin-token-0123456789",
            "WEBEX_WEBHOOK_SECRET": SECRET,
            "DATA_DIR": str(tmp_path / "data"),
            "PUBLIC_URL": public_url,
        }
    )
    client = build_web(settings, stop).test_client()
    wanted = manifest.read()
    target = target_of(settings, wanted)
    assert target is not None
    whole = target.removeprefix("https://bot.example.com")
    for path in (whole, wanted.path):
        assert client.post(path, data=BODY, headers=SIGNED).status_code == 200
        assert client.post(path, data=BODY).status_code == 401
    assert client.get("/healthz").status_code == 200
