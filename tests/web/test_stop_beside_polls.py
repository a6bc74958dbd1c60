"""A stop of the web process waits for nobody who waits."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from bot.db import api_keys, audit
from bot.db.api_keys import Right
from bot.db.database import Database
from tests.waiting import until
from tests.web.running_web import running

POLLS = 20


def test_calls_that_wait_are_answered_when_the_process_ends(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        database = Database(f"sqlite:///{tmp_path / 'data' / 'reportbot.db'}")
        with database.begin() as tx:
            key = api_keys.create(tx, "test", None, tuple(Right), created_by="test", now=datetime.now(UTC))
        address = f"http://127.0.0.1:{web.port}/api/v1/deliveries"
        head = {"Authorization": f"Bearer {key}"}
        order = {"reportId": "report", "spaceId": "space"}  # no worker runs, so it stays open
        made = requests.post(address, json=order, headers=head, timeout=30).json()

        def poll(_: int) -> Any:
            try:
                answer = requests.get(f"{address}/{made['id']}?wait=30", headers=head, timeout=40)
            except requests.ConnectionError:  # it was not accepted yet
                return None
            return answer.status_code, json.loads(answer.content)["status"]

        with ThreadPoolExecutor(POLLS) as pool:
            waiting = [pool.submit(poll, number) for number in range(POLLS)]
            until(lambda: threads_of(web.worker()) > POLLS)
            began = time.monotonic()
            web.process.send_signal(signal.SIGTERM)
            answers = [one.result(20) for one in waiting]
            assert set(answers) - {None} == {(200, "open")}
            assert web.process.wait(20) == 0
            assert time.monotonic() - began < 15
        with database.read() as tx:
            rows = audit.latest(tx, 2 * POLLS)
        database.close()
    assert [one.act for one in rows].count("get_get_delivery") == len(answers) - answers.count(None)


def threads_of(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Threads:"))
