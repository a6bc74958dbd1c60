"""Issue 4, item 2: killed at every step by name, and a hundred times at random, nothing is lost or said twice.

One dialogue uses everything that is said by steps: a card that is refreshed and then says done, a file, a file in
parts, an end, a cancellation, in a group space and 1:1. Wherever a message of the bot may be, Webex lets it look here.
Real processes are killed in ``tests/killed``, and an upload half-way in ``tests/files/test_streaming_upload.py``.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.reports import deliver
from tests.faults.test_6_large_files import LIMIT, STEM, table
from tests.live_bot import CSV, FAILED, BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot

pytestmark = pytest.mark.threads_listed

SEED = 20261123
KILLS = 100
FARTHEST = 40
"""Points, at most, between two kills: a dialogue has some hundreds."""
POLL = 10.5
MINUTE = 60.0
IN_PARTS = table(14_000)
WRITES = {f"{when} the {what}" for when in ("before", "after") for what in ("post", "upload", "delete")}


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)


def survives(stepped: SteppedBot, do: Callable[[], object]) -> None:
    """Do it; whenever the process is killed another one goes on, which may be killed in its first sweep."""

    def restart() -> None:
        stepped.restart()
        stepped.work()

    while True:
        try:
            do()
        except Crash:
            do = restart
        else:
            return


class Dialogue:
    """One round of everything, and what must stand in its threads afterwards."""

    def __init__(self, stepped: SteppedBot) -> None:
        self.stepped = stepped
        self.asked: dict[str, Message] = {}

    def play(self) -> None:
        stepped, live = self.stepped, self.stepped.setup
        waits, fails, canceled = (live.partner_report(title, status="In progress") for title in ("A", "B", "C"))
        self.ask("waits", waits)
        self.ask("fails", fails)
        self.ask("canceled", canceled)
        self.ask("at once", live.organization_report())
        self.ask("in parts", live.partner_report("Calls", content=IN_PARTS))
        self.asked["1:1"] = stepped.receive(live.grace, f"report {waits.id}")
        survives(stepped, stepped.work)
        self.press("waits", "Refresh")
        self.press("canceled", "Cancel")
        survives(stepped, stepped.work)
        stepped.world.set_report(waits.id, status="done")
        stepped.world.set_report(fails.id, status="failed")
        survives(stepped, partial(stepped.wait, POLL))
        while stepped.next_wait() is not None:
            survives(stepped, partial(stepped.wait, MINUTE))

    def ask(self, name: str, report: Any) -> None:
        stepped = self.stepped
        self.asked[name] = stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)

    def press(self, name: str, button: str) -> None:
        (card,) = [one for one in self.thread(name) if one.card]
        self.stepped.pressed(self.stepped.setup.ada, card, BotMessage(card).buttons[button])

    def thread(self, name: str) -> list[Message]:
        """Return what the bot has said to it, also what it has deleted."""
        said = self.stepped.world.messages_of(self.stepped.setup.bot)
        return [one for one in said if one.parent_id == self.asked[name].id]

    def judge(self) -> None:
        """As many messages as without any kill, those deleted included; and the right ones stand."""
        assert self.shown("waits") == (4, ["● Ready"], [CSV])
        assert self.shown("1:1") == (3, ["● Ready"], [CSV])
        assert self.shown("at once") == (2, ["● Ready"], [CSV])
        assert self.shown("fails") == (2, FAILED.splitlines()[:1], [])
        assert self.shown("canceled") == (2, ["● Canceled"], [])
        messages, card, parts = self.shown("in parts")
        assert (messages, card) == (1 + len(parts), ["● Ready"])
        names = [one.files[0].name for one in self.thread("in parts") if one.files]
        assert names == [f"{STEM} part {number} of {len(parts)}.zip" for number in range(1, len(parts) + 1)]
        assert len(parts) > 1

    def shown(self, name: str) -> tuple[int, list[str], list[bytes]]:
        there = self.thread(name)
        standing = [one for one in there if not one.deleted]
        lines = [line for one in standing if one.card for line in BotMessage(one).shown.splitlines()]
        files = [one.files[0].path.read_bytes() for one in standing if one.files]
        return len(there), [line for line in lines if line.startswith("● ")], files


def states(stepped: SteppedBot, rounds: int) -> list[State]:
    return [stepped.request(number).state for number in range(1, 6 * rounds + 1)]


ENDS = sorted([State.DELIVERED] * 4 + [State.FAILED, State.CANCELED])


def test_without_a_kill_the_dialogue_is_what_it_is_held_against(stepped: SteppedBot) -> None:
    dialogue = Dialogue(stepped)
    dialogue.play()
    dialogue.judge()
    assert sorted(states(stepped, 1)) == ENDS


def test_killed_once_at_each_step_by_name_nothing_is_lost_and_nothing_said_twice(stepped: SteppedBot) -> None:
    """Each step kills the process when it is reached for the first time, before it and after it."""
    met: set[str] = set()

    def kills(name: str) -> bool:
        first = name not in met
        met.add(name)
        return first

    stepped.points.kills_at = kills
    dialogue = Dialogue(stepped)
    dialogue.play()

    assert met >= WRITES
    assert len(met) > 30, "there are steps to be killed at"
    dialogue.judge()
    assert sorted(states(stepped, 1)) == ENDS
    assert stepped.files_left == []


@pytest.mark.parametrize("write", sorted(WRITES))
def test_killed_at_each_write_that_webex_sees_it_is_made_once(stepped: SteppedBot, write: str) -> None:
    """Each first, third, fifth… time: what was interrupted gets through at the second try."""
    passed = 0

    def kills(name: str) -> bool:
        nonlocal passed
        passed += name == write
        return name == write and passed % 2 == 1

    stepped.points.kills_at = kills
    dialogue = Dialogue(stepped)
    dialogue.play()
    assert passed > 2
    dialogue.judge()


def test_killed_a_hundred_times_at_random_nothing_is_lost_and_nothing_said_twice(stepped: SteppedBot) -> None:
    """On PostgreSQL fifty times: restarts take longer there."""
    kills = KILLS if stepped.setup.databases is None else KILLS // 2
    chance = random.Random(SEED)
    left = chance.randint(1, FARTHEST)
    killed: list[str] = []

    def dies(name: str) -> bool:
        nonlocal left
        left -= 1
        if left > 0 or len(killed) == kills:
            return False
        left = chance.randint(1, FARTHEST)
        killed.append(name)
        return True

    stepped.points.kills_at = dies
    rounds = 0
    while len(killed) < kills:
        rounds += 1
        stepped.clock.turn(60)  # one person may ask for thirty a minute
        dialogue = Dialogue(stepped)
        dialogue.play()
        dialogue.judge()
    assert sorted(states(stepped, rounds)) == sorted(ENDS * rounds)
    assert stepped.files_left == []
