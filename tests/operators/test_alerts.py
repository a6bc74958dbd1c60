"""An alert is told once until it is over, through restarts, lost answers and a space that the bot is not in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from bot import app
from bot.access.bot_identity import BotIdentity
from bot.db import alerts, key_values, migrations
from bot.db.leader import Leader
from bot.emulator import Emulator
from bot.errors import WebexError
from bot.ops.alerts import MOST, Alerts, Check
from bot.ops.checks import oldest_job, rejected_calls
from bot.outbox import Outbox
from bot.queue import tasks
from bot.queue.sqlite import SqliteQueue
from bot.webex.chat import Chat
from bot.webex.tokens import StaticToken
from tests.live_bot import LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINUTE = timedelta(minutes=1)
DARK = "⚠ Problem: Dark."
LIT = "✅ Resolved: The lamp is lit again."


class Lamp:
    """Something that can be wrong, or unknown."""

    def __init__(self, name: str = "lamp", **more: Any) -> None:
        self.problem: str | None = None
        self.error: Exception | None = None
        self.repairs = 0
        self.check = Check(name, self.look, f"The {name} is lit again.", **more)

    def look(self) -> str | None:
        if self.error is not None:
            raise self.error
        return self.problem

    def repair(self) -> str:
        self.repairs += 1
        self.problem = None
        return "Dark. I changed the bulb."


class MonitoredBot:
    """Emulator, database, clock and the operators' space; ``alerts()`` is a new process."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.setup = LiveBot(emulator, folder)
        self.emulator = emulator
        self.now = datetime.now(UTC).replace(hour=9, minute=5)
        settings = self.setup.settings()
        self.database = app.open_database(settings)
        migrations.upgrade(self.database)
        self.chat = Chat(settings.webex_api_url, StaticToken(self.setup.bot_token))
        self.identity = BotIdentity(self.database, self.chat, self.setup.bot_token, self.time)
        self.outbox = Outbox(self.database, self.chat, self.identity.person, self.time)
        self.space = self.setup.group

    def time(self) -> datetime:
        return self.now

    def alerts(self, *lamps: Lamp, space: bool = True) -> Alerts:
        return self.running(*(lamp.check for lamp in lamps), space=space)

    def running(self, *checks: Check, space: bool = True) -> Alerts:
        return Alerts(
            self.database,
            self.outbox,
            self.space.id if space else None,
            checks,
            self.time,
            leader=Leader(self.database, "alerts"),
        )

    def rounds(self, running: Alerts, number: int) -> None:
        for _ in range(number):
            running.look()
            self.now += MINUTE

    def told(self) -> list[str]:
        world = self.emulator.world
        return [one.text or "" for one in world.messages(self.space) if one.person_id == self.setup.bot.id]

    def close(self) -> None:
        self.chat.close()
        self.database.close()


@pytest.fixture
def monitored(tmp_path: Path) -> Iterator[MonitoredBot]:
    with Emulator() as emulator:
        made = MonitoredBot(emulator, tmp_path / "data")
        yield made
        made.close()


