"""Random scenarios of people, presses, faults, kills and time: afterwards the spaces say what the rows say.

A failure names its seed. Each seed is the same scenario each time, so more of them can be played by hand.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from bot.db import requests, tables
from bot.db.requests import State
from tests.live_bot import BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stepped_bot import SteppedBot

SEEDS = range(16)
STEPS = 25
TITLE = "Secret title"
FAULTS: tuple[dict[str, Any], ...] = ({"status": 429}, {"status": 503}, {"cut": "before"}, {"cut": "after"})
CALLS = (("POST", "/v1/messages"), ("DELETE", "/v1/messages/*"), ("GET", "/v1/partner/reports*"), ("*", "*"))
REST = (5, 60, 60, 120, 300, 900, 3600, 3600)
"""Seconds between the looks after a scenario: every retry and check comes due."""


class Scenario:
    """One scenario; ``leaks`` is what an outsider could read when it was posted."""

    def __init__(self, bot: SteppedBot, seed: int) -> None:
        self.bot, self.world, self.people = bot, bot.world, bot.setup
        self.random = random.Random(seed)
        self.leaks: list[str] = []
        self.reports = [bot.setup.partner_report(TITLE, status="waiting") for _ in range(3)]
        post = bot.world.post

        def watched(person: Any, space: Any, **how: Any) -> Any:
            posted = post(person, space, **how)
            shows = posted.files or TITLE in f"{posted.markdown}{posted.attachments}"
            if person is self.people.bot and shows and self.world.is_member(space.id, self.people.ethan.id):
                self.leaks.append(f"{posted.markdown}")
            return posted

        bot.world.post = watched  # type: ignore[method-assign]

    def run(self) -> None:
        steps: list[Callable[[], None]] = [self.ask, self.ask, self.press, self.change, self.fail, self.kill, self.join]
        for _ in range(STEPS):
            self.random.choice([*steps, self.wait, self.wait])()
        self.bot.emulator.faults.clear()
        self.bot.points.deadly = None
        for report in self.reports:
            self.world.set_report(report.id, status="failed" if report.status == "failed" else "done")
        for seconds in REST:
            self.bot.wait(seconds)
            self.bot.sweep.once()
            self.bot.work()

    def ask(self) -> None:
        person = self.random.choice([self.people.ada, self.people.grace])
        outside = [self.people.outside] if person is self.people.ada else []
        space = self.random.choice([None, self.people.group, self.people.group, *outside])
        word = self.random.choice(["report", "report", "again", "refresh", "cancel"])
        ids = " ".join(one.id for one in self.random.sample(self.reports, self.random.choice([1, 1, 2])))
        self.bot.receive(person, f"{word} {ids}", space)
        self.wait(5)

    def press(self) -> None:
        cards = [one for one in self.world.messages_of(self.people.bot) if one.card and not one.deleted]
        buttons = [(one, data) for one in cards for data in BotMessage(one).buttons.values()]
        if buttons:
            card, data = self.random.choice(buttons)
            members = [one for one in self.world.members(card.room_id) if one is not self.people.bot]
            self.bot.pressed(self.random.choice(members), card, data)
        self.wait(5)

    def change(self) -> None:
        report = self.random.choice(self.reports)
        self.world.set_report(report.id, status=self.random.choice(["done", "waiting", "In progress", "failed"]))

    def fail(self) -> None:
        method, path = self.random.choice(CALLS)
        skip, times = self.random.randrange(4), self.random.choice([1, 2, 5])
        self.bot.emulator.faults.add(method, path, skip=skip, times=times, **self.random.choice(FAULTS))

    def kill(self) -> None:
        self.bot.points.deadly = self.bot.points.passed + self.random.randrange(1, 20)

    def join(self) -> None:
        group, ethan = self.people.group, self.people.ethan
        (self.world.leave if self.world.is_member(group.id, ethan.id) else self.world.join)(group, ethan)

    def wait(self, seconds: float | None = None) -> None:
        try:
            self.bot.wait(self.random.choice([0, 1, 11, 60, 900]) if seconds is None else seconds)
        except Crash:
            self.bot.points.deadly = None
            self.bot.restart()


@pytest.mark.threads_listed
@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_random_scenario_the_spaces_say_what_the_rows_say(stepped: SteppedBot, seed: int) -> None:
    scenario = Scenario(stepped, seed)
    scenario.run()

    with stepped.database.read() as tx:
        asked = requests.find(tx)
        rows = tx.execute(select(tables.messages).where(tables.messages.c.state != "deleted")).all()
    there = {one.id: one for one in stepped.world.messages_of(stepped.setup.bot) if not one.deleted}
    sent = {row.id: row for row in rows if row.state == "sent"}
    cards = Counter(row.request_id for row in sent.values() if row.slot == "card")
    notices = Counter(
        one.event
        for one in asked
        for row in sent.values()
        if one.listed and row.slot == "notice" and row.request_id == one.id
    )
    told = {row.request_id for row in sent.values() if row.slot in {"card", "end"}}

    assert not scenario.leaks
    assert {one.reference: one.state for one in asked if one.state is State.OPEN} == {}
    assert [row.key for row in rows if row.state == "intended" and row.request_id] == []
    assert {row.message_id for row in sent.values() if row.request_id} <= set(there)
    assert {event for event, number in notices.items() if number > 1} == set()
    assert [row.key for row in sent.values() if row.slot in {"progress", "trouble"}] == []
    assert {of for of, number in cards.items() if of is not None and number > 1} == set()
    for one in asked:
        if one.state is State.DELIVERED:
            assert there[sent[one.file_message or 0].message_id].files, one.reference
        elif one.state is not State.CANCELED and not one.listed:
            assert one.id in told, one.reference
        shown = [f"{there[row.message_id].markdown}" for row in sent.values() if row.request_id == one.id and row.slot]
        assert one.state is State.OPEN or not any("I'll post the file" in words for words in shown), one.reference
