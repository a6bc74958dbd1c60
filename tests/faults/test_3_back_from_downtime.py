"""After a downtime: what was written meanwhile is answered, once, and the bot says that it was away."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests
from structlog.testing import capture_logs

from bot.cli import manifest
from bot.cli.doctor import examine
from bot.db import heartbeats, key_values, migrations
from bot.db.database import Database
from bot.emulator import Emulator
from tests.stage import OPS, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Emulator() as emulator:
        yield Stage(emulator, tmp_path / "data")


def web_was_seen(stage: Stage, ago: timedelta) -> None:
    """Set the web process's last heartbeat back, as if it had been down since."""
    database = Database(stage.settings().database_url.get_secret_value())
    with database.begin() as tx:
        key_values.set(tx, heartbeats.WEB_SEEN, "", datetime.now(UTC) - ago)
    database.close()


def web_was_first_seen(stage: Stage) -> datetime | None:
    database = Database(stage.settings().database_url.get_secret_value())
    try:
        if migrations.current(database) != migrations.newest():
            return None
        with database.read() as tx:
            return key_values.updated_at(tx, heartbeats.WEB_SEEN)
    finally:
        database.close()


def answered_before(stage: Stage) -> str:
    """Return a first life of the program, with one question and its answer; then it is gone."""
    report = stage.partner_report()
    with stage.program() as door:
        stage.register(door)
        stage.at(stage.ada).says(f"report {report.id}").file()
    return str(report.id)


def test_what_was_missed_is_answered_and_what_was_answered_is_not(stage: Stage) -> None:
    report_id = answered_before(stage)
    one_to_one = stage.at(stage.grace).says(f"report {report_id}")
    group = stage.at(stage.ada, stage.group).says(f"report {report_id}")
    unmentioned = stage.at(stage.ada, stage.group).says("lunch?", mention=None)
    web_was_seen(stage, timedelta(minutes=30))

    with stage.program():
        one_to_one.file()
        group.file()
        world = stage.emulator.world
        world.wait_for(lambda _: len([m for m in world.messages_of(stage.bot) if m.files]) == 3)
        said = [message.text for message in world.messages_of(stage.bot) if "I was away from" in (message.text or "")]

    assert len(said) == 2, "once in each space where something was missed, and not in Ada's, where nothing was"
    assert unmentioned._there() == []


def test_on_an_empty_database_nothing_of_before_is_answered_again(stage: Stage) -> None:
    """The database was lost, or is another one: what it does not know was answered by the one before."""
    report_id = answered_before(stage)
    stage.at(stage.grace).says("written while no bot ran")
    shutil.rmtree(stage.folder)
    before = len(stage.emulator.world.messages_of(stage.bot))
    with stage.program(), capture_logs() as logged:
        deadline = time.monotonic() + 30
        while web_was_first_seen(stage) is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    missed = stage.at(stage.ada).says(f"report {report_id}")

    with stage.program():
        missed.file()

    assert [one["sentence"] for one in logged if one["event"] == "first_start"] == [heartbeats.NEW]
    checks = {check.name: check.text for check in examine(stage.settings())}
    assert "when the bot first ran on it, aren't answered" in checks["database"]
    said = stage.emulator.world.messages_of(stage.bot)[before:]
    assert {one.parent_id for one in said} == {missed.message.id}


def test_after_a_restart_what_was_missed_is_answered_without_a_word_about_it(stage: Stage) -> None:
    report_id = answered_before(stage)
    missed = stage.at(stage.ada).says(f"report {report_id}")

    with stage.program():
        missed.file()

    assert not [m for m in stage.emulator.world.messages_of(stage.bot) if "I was away" in (m.text or "")]


def test_a_webhook_that_comes_late_is_the_same_event(stage: Stage) -> None:
    report_id = answered_before(stage)
    missed = stage.at(stage.ada).says(f"report {report_id}")
    event = stage.emulator.undelivered[-1]

    with stage.program() as door:
        stage.register(door)
        missed.file()
        stage.emulator.deliver_webhooks = True
        stage.emulator.world.redeliver(event, times=10)
        line = stage.at(stage.ada).says("help")
        line.card()

    assert len(missed._there()) == 2, "one card, one file"


def test_the_first_start_answers_nothing_that_is_older(stage: Stage) -> None:
    old = stage.at(stage.ada).says("help")

    with stage.program() as door:
        stage.register(door)
        stage.emulator.deliver_webhooks = True
        stage.at(stage.ada).says("help").card()

    assert old._there() == []


def test_what_was_written_between_the_manifest_and_the_first_start_is_answered(stage: Stage) -> None:
    stage.environ["PUBLIC_URL"] = "https://bot.example.com"
    assert manifest.apply(stage.settings(), lambda _: None) == 0
    line = stage.at(stage.ada).says("help")

    with stage.program():
        line.card()


@pytest.mark.parametrize("page_size", [1, 2])
def test_many_spaces_are_paged(stage: Stage, page_size: int) -> None:
    report_id = answered_before(stage)
    stage.emulator.world.page_size = page_size
    world = stage.emulator.world
    spaces = [world.add_space(f"Space {number}", [stage.ada, stage.bot]) for number in range(5)]
    missed = [stage.at(stage.ada, space).says(f"report {report_id}") for space in spaces]

    with stage.program():
        for line in missed:
            line.file()


@pytest.mark.parametrize("path", ["/v1/rooms", "/v1/messages"])
@pytest.mark.parametrize("status", [401, 409, 451, 502])
def test_a_refusal_at_one_call_loses_no_message(stage: Stage, path: str, status: int) -> None:
    report_id = answered_before(stage)
    missed = stage.at(stage.ada).says(f"report {report_id}")
    stage.emulator.faults.add(method="GET", path=path, status=status, times=1)

    with stage.program():
        missed.file()


def test_what_was_refused_while_the_database_was_locked_is_answered_when_it_is_back(stage: Stage) -> None:
    """Webex does not bring a refused event again; and readiness says that nothing can be written."""
    answered_before(stage)
    with stage.program() as door:
        stage.register(door)
        stage.emulator.deliver_webhooks = True
        ready = f"{door}/readyz"
        lock = sqlite3.connect(stage.settings().data_dir / "reportbot.db", isolation_level=None)
        with closing(lock):
            lock.execute("BEGIN EXCLUSIVE")
            line = stage.at(stage.grace).says("help")
            deadline = time.monotonic() + 30
            while (answer := requests.get(ready, headers=OPS, timeout=10)).status_code != 503:
                assert time.monotonic() < deadline, answer.text
                time.sleep(0.1)
            assert answer.json()["database"] in {"read-only", "unavailable"}
            lock.execute("ROLLBACK")
        line.card()
        until = time.monotonic() + 30
        while (answer := requests.get(ready, timeout=10)).status_code != 200:
            assert time.monotonic() < until, answer.text
            time.sleep(0.1)
