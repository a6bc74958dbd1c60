"""The load's Webex takes so many calls a minute of each token, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.load import webex
from tests.load.webex import Limited

if TYPE_CHECKING:
    import pytest


def test_a_token_that_calls_too_often_is_told_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webex, "MOST_IN_A_MINUTE", 2)
    heads: list[tuple[str, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        heads.append((status, dict(headers)))

    def answer(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"{}"]

    limited = Limited(answer, (0.0, 0.0))
    for token in ("bot", "bot", "bot", "admin"):
        limited({"HTTP_AUTHORIZATION": token}, start)

    assert [status for status, _ in heads] == ["200 OK", "200 OK", "429 Too Many Requests", "200 OK"]
    assert 0 < int(heads[2][1]["Retry-After"]) <= 61
