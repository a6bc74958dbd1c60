"""The receiver that the documents show takes our events, each once, and nobody else's."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from bot.outbound.secrets import secret_of
from bot.settings import secret_keys
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from tests.outbound.conftest import Stage

PAGE = Path(__file__).parents[2] / "docs" / "automation" / "events.md"


def until_it_listens(port: int) -> None:
    def listens() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    until(listens, "the receiver listens")


@pytest.mark.parametrize("right", [True, False])
def test_it_verifies_and_takes_each_event_once(stage: Stage, *, right: bool) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    webhook = stage.webhook(url=url)
    secret = secret_of(secret_keys(stage.stepped.services.settings)[0], webhook.reference, 1 if right else 2)
    environ = os.environ | {"WEBHOOK_SECRET": secret, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        try:
            until_it_listens(port)
            event_id = stage.test(webhook)
            stage.stepped.clock.time = stage.stepped.clock.time.now(stage.stepped.clock.time.tzinfo)
            stage.stepped.work()
            again = requests.post(url, data=b"{}", headers={"webhook-id": "evt_x"}, timeout=10)
            assert again.status_code == 400
        finally:
            running.kill()
        said = running.stdout.read() if running.stdout else ""
    assert stage.event(event_id).last_status == (204 if right else 400)
    wanted = f"webhook.test {json.dumps({'id': webhook.reference, 'reference': webhook.reference})}\n"
    assert said == (wanted if right else "")