def test_an_alert_is_told_once_and_its_end_once_also_through_restarts(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    monitored.alerts(lamp).look()
    assert monitored.told() == []

    lamp.problem = "It is dark. Change the bulb."
    running = monitored.alerts(lamp)
    running.look()
    running.look()
    monitored.alerts(lamp).look()
    assert monitored.told() == ["⚠ Problem: It is dark. Change the bulb."]

    lamp.problem = None
    monitored.alerts(lamp).look()
    monitored.alerts(lamp).look()
    assert monitored.told()[1:] == [LIT]

    monitored.now += timedelta(seconds=1)
    lamp.problem = "Dark again."
    monitored.alerts(lamp).look()
    assert monitored.told()[2:] == ["⚠ Problem: Dark again."]


def test_other_words_are_another_alert_told_once(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    for lamp.problem in ("The first is dark.", "The second is dark.", "The first is dark.", "The second is dark."):
        monitored.alerts(lamp).look()
    lamp.problem = None
    monitored.alerts(lamp).look()
    monitored.now += timedelta(seconds=1)
    lamp.problem = "The first is dark."
    monitored.alerts(lamp).look()

    assert monitored.told() == [
        "⚠ Problem: The first is dark.",
        "⚠ Problem: The second is dark.",
        LIT,
        "⚠ Problem: The first is dark.",
    ]


def test_a_check_whose_words_always_change_is_bounded(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    for number in range(3 * MOST):
        lamp.problem = f"{number} lamps are dark."
        monitored.alerts(lamp).look()

    assert len(monitored.told()) == MOST


def test_an_answer_s_tracking_id_makes_no_other_alert(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    for number in range(3):
        lamp.problem = f"No light. {WebexError('GET lamp', 400, tracking_id=f'ROUTERGW_{number}').sentence} Look!"
        monitored.alerts(lamp).look()

    assert len(monitored.told()) == 1


def test_since_is_when_it_was_first_found_also_after_a_restart(monitored: MonitoredBot) -> None:
    lamp = Lamp(pending_for=5 * MINUTE)
    lamp.problem = "Dark since {since}."
    monitored.rounds(monitored.alerts(lamp), 3)
    assert monitored.told() == []
    monitored.rounds(monitored.alerts(lamp), 4)

    assert monitored.told() == [f"⚠ Problem: Dark since {monitored.now:%b} {monitored.now.day}, 09:05 UTC."]


def test_what_could_not_be_told_while_it_lasted_is_told_afterwards_with_its_times(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    lamp.problem = "Dark."
    monitored.emulator.faults.add(method="POST", path="/v1/messages", status=503)
    monitored.rounds(monitored.alerts(lamp), 10)
    monitored.emulator.faults.clear()
    lamp.problem = None
    monitored.rounds(monitored.alerts(lamp), 2)

    day = f"{monitored.now:%b} {monitored.now.day}"
    assert monitored.told() == [f"{LIT} The problem lasted from {day}, 09:05 to 09:15 UTC."]


def test_what_did_not_last_long_enough_is_never_told(monitored: MonitoredBot) -> None:
    lamp = Lamp(pending_for=5 * MINUTE)
    running = monitored.alerts(lamp)
    for lamp.problem in ("Dark.", None, "Dark.", None):
        monitored.rounds(running, 4)

    assert monitored.told() == []


def test_a_repair_follows_the_second_look_and_both_are_one_message(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    lamp.problem = "Dark."
    check = Check("lamp", lamp.look, lamp.check.resolved, pending_for=MINUTE, repair=lamp.repair)
    running = monitored.running(check)
    monitored.rounds(running, 1)
    assert lamp.repairs == 0
    monitored.rounds(running, 3)

    assert lamp.repairs == 1
    assert monitored.told() == [f"{DARK} I changed the bulb.", LIT]


def test_without_the_space_only_the_log_has_it_and_it_is_told_once_there_is_one(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    lamp.problem = "Dark."
    running = monitored.alerts(lamp, space=False)
    with capture_logs() as lines:
        running.look()
        running.look()
    assert [(line["event"], line["log_level"], "Dark." in line["problem"]) for line in lines] == [
        ("alert", "warning", True)
    ]
    assert monitored.told() == []

    monitored.alerts(lamp).look()
    assert monitored.told() == [DARK]


def test_what_nobody_can_know_neither_opens_nor_resolves_an_alert(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    running = monitored.alerts(lamp)
    lamp.error = WebexError("GET people/me", 503)
    running.look()
    lamp.error, lamp.problem = None, "Dark."
    running.look()
    lamp.error = WebexError("GET people/me", None)
    running.look()
    assert monitored.told() == [DARK]


def test_a_check_that_crashes_stops_no_other(monitored: MonitoredBot) -> None:
    bad, good = Lamp("bad"), Lamp("good")
    bad.error, good.problem = RuntimeError("a bug"), "Dark."
    with capture_logs() as lines:
        monitored.alerts(bad, good).look()
    assert monitored.told() == [DARK]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["check_crashed"]


def test_a_message_whose_answer_was_lost_is_sent_again_rather_than_lost(monitored: MonitoredBot) -> None:
    lamp = Lamp()
    lamp.problem = "Dark."
    running = monitored.alerts(lamp)
    monitored.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    monitored.rounds(running, 4)
    assert monitored.told() == [DARK]


def test_killed_between_the_message_and_its_row_it_is_not_told_again(monitored: MonitoredBot, monkeypatch) -> None:
    lamp = Lamp()
    lamp.problem = "Dark."
    running = monitored.alerts(lamp)
    tell = running._tell

    def told_and_killed(*args: object) -> None:
        tell(*args)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    monkeypatch.setattr(running, "_tell", told_and_killed)
    with capture_logs():
        running.look()
    monitored.alerts(lamp).look()
    assert monitored.told() == [DARK]


def test_a_space_that_the_bot_is_not_in_is_one_line_in_the_log_until_it_is(monitored: MonitoredBot) -> None:
    monitored.space = monitored.emulator.world.add_space("Operators", [monitored.setup.ada])
    lamp = Lamp()
    lamp.problem = "Dark."
    running = monitored.alerts(lamp)
    with capture_logs() as lines:
        running.look()
        running.look()
        monitored.emulator.world.join(monitored.space, monitored.setup.bot)
        running.look()
        running.look()
    assert [line["event"] for line in lines] == ["alert", "alert_not_delivered"]
    assert monitored.told() == [DARK]


def test_what_comes_and_goes_is_over_when_it_has_stayed_away(monitored: MonitoredBot) -> None:
    lamp = Lamp(keep_firing_for=5 * MINUTE)
    running = monitored.alerts(lamp)
    for lamp.problem in ("Dark.", None, "Dark.", None):
        monitored.rounds(running, 4)
    assert monitored.told() == [DARK]
    monitored.rounds(running, 3)
    assert monitored.told()[1:] == [LIT]


def test_an_alert_keeps_to_its_check_when_that_is_renamed(monitored: MonitoredBot) -> None:
    kept = {"since": monitored.now.isoformat(), "told": True}
    with monitored.database.begin() as tx:
        for old in ("admin_token_dead", "admin_token_roles"):
            key_values.set(tx, f"trouble:{old}", json.dumps(kept), monitored.now)
    lamp = Lamp("admin_token")
    lamp.problem = "Dark."
    running = monitored.alerts(lamp)
    running.take_over()
    monitored.rounds(running, 2)
    assert monitored.told() == []


@pytest.mark.parametrize("told", [True, False])
def test_what_an_older_version_has_told_is_not_told_again(monitored: MonitoredBot, told: bool) -> None:
    """Its open alerts are JSON in key_values; they are read once, and those of checks that are gone are dropped."""
    kept = {
        "since": monitored.now.isoformat(),
        "told": told,
        "tries": 1,
        "away_since": None,
        "words": ["0123456789abcdef"],
    }
    with monitored.database.begin() as tx:
        for name in ("lamp", "candle"):
            key_values.set(tx, f"trouble:{name}", json.dumps(kept), monitored.now)
    lamp = Lamp()
    lamp.problem = "Dark."
    for _ in range(2):
        running = monitored.alerts(lamp)
        running.take_over()
        monitored.rounds(running, 2)
    assert monitored.told() == ([] if told else [DARK])
    lamp.problem = None
    monitored.rounds(running, 2)
    assert monitored.told()[-1] == LIT
    with monitored.database.read() as tx:
        assert key_values.names(tx, "trouble:") == []
        assert alerts.firing(tx) == []


def test_an_alert_of_a_check_that_is_gone_is_open_no_more(monitored: MonitoredBot) -> None:
    """Such as that of a report family that was removed from REPORT_FAMILIES, as the alert itself advises."""
    lamp = Lamp("reports_refused_partner")
    lamp.problem = "Dark."
    monitored.alerts(lamp).look()
    monitored.alerts().take_over()
    with monitored.database.read() as tx:
        assert alerts.firing(tx) == []


def test_rejected_calls_are_an_alert_while_the_figure_is_fresh(monitored: MonitoredBot) -> None:
    check = rejected_calls.check(monitored.database, monitored.time)
    most = rejected_calls.MOST
    assert check.look() is None
    for number, wrong in ((most, False), (most + 1, True), (0, False)):
        with monitored.database.begin() as tx:
            key_values.set(tx, key_values.REJECTED_CALLS, str(number), monitored.now)
        assert ("100 failures in five minutes" in (check.look() or "")) == wrong
    with monitored.database.begin() as tx:
        key_values.set(tx, key_values.REJECTED_CALLS, str(most + 1), monitored.now)
    monitored.now += 6 * MINUTE
    assert check.look() is None


def test_someone_who_waits_for_a_first_answer_is_an_alert(monitored: MonitoredBot) -> None:
    queue = SqliteQueue(
        monitored.database, monitored.setup.settings().data_dir, clock=lambda: monitored.time().timestamp()
    )
    running = monitored.running(oldest_job.check(monitored.database, queue))
    with monitored.database.begin() as tx:
        for task in (tasks.DELIVER, tasks.WATCH):
            queue.put(tx, task, "a file takes minutes")
    monitored.now += 5 * MINUTE
    with monitored.database.begin() as tx:
        queue.put(tx, tasks.EVENT, "1")
    for seconds, number in ((59, 0), (1, 1), (60, 1)):
        monitored.now += timedelta(seconds=seconds)
        running.look()
        assert len(monitored.told()) == number
    assert "waited more than 60 seconds" in monitored.told()[0]

    with monitored.database.begin() as tx:
        queue.drop(tx, tasks.EVENT, ["1"])
    monitored.rounds(running, 5)
    assert monitored.told()[1:] == ["✅ Resolved: I start to answer within a minute again."]
