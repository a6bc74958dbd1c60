"""Trouble is said once until it is over, through restarts, lost answers and a space that the bot is not in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bot import app
from bot.access.bot_identity import BotIdentity
from bot.db import key_values, migrations
from bot.emulator import Emulator
from bot.errors import WebexError
from bot.ops.alerts import TOO_MANY, Alerts, Check, knocking
from bot.ops.checks import oldest_job
from bot.outbox import Outbox
from bot.queue import tasks
from bot.queue.sqlite import SqliteQueue
from bot.webex.chat import Chat
from bot.webex.tokens import StaticToken
from tests.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Lamp:
    """Something that can be wrong, or unknown."""

    def __init__(self, name: str = "lamp", calm: timedelta = timedelta(), *, each: bool = False) -> None:
        self.trouble: str | None = None
        self.error: Exception | None = None
        self.check = Check(name, self.look, f"The {name} burns again.", calm, each=each)

    def look(self) -> str | None:
        if self.error is not None:
            raise self.error
        return self.trouble


class House:
    """Emulator, ledger, clock and the operators' space; ``operators()`` is a fresh process."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.stage = Stage(emulator, folder)
        self.emulator = emulator
        self.now = datetime.now(UTC)
        settings = self.stage.settings()
        self.database = app.open_database(settings)
        migrations.upgrade(self.database)
        self.chat = Chat(settings.webex_api_url, StaticToken(self.stage.bot_token))
        self.identity = BotIdentity(self.database, self.chat, self.stage.bot_token, self.time)
        self.outbox = Outbox(self.database, self.chat, self.identity.person, self.time)
        self.space = self.stage.group

    def time(self) -> datetime:
        return self.now

    def operators(self, *lamps: Lamp, space: bool = True) -> Alerts:
        where = self.space.id if space else None
        return Alerts(self.database, self.outbox, where, [lamp.check for lamp in lamps], self.time)

    def heard(self) -> list[str]:
        world = self.emulator.world
        return [one.text or "" for one in world.messages(self.space) if one.person_id == self.stage.bot.id]

    def close(self) -> None:
        self.chat.close()
        self.database.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Emulator() as emulator:
        made = House(emulator, tmp_path / "data")
        yield made
        made.close()


def test_trouble_is_said_once_and_its_end_once_also_through_restarts(house: House) -> None:
    lamp = Lamp()
    house.operators(lamp).look()
    assert house.heard() == []

    lamp.trouble = "It is dark. Change the bulb."
    operators = house.operators(lamp)
    operators.look()
    operators.look()
    house.operators(lamp).look()
    assert house.heard() == ["Trouble. It is dark. Change the bulb."]

    lamp.trouble = None
    house.operators(lamp).look()
    house.operators(lamp).look()
    assert house.heard()[1:] == ["Over. The lamp burns again."]

    house.now += timedelta(seconds=1)
    lamp.trouble = "Dark again."
    house.operators(lamp).look()
    assert house.heard()[2:] == ["Trouble. Dark again."]


def test_where_other_words_are_another_trouble_each_is_said_once(house: House) -> None:
    lamp = Lamp(each=True)
    for lamp.trouble in ("The first is dark.", "The second is dark.", "The first is dark.", "The second is dark."):
        house.operators(lamp).look()
    lamp.trouble = None
    house.operators(lamp).look()
    house.now += timedelta(seconds=1)
    lamp.trouble = "The first is dark."
    house.operators(lamp).look()

    assert house.heard() == [
        "Trouble. The first is dark.",
        "Trouble. The second is dark.",
        "Over. The lamp burns again.",
        "Trouble. The first is dark.",
    ]


def test_an_answer_s_tracking_id_makes_no_other_trouble(house: House) -> None:
    lamp = Lamp(each=True)
    for number in range(3):
        lamp.trouble = f"No light. {WebexError('GET lamp', 400, tracking_id=f'ROUTERGW_{number}').sentence} Look!"
        house.operators(lamp).look()

    assert len(house.heard()) == 1


def test_without_the_space_only_the_log_says_it_once_and_it_is_said_when_there_is_one(house: House) -> None:
    lamp = Lamp()
    lamp.trouble = "It is dark."
    operators = house.operators(lamp, space=False)
    with capture_logs() as lines:
        operators.look()
        operators.look()
    assert [(line["event"], line["log_level"], line["trouble"]) for line in lines] == [
        ("trouble", "warning", "It is dark.")
    ]
    assert house.heard() == []

    house.operators(lamp).look()
    assert house.heard() == ["Trouble. It is dark."]


