"""After a downtime: what was written meanwhile is answered, once, and the bot says that it was away."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.cli import manifest
from bot.cli.doctor import examine
from bot.db import heartbeats, key_values, migrations
from bot.db.database import Database
from bot.emulator import Emulator
from bot.queue import open_queue, tasks
from bot.queue.statements import jobs as queued
from bot.web.heartbeat import Heartbeat
from tests.live_bot import OPS, PATIENCE, LiveBot
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.db.database import Transaction
    from bot.db.heartbeats import Downtime


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveBot]:
    with Emulator() as emulator:
        yield LiveBot(emulator, tmp_path / "data")


def web_was_seen(live: LiveBot, ago: timedelta) -> None:
    """Set the web process's last heartbeat back, as if it had been down since."""
    database = Database(live.settings().database_url.get_secret_value())
    with database.begin() as tx:
        key_values.set(tx, heartbeats.WEB_SEEN, "", datetime.now(UTC) - ago)
    database.close()


def web_was_first_seen(live: LiveBot) -> datetime | None:
    database = Database(live.settings().database_url.get_secret_value())
    try:
        if migrations.current(database) != migrations.newest():
            return None
        with database.read() as tx:
            return key_values.updated_at(tx, heartbeats.WEB_SEEN)
    finally:
        database.close()


def answered_before(live: LiveBot) -> str:
    """Return a first life of the program, with one question and its answer; then it is gone."""
    report = live.partner_report()
    with live.program() as url:
        live.register(url)
        live.at(live.ada).says(f"report {report.id}").file()
    return str(report.id)


def test_what_was_missed_is_answered_and_what_was_answered_is_not(live: LiveBot) -> None:
    report_id = answered_before(live)
    one_to_one = live.at(live.grace).says(f"report {report_id}")
    group = live.at(live.ada, live.group).says(f"report {report_id}")
    unmentioned = live.at(live.ada, live.group).says("lunch?", mention=None)
    web_was_seen(live, timedelta(minutes=30))

    with live.program():
        one_to_one.file()
        group.file()
        world = live.emulator.world
        world.wait_for(lambda _: len([m for m in world.messages_of(live.bot) if m.files]) == 3)
        said = [message.text for message in world.messages_of(live.bot) if "I was away from" in (message.text or "")]

    assert len(said) == 2, "once in each space where something was missed, and not in Ada's, where nothing was"
    assert unmentioned._there() == []


@pytest.mark.sqlite("its file is removed")
def test_on_an_empty_database_nothing_of_before_is_answered_again(live: LiveBot) -> None:
    """The database was lost, or is another one: what it does not know was answered by the one before."""
    report_id = answered_before(live)
    live.at(live.grace).says("written while no bot ran")
    shutil.rmtree(live.folder)
    before = len(live.emulator.world.messages_of(live.bot))
    with capture_logs() as logged, live.program():
        until(lambda: web_was_first_seen(live), "the web process beats")
    missed = live.at(live.ada).says(f"report {report_id}")

    with live.program():
        missed.file()

    assert [one["sentence"] for one in logged if one["event"] == "first_start"] == [heartbeats.NEW]
    checks = {check.name: check.text for check in examine(live.settings())}
    assert "when the bot first ran on it, aren't answered" in checks["database"]
    said = live.emulator.world.messages_of(live.bot)[before:]
    assert {one.parent_id for one in said} == {missed.message.id}


def test_after_a_restart_what_was_missed_is_answered_without_a_word_about_it(live: LiveBot) -> None:
    report_id = answered_before(live)
    missed = live.at(live.ada).says(f"report {report_id}")

    with live.program():
        missed.file()

    assert not [m for m in live.emulator.world.messages_of(live.bot) if "I was away" in (m.text or "")]


def test_a_webhook_that_comes_late_is_the_same_event(live: LiveBot) -> None:
    report_id = answered_before(live)
    missed = live.at(live.ada).says(f"report {report_id}")
    event = live.emulator.undelivered[-1]

    with live.program() as url:
        live.register(url)
        missed.file()
        live.emulator.deliver_webhooks = True
        live.emulator.world.redeliver(event, times=10)
        line = live.at(live.ada).says("help")
        line.card()

    assert len(missed._there()) == 2, "one card, one file"


