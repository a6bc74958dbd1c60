"""Nobody's work stops anyone else's: not files that come slowly, not a flood of messages, not lookups that hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.services import MOST_REPORT_CALLS
from tests.live_bot import CSV
from tests.waiting import until

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.live_bot import BotMessage, Conversation, LiveBot

IDS = 20
"""Reports of one message."""
FILES = 6
"""What one person has running at most."""
MESSAGES = 100
SLOW = 7.0
"""Seconds that a slow call takes."""
SOON = 5.0
"""Seconds to a first answer, on a busy machine."""
HELP = "report"
"""A word of the bot's help."""

pytestmark = pytest.mark.parametrize("settings", [{"REQUESTS_PER_MINUTE": "0"}])


def waited(heard: BotMessage, asked: Message) -> float:
    return float(heard.message.created - asked.created)


def ask_for_many(live: LiveBot) -> Conversation:
    """Ada asks for many reports in one message."""
    ids = " ".join(live.partner_report(f"Usage {number}").id for number in range(IDS))
    return live.at(live.ada).says(f"report {ids}")


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_first_answers_do_not_wait_for_files(live: LiveBot, who: str) -> None:
    """Neither those of others nor the own ones of the person who waits for the files."""
    report = live.partner_report()
    slow = live.emulator.faults.add("GET", host="download", delay=SLOW)
    ask_for_many(live)
    until(lambda: slow.hits >= FILES, "slow downloads")
    voice = live.at(getattr(live, who))

    help_asked = voice.says("help")
    card_asked = voice.says(f"report {report.id}")

    assert waited(help_asked.hears(HELP), help_asked.message) < SOON
    assert waited(card_asked.card(), card_asked.message) < SOON


def test_others_get_their_files_beside_those_of_one_person_that_come_slowly(live: LiveBot) -> None:
    small = live.partner_report()
    slow = live.emulator.faults.add("GET", host="download", delay=SLOW)
    line = ask_for_many(live)
    line.card()
    until(lambda: slow.hits >= FILES, "slow downloads")
    slow.times = slow.hits  # the next download is quick

    asked = live.at(live.grace).says(f"report {small.id}")

    heard = asked.file()
    assert heard.content == CSV
    assert waited(heard, asked.message) < SOON


def test_a_hundred_messages_of_one_person_keep_nobody_waiting(live: LiveBot) -> None:
    """Neither in the same space nor elsewhere."""
    report = live.partner_report()
    live.emulator.latency = 0.05
    for _ in range(MESSAGES):
        live.at(live.nora, live.group).says("help")
    ada, grace = live.at(live.ada, live.group), live.at(live.grace)

    asked = [ada.says("help"), ada.says(f"report {report.id}"), grace.says("help")]
    heard = [asked[0].hears(HELP), asked[1].card(), asked[2].hears(HELP)]

    assert [waited(one, line.message) < SOON for one, line in zip(heard, asked, strict=True)] == [True] * 3


def test_one_person_in_many_spaces_keeps_nobody_waiting(live: LiveBot) -> None:
    world = live.emulator.world
    spaces = [world.add_space(f"Space {number}", [live.nora, live.bot]) for number in range(MESSAGES)]
    live.emulator.latency = 0.05
    for space in spaces:
        live.at(live.nora, space).says("help")

    asked = live.at(live.grace).says("help")

    assert waited(asked.hears(HELP), asked.message) < SOON


def test_lookups_of_one_person_that_hang_leave_threads_to_others(live: LiveBot) -> None:
    hanging = live.emulator.faults.add("GET", "/v1/*reports/*", delay=SLOW)
    ask_for_many(live)
    until(lambda: hanging.hits >= MOST_REPORT_CALLS, "hanging lookups")

    asked = live.at(live.grace).says("help")

    assert waited(asked.hears(HELP), asked.message) < SOON