def test_what_nobody_can_know_neither_begins_nor_ends_a_trouble(house: House) -> None:
    lamp = Lamp()
    operators = house.operators(lamp)
    lamp.error = WebexError("GET people/me", 503)
    operators.look()
    lamp.error, lamp.trouble = None, "Dark."
    operators.look()
    lamp.error = WebexError("GET people/me", None)
    operators.look()
    assert house.heard() == ["Trouble. Dark."]


def test_a_check_that_crashes_stops_no_other(house: House) -> None:
    bad, good = Lamp("bad"), Lamp("good")
    bad.error, good.trouble = RuntimeError("a bug"), "Dark."
    with capture_logs() as lines:
        house.operators(bad, good).look()
    assert house.heard() == ["Trouble. Dark."]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["check_crashed"]


def test_a_post_whose_answer_was_lost_is_said_again_rather_than_lost(house: House) -> None:
    lamp = Lamp()
    lamp.trouble = "Dark."
    operators = house.operators(lamp)
    house.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    for _ in range(4):
        operators.look()
    assert house.heard() == ["Trouble. Dark."]


def test_killed_between_the_post_and_its_note_it_is_not_said_again(house: House, monkeypatch) -> None:
    lamp = Lamp()
    lamp.trouble = "Dark."
    operators = house.operators(lamp)
    monkeypatch.setattr(operators, "_keep", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
    with capture_logs():
        operators.look()
    house.operators(lamp).look()
    assert house.heard() == ["Trouble. Dark."]


def test_a_space_that_the_bot_is_not_in_is_one_line_in_the_log_until_it_is(house: House) -> None:
    house.space = house.emulator.world.add_space("Operators", [house.stage.ada])
    lamp = Lamp()
    lamp.trouble = "Dark."
    operators = house.operators(lamp)
    with capture_logs() as lines:
        operators.look()
        house.emulator.world.join(house.space, house.stage.bot)
        operators.look()
        operators.look()
    assert [line["event"] for line in lines] == ["trouble", "operators_not_told"]
    assert house.heard() == ["Trouble. Dark."]


def test_what_comes_and_goes_is_over_when_it_has_stayed_away(house: House) -> None:
    lamp = Lamp(calm=timedelta(minutes=5))
    operators = house.operators(lamp)
    for trouble in ("Dark.", None, "Dark.", None):
        lamp.trouble = trouble
        operators.look()
        house.now += timedelta(minutes=4)
    operators.look()
    assert house.heard() == ["Trouble. Dark."]
    house.now += timedelta(minutes=2)
    operators.look()
    assert house.heard()[1:] == ["Over. The lamp burns again."]


def test_rejected_calls_are_told_while_the_figure_is_fresh(house: House) -> None:
    check = knocking(house.database, house.time)
    assert check.look() is None
    for number, told in ((TOO_MANY, False), (TOO_MANY + 1, True), (0, False)):
        with house.database.begin() as tx:
            key_values.set(tx, key_values.REJECTED_CALLS, str(number), house.now)
        assert ("100 failures in 5 minutes" in (check.look() or "")) == told
    with house.database.begin() as tx:
        key_values.set(tx, key_values.REJECTED_CALLS, str(TOO_MANY + 1), house.now)
    house.now += timedelta(minutes=6)
    assert check.look() is None


def test_that_somebody_waits_for_a_first_answer_is_told_once_and_when_it_is_over(house: House) -> None:
    queue = SqliteQueue(house.database, house.stage.settings().data_dir, clock=lambda: house.time().timestamp())
    operators = Alerts(
        house.database, house.outbox, house.space.id, [oldest_job.check(house.database, queue)], house.time
    )
    with house.database.begin() as tx:
        for task in (tasks.DELIVER, tasks.WATCH):
            queue.put(tx, task, "a file takes minutes")
    house.now += timedelta(minutes=5)
    with house.database.begin() as tx:
        queue.put(tx, tasks.EVENT, "1")
    for seconds, number in ((59, 0), (1, 1), (60, 1)):
        house.now += timedelta(seconds=seconds)
        operators.look()
        assert len(house.heard()) == number
    assert "waited for more than 60 seconds" in house.heard()[0]

    with house.database.begin() as tx:
        queue.drop(tx, tasks.EVENT, ["1"])
    for _ in range(5):
        operators.look()
        house.now += timedelta(minutes=1)
    assert "Over. I begin to answer within a minute again." in house.heard()[1]
    assert len(house.heard()) == 2
