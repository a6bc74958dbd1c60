"""What the pages tell strangers, and what they tell anyone who has ``OPS_TOKEN``."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bot.db.database import Database
from bot.queue import tasks
from bot.queue.sqlite import SqliteQueue
from bot.settings import load
from bot.web.application import build_web
from tests.live_bot import OPS, OPS_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

WRONG = [
    {},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": f"Bearer {OPS_TOKEN}x"},
    {"Authorization": f"Bearer {OPS_TOKEN[:-1]}"},
    {"Authorization": f"Bearer {OPS_TOKEN.upper()}"},
    {"Authorization": f"Basic {OPS_TOKEN}"},
    {"Authorization": OPS_TOKEN},
    {"Authorization": "Bearer t\u00f6ken"},
]


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Callable[..., FlaskClient]]:
    stop = threading.Event()

    def made(**environ: str) -> FlaskClient:
        settings = {
            "WEBEX_BOT_TOKEN": "bot-token-0123456789",
            "WEBEX_ADMIN_TOKEN": "admin-token-0123456789",
            "WEBEX_WEBHOOK_SECRET": "webhook-secret-0123456789",
            "DATA_DIR": str(tmp_path / "data"),
        }
        return build_web(load(settings | environ), stop).test_client()

    yield made
    stop.set()


def test_the_root_says_in_one_line_that_it_runs(pages: Callable[..., FlaskClient]):
    answer = pages().get("/")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert answer.text == "The Webex report bot is running.\n"


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize("environ", [{"OPS_TOKEN": OPS_TOKEN}, {}], ids=["with OPS_TOKEN", "without"])
def test_strangers_see_the_status_alone_and_no_figure(
    pages: Callable[..., FlaskClient], environ: dict[str, str], headers: dict[str, str]
):
    client = pages(**environ)
    ready = client.get("/readyz", headers=headers)
    assert (ready.status_code, ready.json) == (200, {"status": "ready"})
    figures = client.get("/metrics", headers=headers)
    assert figures.status_code == 401
    assert figures.headers["WWW-Authenticate"] == "Bearer"
    assert "reportbot_" not in figures.text


def test_without_ops_token_in_the_settings_nobody_sees_them(pages: Callable[..., FlaskClient]):
    client = pages()
    assert client.get("/readyz", headers=OPS).json == {"status": "ready"}
    assert client.get("/metrics", headers=OPS).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_anyone_who_has_the_token_sees_them(pages: Callable[..., FlaskClient], scheme: str):
    client = pages(OPS_TOKEN=OPS_TOKEN)
    headers = {"Authorization": f"{scheme} {OPS_TOKEN}"}
    ready = client.get("/readyz", headers=headers)
    assert ready.status_code == 200
    assert ready.json is not None
    assert (ready.json["status"], ready.json["database"]) == ("ready", "ok")
    assert {"worker", "queue", "alerts", "rejected_calls"} <= set(ready.json)
    figures = client.get("/metrics", headers=headers)
    assert (figures.status_code, figures.mimetype) == (200, "text/plain")
    assert "reportbot_database_up 1.0\n" in figures.text


def test_a_stranger_learns_of_a_database_that_is_away_by_the_status_alone(
    pages: Callable[..., FlaskClient], tmp_path: Path
):
    client = pages(OPS_TOKEN=OPS_TOKEN, DATABASE_URL=f"sqlite:///{tmp_path}/missing/bot.db")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (503, {"status": "not ready"})
    told = client.get("/readyz", headers=OPS).json
    assert told is not None
    assert told["database"] == "unavailable"


def test_while_people_wait_for_a_minute_it_is_not_ready_but_takes_events(
    pages: Callable[..., FlaskClient], tmp_path: Path
):
    client = pages(OPS_TOKEN=OPS_TOKEN)
    assert client.get("/readyz").json == {"status": "ready"}
    database = Database(f"sqlite:///{tmp_path}/data/reportbot.db")
    queue = SqliteQueue(database, tmp_path / "data", clock=lambda: time.time() - tasks.LONG_WAIT - 1)
    with database.begin() as tx:
        queue.put(tx, tasks.DELIVER, "a file")
    assert client.get("/readyz").json == {"status": "ready"}
    with database.begin() as tx:
        queue.put(tx, tasks.LOOKUP, "1")

    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"status": "not ready"})
    told = client.get("/readyz", headers=OPS).json
    assert told is not None
    assert (told["database"], told["status"]) == ("ok", "not ready")
    assert told["first_answers"].startswith("delayed by 6")

    with database.begin() as tx:
        queue.drop(tx, tasks.LOOKUP, ["1"])
    assert client.get("/readyz").json == {"status": "ready"}
    database.close()
