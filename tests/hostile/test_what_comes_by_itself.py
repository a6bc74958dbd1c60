"""Hostile words, names and notes of subscriptions and schedules do nothing: in cards, lists, YAML and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from bot.cli import schedules_file
from bot.db import origins, tables
from bot.db.origin import PauseCause
from bot.emulator.things import Template
from bot.messages.elements import COMMAND
from bot.messages.names import Names
from bot.reports.schedules import put_schedules, set_next
from tests.api.conftest import Api, running
from tests.hostile.texts import TEXTS, check_log, check_message
from tests.live_bot import ADMIN_OF_BOTH, LiveBot, actions_of, inputs_of
from tests.origin_rows import add_schedule, add_subscription

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot

    Owned = Schedule | Subscription

TYPED = (
    "subscribe {}",
    "subscribe {} card only",
    "subscriptions {}",
    "unsubscribe {}",
    "mute {}",
    "schedule {} every Monday 8:00 last week",
    "schedule calling usage every Monday 8:00 last week {}",
    "schedule {}",
    "schedules {}",
    "unschedule {}",
    "run {}",
    "pause {}",
    "resume {}",
    "takeover {}",
    "reassign {}",
    "history {}",
)
LISTS = ("subscriptions", "subscriptions all", "schedules", "schedules all")
OF_ONE = ("history {}", "pause {}", "schedules {}", "resume {}", "run {}", "mute {}", "unmute {}", "schedule {}")
ENDS = ("unsubscribe {}", "unschedule {}")


class Place:
    """Eve, who may do everything, and a space with her and Ada."""

    def __init__(self, stepped: SteppedBot) -> None:
        self.stepped, self.live = stepped, stepped.setup
        self.eve: Person = stepped.world.add_person("Eve Smith", self.live.acme, roles=ADMIN_OF_BOTH)
        self.space: Space = stepped.world.add_space("Group", [self.eve, self.live.ada, self.live.bot])

    def says(self, words: str) -> None:
        self.stepped.receive(self.eve, words, self.space)
        self.stepped.work()

    def everything(self) -> list[Message]:
        return [*self.stepped.said(self.space), *self.stepped.said(person=self.eve)]

    def press_all(self, text: str) -> int:
        """Press every button that stands there once, with the text in every field."""
        pressed = 0
        for message in self.everything():
            for one in actions_of(message.card):
                if one["type"] == "Action.Submit" and not message.deleted:
                    fields = {field["id"]: text for field in inputs_of(message.card)}
                    self.stepped.pressed(self.eve, message, one["data"] | fields)
                    self.stepped.work()
                    pressed += 1
        return pressed


@pytest.fixture
def place(stepped: SteppedBot) -> Iterator[Place]:
    if not stepped.world.templates:
        stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    yield Place(stepped)
    with stepped.database.begin() as tx:
        for table in (tables.subscriptions, tables.schedules):
            tx.execute(delete(table))


def plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def stored(place: Place, text: str) -> list[Owned]:
    """Store a subscription and a schedule whose every text is hostile, as an import or another version may."""
    stepped, now = place.stepped, place.stepped.clock()
    made: list[Owned] = [
        add_subscription(stepped.database, place.eve, place.space, now, words=text),
        add_schedule(stepped.database, place.eve, place.space, now, name=text, note=text, title=text, sites=text),
        add_schedule(stepped.database, place.eve, place.space, now, title=text, period=None),
    ]
    with stepped.database.begin() as tx:
        for one in made:
            if one.origin.kind == "schedule":
                set_next(tx, one, now)  # type: ignore[arg-type]
        put_schedules(tx, stepped.queue)
    return made


def test_stored_texts_are_shown_harmlessly(place: Place, text: str, log: io.StringIO) -> None:
    lines_before = len(log.getvalue().splitlines())
    text = plain(text)
    made = stored(place, text)
    for words in LISTS:
        place.says(words)
    for one in made[:2]:
        for words in OF_ONE:
            place.says(words.format(one.reference))
    assert place.press_all(text) > len(made)
    with place.stepped.database.begin() as tx:
        for one in made:
            origins.pause(tx, one.origin, PauseCause.FAILURES, text)
    for words in LISTS:
        place.says(words)
    for one in made:
        for words in ENDS:
            place.says(words.format(one.reference))

    assert sum(message.card is not None for message in place.everything()) > len(LISTS)
    for message in place.everything():
        check_message(message)
    check_log(log, lines_before)


def test_typed_words_and_forged_buttons_are_answered_harmlessly(place: Place, text: str, log: io.StringIO) -> None:
    lines_before = len(log.getvalue().splitlines())
    text = plain(text)
    for words in TYPED:
        place.says(words.format(text))
    place.says("schedules")
    card = next(message for message in place.everything() if message.card)
    for words in TYPED:
        command = words.split()[0]
        for data in ({COMMAND: command, "argument": text}, {COMMAND: command, "reference": text, "name": [text]}):
            place.stepped.pressed(place.eve, card, data)
            place.stepped.work()
    place.press_all(text)

    for message in place.everything():
        check_message(message)
    check_log(log, lines_before)


def test_what_is_exported_is_read_back_as_it_was(place: Place, text: str) -> None:
    text = plain(text)[: schedules_file.LONGEST]
    made = stored(place, text)
    names = Names(spaces={place.space.id: text})

    entries, faults = schedules_file.read("\n".join(schedules_file.written(made, names)))

    assert (faults, len(entries)) == ([], len(made))
    for entry, one in zip(entries, made, strict=True):
        kept = schedules_file.columns_of(one)
        assert {column: entry.values[column] for column in kept} == kept


@pytest.fixture
def api(stage_alone: LiveBot, database_file: Path) -> Iterator[Api]:
    stage_alone.has_database(database_file)
    with running(stage_alone) as found:
        found.live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
        yield found


def test_the_api_gives_back_what_it_took_and_refuses_the_rest(api: Api) -> None:
    big = {"a megabyte": "W" * 1_000_000}
    about = {"family": "partner", "templateId": 130, "period": "last week", "spaceId": api.live.group.id}
    recurs = {"dtstart": "2026-11-30T08:00:00[Europe/Berlin]", "rrule": "FREQ=WEEKLY;BYDAY=MO"}
    for name, text in (TEXTS | big).items():
        caller = api.caller(name=name)
        for path, body in (
            ("/subscriptions", {"words": text, "spaceId": api.live.group.id}),
            ("/schedules", about | recurs | {"name": text}),
            ("/schedules", about | recurs | {"period": text}),
            ("/schedules", about | recurs | {"rrule": text}),
            ("/schedules", about | recurs | {"onlyIf": text}),
            ("/schedules", about | recurs | {"dtstart": text}),
            ("/deliveries", {"title": text, "spaceId": api.live.group.id}),
            ("/deliveries", {"reportId": text, "spaceId": api.live.group.id}),
        ):
            answer = caller.session.post(f"{api.address}/api/v1{path}", json=body, timeout=40)
            assert answer.status_code < 500, (name, path, answer.text)
            told: dict[str, Any] = answer.json()
            assert answer.headers["Content-Type"].split(";")[0] in {"application/json", "application/problem+json"}
            assert len(answer.content) < 10_000
            if answer.status_code < 300 and "name" in body:
                assert caller.get(f"{path}/{told['id']}")["name"] == told["name"]
                caller.call("DELETE", f"{path}/{told['id']}", status=204)
    for one in api.live.emulator.world.messages(api.live.group):
        if one.person_id == api.live.bot.id:
            check_message(one)
