"""Webex spells ids in several ways: the bot knows itself and everybody else in each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator import Emulator, ids
from bot.messages.elements import ARGUMENT, COMMAND
from tests.live_bot import CSV, LiveBot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.emulator.things import Person, Space

TEAM = "urn:TEAM:us-west-2_r"


def uuid_of(person: Person) -> str:
    return ids.plain_part(person.id)


SPELLINGS: dict[str, Callable[[Person], str]] = {
    "another cluster": lambda who: ids.webex_id(ids.PEOPLE, uuid_of(who), TEAM),
    "padded": lambda who: who.id + "=" * (-len(who.id) % 4 or 4),
    "capitals": lambda who: ids.webex_id(ids.PEOPLE, uuid_of(who).upper()),
    "bare": uuid_of,
    "bare, in capitals": lambda who: uuid_of(who).upper(),
}
BY_ADDRESS: dict[str, Callable[[Person], str]] = {
    "by e-mail address": lambda who: ids.webex_id(ids.PEOPLE, who.email),
    "by e-mail address in capitals": lambda who: ids.webex_id(ids.PEOPLE, who.email.upper(), TEAM),
    "another person's id": lambda _: ids.new_id(ids.PEOPLE),
}
"""Spellings that tell the bot nothing of the id that it has in events."""


@pytest.fixture(params=SPELLINGS | BY_ADDRESS)
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveBot]:
    """The program, whose ``/people/me`` spells the bot's id otherwise than events and messages do."""
    with Emulator() as emulator:
        made = LiveBot(emulator, tmp_path / "data")
        made.bot.own_id = (SPELLINGS | BY_ADDRESS)[request.param](made.bot)
        with made.program() as url:
            made.register(url)
            yield made


def written(live: LiveBot, space: Space) -> list[str]:
    """Everything that stands in a space after the bot has had its say on all of it."""
    world = live.emulator.world
    # What is written last is answered last: whatever the bot would have said to itself stands there before.
    live.at(live.grace).says("help").answer()
    return [f"{'bot' if one.person_id == live.bot.id else 'person'}: {one.text}" for one in world.messages(space)]


def test_it_answers_once_and_never_itself(live: LiveBot) -> None:
    direct, group = live.at(live.ada), live.at(live.ada, live.group)

    for voice in (direct, group, direct):
        assert voice.says("Which one?").answer().card is not None

    for space, turns in ((direct.space, 2), (group.space, 1)):
        who = [line.partition(":")[0] for line in written(live, space)]
        assert who == ["person", "bot"] * turns


def test_it_is_understood_in_a_group_space_and_counts_for_no_outsider(live: LiveBot) -> None:
    report = live.partner_report()

    assert live.at(live.ada, live.group).says(f"report {report.id}").file().content == CSV


def test_it_introduces_itself_where_it_is_added(live: LiveBot) -> None:
    live.at(live.ada).says("help").card()  # it has met Webex by now, and knows who it is
    world = live.emulator.world
    space = world.add_space("New", [live.ada])

    world.join(space, live.bot)

    world.wait_for(lambda _: [one for one in world.messages(space) if one.person_id == live.bot.id])


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[LiveBot]:
    """The program, whose bot is spelled alike everywhere."""
    with Emulator() as emulator:
        made = LiveBot(emulator, tmp_path / "data")
        with made.program() as url:
            made.register(url)
            yield made


every_spelling = pytest.mark.parametrize("spelling", SPELLINGS)


@every_spelling
def test_cancel_knows_its_own_request_when_the_press_spells_the_person_otherwise(plain: LiveBot, spelling: str) -> None:
    report = plain.partner_report(status="waiting")
    ada, grace = plain.at(plain.ada, plain.group), plain.at(plain.grace, plain.group)
    line = ada.says(f"report {report.id}")
    first = line.card()
    grace.says(f"report {report.id}").card()

    ada.presses(first, "Cancel", spelled=SPELLINGS[spelling](plain.ada))

    line.hears("Others in this space are still waiting.")


@every_spelling
def test_again_sends_the_file_when_the_press_spells_the_person_otherwise(plain: LiveBot, spelling: str) -> None:
    report = plain.partner_report()
    ada = plain.at(plain.ada)
    line = ada.says(f"report {report.id}")
    line.file()
    plain.on_record(report.id, State.DELIVERED)

    ada.presses(line.card(), "Send again", spelled=SPELLINGS[spelling](plain.ada))

    assert [one.content for one in line.answers(3) if one.file] == [CSV, CSV]


@every_spelling
def test_what_was_answered_1_1_is_canceled_and_explained_there(plain: LiveBot, spelling: str) -> None:
    """The request was made in another space, so that it is theirs is all that leads to it."""
    report = plain.partner_report("Calling Usage", status="waiting")
    world, direct = plain.emulator.world, plain.at(plain.ada)
    plain.at(plain.ada, plain.outside).says(f"report {report.id}")
    card = direct.hears_privately("Calling Usage")
    spelled = SPELLINGS[spelling](plain.ada)

    world.press(plain.ada, card.message.id, {COMMAND: "why", ARGUMENT: report.id}, spelled=spelled)
    direct.hears_privately(" asked in ")
    world.press(plain.ada, card.message.id, card.buttons["Cancel"], spelled=spelled)
    direct.hears_privately("Canceled")
