"""``METRICS_PORT``: a worker without a web process beside it serves its metrics itself."""

from __future__ import annotations

import socket
import urllib.request
from http import HTTPStatus
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest
from structlog.testing import capture_logs

from bot import app
from bot.ops.metrics_server import serve
from tests.live_bot import OPS_TOKEN
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stepped_bot import SteppedBot

GIVEN = {"Authorization": f"Bearer {OPS_TOKEN}"}


@pytest.fixture
def address() -> Iterator[str]:
    server = serve("127.0.0.1", 0, OPS_TOKEN, lambda: b"reportbot_x 1\n")
    assert server is not None
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def asked(address: str, headers: dict[str, str]) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_who_has_the_token_sees_the_metrics(address: str):
    assert asked(f"{address}/metrics", GIVEN) == (HTTPStatus.OK, b"reportbot_x 1\n")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": OPS_TOKEN}])
def test_nobody_else_does(address: str, headers: dict[str, str]):
    code, body = asked(f"{address}/metrics", headers)
    assert code == HTTPStatus.UNAUTHORIZED
    assert b"reportbot_" not in body


def test_there_is_nothing_else(address: str):
    assert asked(f"{address}/", GIVEN)[0] == HTTPStatus.NOT_FOUND


def test_a_port_that_is_taken_is_no_reason_to_stop():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert serve("127.0.0.1", taken.getsockname()[1], OPS_TOKEN, lambda: b"") is None


def test_metrics_that_cannot_be_made_leave_their_cause_in_the_log():
    def crashes() -> bytes:
        raise KeyError("a bug")

    server = serve("127.0.0.1", 0, OPS_TOKEN, crashes)
    assert server is not None
    with capture_logs() as lines, pytest.raises(RemoteDisconnected):
        asked(f"http://127.0.0.1:{server.server_address[1]}/metrics", GIVEN)
    server.shutdown()
    server.server_close()
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["metrics_crashed"]


@pytest.mark.parametrize("settings", [{"METRICS_PORT": str(free_port()), "HOST": "127.0.0.1"}])
def test_a_worker_serves_what_it_counts_and_what_the_database_says(stepped: SteppedBot, counted: None):
    services = stepped.services
    app._serve_metrics(services)
    code, body = asked(f"http://127.0.0.1:{services.settings.metrics_port}/metrics", GIVEN)
    assert code == HTTPStatus.OK
    assert b"reportbot_database_up 1.0\n" in body
    assert b'reportbot_deliveries_total{outcome="failure"} 0.0\n' in body
