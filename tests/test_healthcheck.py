"""What a container asks every half minute: does this process still work?"""

from __future__ import annotations

import http.server
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bot import process
from bot.cli import healthcheck
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A web process that answers with the code in the list."""
    code = [200]

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code[0] if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        monkeypatch.setenv("PORT", str(server.server_port))
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield code
        server.shutdown()
        serving.join()


def test_web_is_alive_while_it_answers_200(answering: list[int]) -> None:
    assert healthcheck.main(["web"]) == 0
    answering[0] = 500
    assert healthcheck.main(["web"]) == 1


def test_web_is_dead_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(free_port()))
    assert healthcheck.main(["web"]) == 1


def test_a_worker_is_dead_five_minutes_after_its_last_look_for_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert healthcheck.main(["worker"]) == 0, "it waits for the database"
    process.note_working(tmp_path)
    assert healthcheck.main(["worker"]) == 0
    noted = time.time() - process.SILENT - 1
    os.utime(tmp_path / process.WORKING_FILE, (noted, noted))
    assert healthcheck.main(["worker"]) == 1
    process.forget_working(tmp_path)
    assert healthcheck.main(["worker"]) == 0, "a new one has not begun"


def test_a_wrong_call_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main([]) == 2
    assert "web|worker" in capsys.readouterr().err