def test_the_first_start_answers_nothing_that_is_older(live: LiveBot) -> None:
    old = live.at(live.ada).says("help")

    with live.program() as url:
        live.register(url)
        live.emulator.deliver_webhooks = True
        live.at(live.ada).says("help").card()

    assert old._there() == []


def test_what_was_written_between_the_manifest_and_the_first_start_is_answered(live: LiveBot) -> None:
    live.environ["PUBLIC_URL"] = "https://bot.example.com"
    assert manifest.apply(live.settings(), lambda _: None) == 0
    line = live.at(live.ada).says("help")

    with live.program():
        line.card()


@pytest.mark.parametrize("page_size", [1, 2])
def test_many_spaces_are_paged(live: LiveBot, page_size: int) -> None:
    report_id = answered_before(live)
    live.emulator.world.page_size = page_size
    world = live.emulator.world
    spaces = [world.add_space(f"Space {number}", [live.ada, live.bot]) for number in range(5)]
    missed = [live.at(live.ada, space).says(f"report {report_id}") for space in spaces]

    with live.program():
        for line in missed:
            line.file()


@pytest.mark.parametrize("path", ["/v1/rooms", "/v1/messages"])
@pytest.mark.parametrize("status", [401, 409, 451, 502])
def test_a_refusal_at_one_call_loses_no_message(live: LiveBot, path: str, status: int) -> None:
    report_id = answered_before(live)
    missed = live.at(live.ada).says(f"report {report_id}")
    live.emulator.faults.add(method="GET", path=path, status=status, times=1)

    with live.program():
        missed.file()


@pytest.mark.sqlite("its file is locked")
def test_what_was_refused_while_the_database_was_locked_is_answered_when_it_is_back(live: LiveBot) -> None:
    """Webex does not bring a refused event again; and readiness says that nothing can be written."""
    answered_before(live)
    with live.program() as url:
        live.register(url)
        live.emulator.deliver_webhooks = True
        ready = f"{url}/readyz"
        lock = sqlite3.connect(live.settings().data_dir / "reportbot.db", isolation_level=None)
        with closing(lock):
            lock.execute("BEGIN EXCLUSIVE")
            line = live.at(live.grace).says("help")
            until(lambda: requests.get(ready, timeout=10).status_code == 503, "not ready")
            said = requests.get(ready, headers=OPS, timeout=10).json()
            assert said["database"] in {"read-only", "unavailable"}
            lock.execute("ROLLBACK")
        line.card()
        until(lambda: requests.get(ready, timeout=10).status_code == 200, "ready again")


def test_a_beat_that_crashes_is_not_the_last_and_what_was_refused_is_still_looked_for(
    live: LiveBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_before(live)
    crashed = threading.Event()
    beat = heartbeats.beat

    def crashes_once(tx: Transaction, now: datetime, *, started: bool) -> Downtime | None:
        if not crashed.is_set():
            crashed.set()
            raise KeyError("a bug")
        return beat(tx, now, started=started)

    monkeypatch.setattr(heartbeats, "beat", crashes_once)
    monkeypatch.setattr(heartbeats, "BEAT_EVERY", 0.05)
    stop, database = threading.Event(), Database(live.settings().database_url.get_secret_value())
    jobs: list[str] = []
    heartbeat = Heartbeat(database, open_queue(database, live.settings().data_dir), lambda: datetime.now(UTC), int)
    heartbeat.refused()
    with capture_logs() as lines:
        beats = threading.Thread(target=heartbeat.forever, args=(stop,))
        beats.start()
        deadline = time.monotonic() + PATIENCE
        while not jobs and time.monotonic() < deadline:
            with database.read() as tx:
                jobs = list(tx.execute(select(queued.c.task).where(queued.c.task == tasks.CATCH_UP)).scalars())
        stop.set()
        beats.join()
    database.close()
    assert jobs == [tasks.CATCH_UP]
    assert "heartbeat_crashed" in [line["event"] for line in lines]
