"""Keys of the API and the addresses of hooks come out nowhere, whatever goes wrong."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import pytest
import requests
import structlog

from bot.db import hooks
from bot.logs import start_logging
from tests.api.conftest import running
from tests.secrets.outputs import Outputs, kept_in, said_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live_bot import LiveBot


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the program logs; afterwards logging is as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_key_and_no_address_of_a_hook_is_let_out(
    stage_alone: LiveBot, database_file: Path, log: io.StringIO, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_logging("test", level="debug", form=form, stream=log)
    outputs, secret = Outputs(), "a-secret-that-signs-the-calls"
    stage_alone.has_database(database_file)
    with running(stage_alone) as api:
        caller = api.caller()
        body = {"action": "deliver", "spaceId": api.live.group.id}
        plain = caller.post("/hooks", body, status=201)["url"]
        signed = caller.post("/hooks", body | {"secret": secret}, status=201)["url"]
        for method in ("GET", "POST", "PUT"):
            for address in (plain, signed, f"{plain}/{plain}", f"{plain}?key={caller.key}", f"{api.address}/{plain}"):
                for data in (b"", caller.key.encode(), f'{{"other": "{plain}"}}'.encode(), b"x" * 70_000):
                    outputs.add("an answer", requests.request(method, address, data=data, timeout=10).text)
        problem = caller.post("/hooks", body | {"action": caller.key, "title": plain}, status=422)
        outputs.add("an answer", problem)
        outputs.add("an answer", caller.get(f"/deliveries/{caller.key}", status=404))

        def crash(_tx: object, token: str) -> None:
            raise RuntimeError(f"/hooks/{token} with {caller.key}")

        with monkeypatch.context() as patched:
            patched.setattr(hooks, "by_token", crash)
            outputs.add("an answer", requests.post(plain, timeout=10).text)
        outputs.add_all("a message", said_by(api.live.emulator, api.live.bot))
    outputs.add_all("a kept file", kept_in(stage_alone.folder))
    outputs.add("the log", log.getvalue())
    assert "crash" in log.getvalue()
    assert {"an answer", "a kept file", "the log"} <= outputs.places
    names = {"a key": caller.key, "a hook": plain.rpartition("/")[2], "a signed hook": signed.rpartition("/")[2]}
    assert outputs.leaks(names | {"what signs": secret}) == []
