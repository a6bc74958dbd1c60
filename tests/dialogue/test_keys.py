"""``keys``: for full administrators, answered directly; a new key is shown once, and soon nowhere any more."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import pytest

from bot.chat.commands.keys import read_words, unknown_rights
from bot.cli.main import main
from bot.db import api_keys, audit
from bot.db.api_keys import ApiKey, Right
from bot.emulator.cards import problems
from bot.messages.api_keys import COMMAND_LINE, key_list
from bot.messages.names import Names
from bot.ops.forget import forget
from tests.live_bot import BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot

KEY = re.compile(r"rbk_[\w-]{43}")
DAY = 24 * 3600
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def says(stepped: SteppedBot, words: str, person: Person | None = None, space: Space | None = None) -> str:
    """Somebody writes something (Ada, 1:1); return the newest answer that they alone read."""
    stepped.receive(person or stepped.setup.ada, words, space)
    stepped.work()
    return last(stepped, person).words


def last(stepped: SteppedBot, person: Person | None = None) -> BotMessage:
    return BotMessage(stepped.said(person=person)[-1])


def last_list(stepped: SteppedBot) -> str:
    says(stepped, "keys")
    return last(stepped).shown


def keys(stepped: SteppedBot) -> list[ApiKey]:
    with stepped.database.read() as tx:
        return [one for one in api_keys.listed(tx) if one.revoked_at is None]


def is_valid(stepped: SteppedBot, key: str) -> bool:
    with stepped.database.read() as tx:
        return api_keys.by_secret(tx, key) is not None


def shown_keys(messages: list[Message]) -> list[str]:
    return [found for one in messages for found in KEY.findall(one.text or "")]


def test_a_key_is_shown_for_a_minute_and_works(stepped: SteppedBot) -> None:
    said = says(stepped, "keys create nightly all deliver,create")
    (key,) = KEY.findall(said)
    assert "**nightly**" in (last(stepped).message.markdown or "")
    assert is_valid(stepped, key)
    (made,) = keys(stepped)
    assert made.name == "nightly"
    assert made.spaces is None
    assert made.rights == {Right.DELIVER, Right.CREATE}
    assert made.created_by == stepped.setup.ada.id
    stepped.wait(59)
    assert shown_keys(stepped.said()) == [key]
    stepped.wait(2)
    assert shown_keys(stepped.said()) == []
    assert is_valid(stepped, key)


def test_in_a_group_nothing_but_a_neutral_sentence_is_seen(stepped: SteppedBot) -> None:
    live = stepped.setup
    said = says(stepped, "keys create weekly here", space=live.group)
    (key,) = KEY.findall(said)
    (made,) = keys(stepped)
    assert made.may_reach(live.group.id)
    assert not made.may_reach(live.outside.id)
    assert made.rights == {Right.DELIVER}
    assert is_valid(stepped, key)
    says(stepped, "keys", space=live.group)
    says(stepped, "keys revoke weekly", space=live.group)
    there = stepped.said(live.group)
    assert {one.text for one in there} == {"I've sent you the answer about API keys in a direct message."}
    assert all(one.card is None for one in there)


@pytest.mark.parametrize("words", ["keys", "keys create x all", "keys revoke x", "keys create x here deliver"])
@pytest.mark.parametrize("where", ["directly", "group", "outside"])
def test_only_full_administrators(stepped: SteppedBot, words: str, where: str) -> None:
    live = stepped.setup
    people = [live.ethan] if where == "outside" else [live.grace, live.nora]
    for person in people:
        space = {"directly": None, "group": live.group, "outside": live.outside}[where]
        stepped.receive(person, words, space)
        stepped.work()
    everything = [one for space in stepped.world.spaces.values() for one in stepped.said(space)]
    assert shown_keys(everything) == []
    assert keys(stepped) == []
    said = " ".join(one.text or "" for one in everything)
    assert ("Only full administrators can see, make and revoke API keys" in said) is (where != "outside")


def test_the_list_and_a_revocation_that_is_confirmed(stepped: SteppedBot) -> None:
    live = stepped.setup
    (key,) = KEY.findall(says(stepped, "keys create nightly all"))
    stepped.wait(61)
    says(stepped, "keys")
    listed = last(stepped)
    assert listed.card is not None
    assert problems(listed.card) == []
    assert f"nightly ({key[:10]}…)" in listed.shown
    assert "deliver · all spaces" in listed.shown
    assert "by Ada Lovelace" in listed.shown
    assert key not in str(listed.card)
    stepped.pressed(live.ada, listed.message, listed.buttons["Revoke…"])
    stepped.work()
    asks = last(stepped)
    assert asks.card is not None
    assert problems(asks.card) == []
    assert is_valid(stepped, key)
    stepped.pressed(live.ada, asks.message, asks.buttons["Revoke"])
    stepped.work()
    assert "Revoked: nightly" in last(stepped).words
    assert not is_valid(stepped, key)
    assert asks.message.deleted
    assert "There are no API keys" in says(stepped, "keys")
    with stepped.database.read() as tx:
        outcomes = [one.outcome for one in audit.latest(tx, 50)[::-1] if one.act == audit.KEYS]
    assert outcomes == ["created", "allowed", "allowed", "revoked", "allowed"]


def test_the_list_names_the_spaces_that_a_key_reaches(stepped: SteppedBot) -> None:
    live = stepped.setup
    says(stepped, "keys create nightly here", space=live.group)
    stepped.wait(61)

    assert "deliver · **Admin reports** · made" in last_list(stepped)

    stepped.world.leave(live.group, live.bot)
    assert "deliver · another space · made" in last_list(stepped)


@pytest.mark.parametrize(
    ("spaces", "reaches"),
    [
        (None, "all spaces"),
        ([], "0 spaces"),
        (["a"], "**Alpha**"),
        (["b", "a"], "**Alpha**, **Beta**"),
        (["x"], "another space"),
        (["a", "x"], "**Alpha**, another space"),
        (["x", "y"], "2 spaces"),
        (["a", "x", "y"], "**Alpha**, 2 other spaces"),
        (["a", "b", "c", "d"], "**Alpha**, **Beta**, **Gamma**, another space"),
    ],
)
def test_how_the_spaces_of_a_key_are_named(spaces: list[str] | None, reaches: str) -> None:
    names = Names(spaces={"a": "Alpha", "b": "Beta", "c": "Gamma", "d": "Omega"})
    reached = None if spaces is None else frozenset(spaces)
    key = ApiKey(1, "nightly", "rbk_abc", reached, frozenset({Right.DELIVER}), COMMAND_LINE, NOW, None, None)

    said, _ = key_list([key], names)

    assert f": deliver · {reaches} · made Nov 30" in said


def test_a_confirmation_lapses_and_is_used_once(stepped: SteppedBot) -> None:
    live = stepped.setup
    says(stepped, "keys create nightly all")
    says(stepped, "keys revoke nightly")
    asks = last(stepped)
    stepped.clock.turn(601)
    stepped.pressed(live.ada, asks.message, asks.buttons["Revoke"])
    stepped.work()
    assert "expired" in last(stepped).words
    assert len(keys(stepped)) == 1


def test_what_cannot_be_done_is_said(stepped: SteppedBot) -> None:
    assert "means a group space" in says(stepped, "keys create nightly here")
    says(stepped, "keys create nightly all")
    assert "already an API key nightly" in says(stepped, "keys create nightly")
    assert "There's no API key “weekly”" in says(stepped, "keys revoke weekly")
    for words in ("keys create", "keys make", "keys revoke", f"keys create {'x' * 61}"):
        assert "Type keys for the list" in says(stepped, words), words
    assert len(keys(stepped)) == 1


@pytest.mark.parametrize(
    ("words", "name", "where", "rights"),
    [
        ("nightly", "nightly", "", "deliver"),
        ("nightly here", "nightly", "here", "deliver"),
        ("nightly ALL deliver,create,manage", "nightly", "all", "deliver,create,manage"),
        ("nightly all manage, create", "nightly", "all", "deliver,create,manage"),
        ("Build job 7 here create", "Build job 7", "here", "deliver,create"),
        ("nightly manage", "nightly", "", "deliver,create,manage"),
        ("all", "all", "", "deliver"),
        ("create", "create", "", "deliver"),
        ("here all", "here", "all", "deliver"),
    ],
)
def test_how_the_words_are_read(words: str, name: str, where: str, rights: str) -> None:
    found = read_words(words.split())
    assert found == (name, where, [Right(one) for one in rights.split(",")])


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        ("nightly all deliver create read", "read"),
        ("nightly all read write", "read write"),
        ("nightly deliver READ here", "READ"),
        ("nightly all read create", "read"),
        ("nightly read", ""),
        ("nightly all deliver create", ""),
        ("Build for all customers here", ""),
        ("all deliveries", ""),
    ],
)
def test_a_word_among_rights_is_no_part_of_the_name(words: str, unknown: str) -> None:
    name, where, _ = read_words(words.split())
    assert " ".join(unknown_rights(name, where)) == unknown


def test_an_unknown_right_is_named_and_no_key_is_made(stepped: SteppedBot) -> None:
    said = says(stepped, "keys create nightly all deliver,create,read")
    assert said == (
        "“read” isn't a right of an API key. The rights are deliver, create and manage, each with those before it. "
        "I made no key."
    )
    assert "“read”, “write” aren't rights" in says(stepped, "keys create nightly all read,write")
    assert keys(stepped) == []
    assert "Your API key Build for all customers" in says(stepped, "keys create Build for all customers all")


def test_the_name_is_data(stepped: SteppedBot) -> None:
    says(stepped, "keys create **x**<@all>[a](https://evil.example) all")
    markdown = last(stepped).message.markdown or ""
    assert "<@all>" not in markdown
    assert "](https" not in markdown
    assert KEY.search(markdown)


def test_the_key_is_in_no_table_and_no_log(machine: SteppedBot, capfd: pytest.CaptureFixture[str]) -> None:
    (key,) = KEY.findall(says(machine, "keys create nightly all"))
    machine.wait(61)
    for file in machine.folder.parent.iterdir():
        if file.is_file():
            assert key.encode() not in file.read_bytes()
    out, err = capfd.readouterr()
    assert key not in out + err
    assert main(["audit"]) == 0
    assert "made an API key" in capfd.readouterr().out


def test_who_made_a_key_is_forgotten_and_the_key_works_on(stepped: SteppedBot) -> None:
    (key,) = KEY.findall(says(stepped, "keys create nightly all"))
    with stepped.database.begin() as tx:
        assert forget(tx, stepped.queue, stepped.setup.ada.id, stepped.clock()).keys == 1
    assert is_valid(stepped, key)
    assert audit.is_pseudonym(keys(stepped)[0].created_by)


@pytest.mark.threads_listed
@pytest.mark.parametrize("deadly", range(1, 16))
def test_killed_anywhere_one_key_is_valid_and_none_stays_to_be_read(stepped: SteppedBot, deadly: int) -> None:
    stepped.receive(stepped.setup.ada, "keys create nightly all")
    stepped.points.passed, stepped.points.deadly = 0, deadly
    seen: set[str] = set()
    with suppress(Crash):
        stepped.work()
        seen |= set(shown_keys(stepped.said()))
        stepped.wait(61)
    stepped.points.deadly = None
    seen |= set(shown_keys(stepped.said()))
    stepped.restart()
    stepped.work()
    for _ in range(6):  # what was perhaps posted is looked for, for some minutes
        found = shown_keys(stepped.said())
        assert len(found) <= 1
        seen |= set(found)
        stepped.wait(50)
    assert shown_keys(stepped.said()) == []
    (made,) = keys(stepped)
    assert made.name == "nightly"
    assert sum(is_valid(stepped, one) for one in seen) == 1


@pytest.mark.threads_listed
@pytest.mark.parametrize("cut", ["before", "after", "middle"])
def test_an_answer_that_was_lost(stepped: SteppedBot, cut: Literal["before", "after", "middle"]) -> None:
    stepped.emulator.faults.add("POST", "/v1/messages", cut=cut, times=1)
    stepped.receive(stepped.setup.ada, "keys create nightly all")
    stepped.work()
    for _ in range(8):
        stepped.wait(30)
        found = shown_keys(stepped.said())
        assert len(found) <= 1
        assert all(is_valid(stepped, one) for one in found if keys(stepped))
    assert shown_keys(stepped.said()) == []
    assert len(keys(stepped)) == 1
