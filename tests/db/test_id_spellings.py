"""What the database finds of a person or a space whose ID it knows in another spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.chat import rate_limit
from bot.db import audit, confirmations, events, messages, request_search, requests
from bot.db.audit import Channel, Entry
from bot.db.events import Event
from bot.db.messages import SENT, Name
from bot.db.requests import PERSON, State
from bot.emulator import ids
from bot.ops.forget import forget
from bot.webex.types import Target
from tests.db.rows import NOW, store_request, store_run, stored

if TYPE_CHECKING:
    from bot.db.database import Database
    from tests.stepped_bot import SteppedBot

ADA, GRACE = "aaaaaaaa-1ea0-4d52-9f49-6cbb4eb8e0c7", "bbbbbbbb-1ea0-4d52-9f49-6cbb4eb8e0c7"
ROOM, ELSEWHERE = "cccccccc-1ea0-11ee-9f49-6cbb4eb8e0c7", "dddddddd-1ea0-11ee-9f49-6cbb4eb8e0c7"
TEAM = "urn:TEAM:us-west-2_r"


def person(bare: str, cluster: str = "us") -> str:
    return ids.webex_id(ids.PEOPLE, bare, cluster)


def room(bare: str, cluster: str = "us") -> str:
    return ids.webex_id(ids.ROOM, bare, cluster)


def test_requests_are_found_by_their_place(database: Database) -> None:
    here, ada = room(ROOM, TEAM), person(ADA, TEAM)
    with database.begin() as tx:
        in_space = store_request(tx, "one", room_id=room(ROOM), person_id=person(ADA))
        directly = store_request(tx, "two", room_id=room(ELSEWHERE), person_id=person(ADA), destination=PERSON)
        store_request(tx, "three", room_id=room(ROOM), person_id=person(GRACE), destination=PERSON)
        elsewhere = store_request(tx, "four", room_id=room(ELSEWHERE), person_id=person(ADA))

        assert [one for one in requests.open_for(tx, "R") if requests.goes_to(one, here, ada)] == [in_space, directly]
        assert request_search.told_here(tx, "R", here, None, ()) == [in_space]
        assert request_search.told_here(tx, "R", room("x"), ada, ()) == [elsewhere, directly, in_space]
        assert requests.in_thread(tx, "R", here, "root") == in_space
        again = store_request(tx, "five", room_id=here, person_id=ada)
        assert requests.older(tx, again) == in_space
        assert not again.is_answered_with(directly)


def test_a_person_s_requests_are_closed_when_they_are_forgotten_and_others_wait_on(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        own = [
            store_request(tx, "one", room_id=room(ROOM), person_id=person(ADA)),
            store_request(tx, "two", room_id=room(ROOM), person_id=person(ADA, TEAM)),
        ]
        other = store_request(tx, "three", room_id=room(ROOM), person_id=person(GRACE))

        forgotten = forget(tx, stepped.queue, person(ADA.upper()), stepped.clock())

        assert forgotten.ended == len(own)
        assert [stored(tx, one.id).state for one in own] == [State.CANCELED, State.CANCELED]
        assert stored(tx, other.id).state is State.OPEN
        assert requests.older(tx, other) is None


def test_nothing_of_a_person_who_is_forgotten_stays(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        for number, cluster in enumerate(("us", TEAM)):
            who, where = person(ADA, cluster), room(ROOM, cluster)
            store_request(tx, f"{number}", person_id=who, room_id=where, room_type="direct")
            store_run(tx, f"{number}", person_id=who, room_id=where, room_type="direct")
            confirmations.add(tx, who, "delete", "R", stepped.clock())
            events.record(tx, Event("messages", "created", f"M{number}", where, "direct", who), stepped.clock())
            messages.intend(tx, Name(f"key {number}"), Target(person_id=who, direct=True), "words", stepped.clock())
            audit.record(tx, Entry(Channel.CHAT, "help", "answered", person_id=who), stepped.clock())

        forget(tx, stepped.queue, person(ADA, "eu"), stepped.clock())

    with stepped.database.read() as tx:
        for name in ("requests", "runs", "confirmations", "events", "messages", "audit"):
            kept = str(tx.connection.exec_driver_sql(f"SELECT * FROM {name}").all())
            theirs = (ADA, person(ADA), person(ADA, TEAM), room(ROOM), room(ROOM, TEAM))
            assert not [one for one in theirs if one in kept]
        states = tx.connection.exec_driver_sql("SELECT state, closed_at IS NOT NULL FROM runs").all()
    assert {tuple(row) for row in states} == {("failed", 1)}, "and nothing is run for them"


def test_the_run_of_another_person_goes_on(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        store_run(tx, person_id=person(GRACE), room_id=room(ROOM))
        forget(tx, stepped.queue, person(ADA), stepped.clock())
    with stepped.database.read() as tx:
        assert [row.state for row in tx.connection.exec_driver_sql("SELECT state FROM runs").all()] == ["open"]


def test_the_audit_shows_a_person_by_any_spelling(database: Database) -> None:
    with database.begin() as tx:
        for who in (person(ADA), person(ADA, TEAM), person(GRACE)):
            audit.record(tx, Entry(Channel.CHAT, "help", "answered", person_id=who, reference="r"), NOW)

        for rows in (
            audit.latest(tx, 9, person_id=ADA),
            audit.read(tx, limit=9, person_id=ADA),
            audit.with_reference(tx, "r", person_id=ADA),
        ):
            assert {row.person_id for row in rows} == {person(ADA), person(ADA, TEAM)}


def test_a_message_is_found_in_its_space(database: Database) -> None:
    with database.begin() as tx:
        for where in (ROOM, ELSEWHERE):
            row_id = messages.intend(tx, Name(where), Target(room(where), "root"), "words", NOW)
            assert row_id is not None
            messages.settle(tx, row_id, SENT, NOW, message_id=where)
        found = messages.in_room(tx, room(ROOM, TEAM))
    assert found is not None
    assert found.key == ROOM


@pytest.mark.parametrize("settings", [{"REQUESTS_PER_MINUTE": "1"}])
def test_the_limit_counts_a_person_in_all_spellings(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        numbers = [
            events.record(tx, Event("messages", "created", f"M{number}", person_id=one), stepped.clock())
            for number, one in enumerate((person(ADA), person(ADA, TEAM)))
        ]
    with stepped.database.read() as tx:
        kept = [event for number in numbers if (event := events.get(tx, number or 0)) is not None]
        assert [rate_limit.is_within(tx, stepped.services, one) for one in kept] == [True, False]


@pytest.mark.parametrize("spelled", [person(ADA, TEAM), person(ADA.upper()), ADA])
def test_events_of_one_space_are_read_one_after_the_other(spelled: str) -> None:
    assert Event("messages", "created", "M", spelled).lock == ADA
