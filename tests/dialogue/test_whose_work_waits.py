"""Nobody's work stops anyone else's: not files that come slowly, not a flood of messages, not lookups that hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.queue.support import until
from tests.stage import CSV

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.stage import Heard, Line, Stage

IDS = 20
"""Reports of one message."""
FILES, LOOKUPS = 6, 12
"""What one person has running at most."""
MESSAGES = 100
SLOW = 7.0
"""Seconds that a slow call takes."""
SOON = 5.0
"""Seconds to a first answer, on a busy machine."""
HELP = "report"
"""A word of the bot's help."""

pytestmark = pytest.mark.parametrize("settings", [{"REQUESTS_PER_MINUTE": "0"}])


def waited(heard: Heard, asked: Message) -> float:
    return float(heard.message.created - asked.created)


def ask_for_many(stage: Stage) -> Line:
    """Ada asks for many reports in one message."""
    ids = " ".join(stage.partner_report(f"Usage {number}").id for number in range(IDS))
    return stage.at(stage.ada).says(f"report {ids}")


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_first_answers_do_not_wait_for_files(stage: Stage, who: str) -> None:
    """Neither those of others nor the own ones of the person who waits for the files."""
    report = stage.partner_report()
    slow = stage.emulator.faults.add("GET", host="download", delay=SLOW)
    ask_for_many(stage)
    until(lambda: slow.hits >= FILES, "slow downloads")
    voice = stage.at(getattr(stage, who))

    help_asked = voice.says("help")
    card_asked = voice.says(f"report {report.id}")

    assert waited(help_asked.hears(HELP), help_asked.message) < SOON
    assert waited(card_asked.card(), card_asked.message) < SOON


def test_others_get_their_files_beside_those_of_one_person_that_come_slowly(stage: Stage) -> None:
    small = stage.partner_report()
    slow = stage.emulator.faults.add("GET", host="download", delay=SLOW)
    line = ask_for_many(stage)
    line.card()
    until(lambda: slow.hits >= FILES, "slow downloads")
    slow.times = slow.hits  # the next download is quick

    asked = stage.at(stage.grace).says(f"report {small.id}")

    heard = asked.file()
    assert heard.content == CSV
    assert waited(heard, asked.message) < SOON


def test_a_hundred_messages_of_one_person_keep_nobody_waiting(stage: Stage) -> None:
    """Neither in the same space nor elsewhere."""
    report = stage.partner_report()
    stage.emulator.latency = 0.05
    for _ in range(MESSAGES):
        stage.at(stage.nora, stage.group).says("help")
    ada, grace = stage.at(stage.ada, stage.group), stage.at(stage.grace)

    asked = [ada.says("help"), ada.says(f"report {report.id}"), grace.says("help")]
    heard = [asked[0].hears(HELP), asked[1].card(), asked[2].hears(HELP)]

    assert [waited(one, line.message) < SOON for one, line in zip(heard, asked, strict=True)] == [True] * 3


def test_one_person_in_many_spaces_keeps_nobody_waiting(stage: Stage) -> None:
    world = stage.emulator.world
    spaces = [world.add_space(f"Space {number}", [stage.nora, stage.bot]) for number in range(MESSAGES)]
    stage.emulator.latency = 0.05
    for space in spaces:
        stage.at(stage.nora, space).says("help")

    asked = stage.at(stage.grace).says("help")

    assert waited(asked.hears(HELP), asked.message) < SOON


def test_lookups_of_one_person_that_hang_leave_threads_to_others(stage: Stage) -> None:
    hanging = stage.emulator.faults.add("GET", "/v1/*reports/*", delay=SLOW)
    ask_for_many(stage)
    until(lambda: hanging.hits >= LOOKUPS, "hanging lookups")

    asked = stage.at(stage.grace).says("help")

    assert waited(asked.hears(HELP), asked.message) < SOON
