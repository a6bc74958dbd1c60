"""The ledger's state machine: which moves there are, and that one of two who make the same move wins."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import events, key_values, messages, request_queries, requests
from bot.db.database import Database
from bot.db.events import Event
from bot.db.requests import CLOSED, IN_HAND, MOVES, OPEN, PERSONAL, Delivery, State
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2024, 3, 24, 17, 13, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path, database_file: Path) -> Iterator[Database]:
    shutil.copy(database_file, tmp_path / "ledger.db")
    made = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield made
    made.close()


def ask(database: Database, origin: str = "messages:M:R", **more: object) -> Delivery:
    values = {
        "reference": f"reference of {origin}",
        "origin": origin,
        "asker_id": "ada",
        "room_id": "room",
        "room_type": "group",
        "parent_id": "root",
        "report_id": "R",
        "asked_at": NOW,
        "deadline_at": NOW + timedelta(hours=26),
    } | more
    with database.begin() as tx:
        made = requests.ask(tx, values)
        assert made is not None
        return got(database, made, tx)


def got(database: Database, number: int, tx=None) -> Delivery:
    if tx is None:
        with database.read() as reading:
            found = requests.get(reading, number)
    else:
        found = requests.get(tx, number)
    assert found is not None
    return found


def move(database: Database, delivery: Delivery, to: State, **values: Any) -> bool:
    with database.begin() as tx:
        return requests.move(tx, delivery, to, NOW, **values)


@pytest.mark.parametrize("start", State)
def test_every_move_is_made_or_refused_as_the_page_says(database: Database, start: State) -> None:
    for to in State:
        delivery = ask(database, f"messages:M:{to}", state=start.value)
        if to in MOVES[start]:
            assert move(database, delivery, to)
            moved = got(database, delivery.id)
            assert moved.state is to
            assert (moved.settled_at == NOW) is (to in CLOSED)
        else:
            with pytest.raises(ValueError, match="does not go from"):
                move(database, delivery, to)
            assert got(database, delivery.id) == delivery


def test_the_page_is_whole() -> None:
    """Every open state can end, no closed one is left, and a file in hand can always begin anew."""
    assert set(MOVES) == set(State)
    assert all(MOVES[state] & CLOSED for state in OPEN)
    assert all(not MOVES[state] for state in CLOSED)
    assert all(State.OPEN in MOVES[state] for state in IN_HAND - {State.OPEN})
    assert State.DELIVERED in MOVES[State.OPEN]
    assert not any(State.DELIVERED in MOVES[state] for state in OPEN - {State.OPEN, State.OPEN}), "or with another"


def test_of_two_threads_that_make_the_same_move_one_wins(database: Database) -> None:
    delivery = ask(database)
    line = threading.Barrier(8)
    won: list[bool] = []

    def run() -> None:
        line.wait()
        won.append(move(database, delivery, State.OPEN))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 7 + [True]


def test_a_move_from_a_state_of_the_past_changes_nothing(database: Database) -> None:
    old = ask(database)
    assert move(database, old, State.OPEN, title="Usage")
    assert not move(database, old, State.FAILED, reason="too late", title="another")
    now = got(database, old.id)
    assert (now.state, now.title, now.reason) == (State.OPEN, "Usage", None)


@pytest.mark.parametrize("state", sorted(PERSONAL))
def test_where_the_end_is_about_the_person_the_next_one_leads(database: Database, state: State) -> None:
    leader = ask(database)
    joined, third = ask(database, "messages:N:R"), ask(database, "messages:T:R")
    assert move(database, leader, State.OPEN)
    for one in (joined, third):
        assert move(database, one, State.OPEN, leader_id=leader.id)

    assert move(database, got(database, leader.id), state, reason="so it is")

    assert (got(database, joined.id).state, got(database, joined.id).leader_id) == (State.OPEN, None)
    assert got(database, third.id).leader_id == joined.id


@pytest.mark.parametrize("state", sorted((CLOSED & MOVES[State.OPEN]) - PERSONAL))
def test_those_that_joined_end_with_their_leader(database: Database, state: State) -> None:
    leader = ask(database)
    joined = ask(database, "messages:N:R")
    other = ask(database, "messages:O:R", room_id="another room")
    for one in (leader, other):
        assert move(database, one, State.OPEN)
    assert move(database, joined, State.OPEN, leader_id=leader.id)

    assert move(database, got(database, leader.id), state, reason="so it is")

    assert got(database, joined.id).state is state
    assert got(database, joined.id).settled_at == NOW
    assert got(database, other.id).state is State.OPEN


def test_those_that_joined_are_neither_watched_nor_served_themselves(database: Database) -> None:
    leader = ask(database)
    assert move(database, leader, State.OPEN, family="partner", region="US")
    joined = ask(database, "messages:N:R")
    with database.read() as tx:
        assert request_queries.awaited_here(tx, joined) == got(database, leader.id)
    assert move(database, joined, State.OPEN, family="partner", region="US", leader_id=leader.id)
    with database.read() as tx:
        assert [one.id for one in requests.pending(tx, "partner", "US")] == [leader.id]
        assert [one.id for one in requests.in_state(tx, State.OPEN)] == [leader.id]
        assert [one.id for one in requests.of_report(tx, "partner", "R", [State.OPEN])] == [leader.id]


@pytest.mark.parametrize(
    "more", [{"room_id": "another"}, {"report_id": "another"}, {"private": True}, {"report_id": "r"}]
)
def test_only_the_same_report_to_the_same_place_is_joined(database: Database, more: dict[str, object]) -> None:
    leader = ask(database)
    assert move(database, leader, State.OPEN, family="partner")
    one = ask(database, "messages:N:R", **more)
    with database.read() as tx:
        assert request_queries.awaited_here(tx, one) is None


def test_a_private_watch_is_joined_by_its_own_asker_alone(database: Database) -> None:
    leader = ask(database, private=True)
    assert move(database, leader, State.OPEN, family="partner")
    for asker, joins in (("ada", True), ("grace", False)):
        one = ask(database, f"messages:{asker}:R", private=True, asker_id=asker, room_id="elsewhere")
        with database.read() as tx:
            assert (request_queries.awaited_here(tx, one) is not None) is joins


def test_the_same_request_twice_is_one_row(database: Database) -> None:
    ask(database)
    with pytest.raises(AssertionError):
        ask(database, reference="another")


def test_the_same_event_twice_is_one_row_and_its_first_outcome_stays(database: Database) -> None:
    event = Event("messages", "created", "M", "room", "group", "ada")
    with database.begin() as tx:
        number = events.record(tx, event, NOW)
        assert number is not None
        assert events.record(tx, replace(event, room_id="another"), NOW) is None
        assert events.record(tx, replace(event, event="deleted"), NOW) is not None
        events.settle(tx, number, events.DONE, "report", NOW)
        events.settle(tx, number, events.FAILED, "too late", NOW)
        found = events.get(tx, number)
    assert found == replace(event, id=number, received_at=NOW, state=events.DONE)


def test_unsettled_events_are_those_old_enough_oldest_first(database: Database) -> None:
    with database.begin() as tx:
        for minutes, name in ((3, "a"), (2, "b"), (0, "c")):
            events.record(tx, Event("messages", "created", name), NOW - timedelta(minutes=minutes))
        settled = events.record(tx, Event("messages", "created", "d"), NOW - timedelta(minutes=9))
        events.settle(tx, settled or 0, events.DONE, "help", NOW)
        found = events.unsettled(tx, NOW - timedelta(minutes=1))
    assert [one.data_id for one in found] == ["a", "b"]


def test_a_post_is_intended_once_and_found_by_its_message(database: Database) -> None:
    with database.begin() as tx:
        assert messages.intend(tx, "key", Target(room_id="room", parent_id="root"), NOW)
        assert not messages.intend(tx, "key", Target(room_id="another"), NOW)
        messages.settle(tx, "key", messages.SENT, NOW, message_id="M", room_id="room")
        found = messages.by_message(tx, "M")
    assert found is not None
    assert (found.key, found.state, found.room_id, found.parent_id, found.direct) == (
        "key",
        messages.SENT,
        "room",
        "root",
        False,
    )


def test_a_fact_is_kept_over_what_it_was(database: Database) -> None:
    with database.begin() as tx:
        key_values.set(tx, "name", "old", NOW - timedelta(days=1))
        key_values.set(tx, "name", "new", NOW)
        assert (key_values.get(tx, "name"), key_values.updated_at(tx, "name")) == ("new", NOW)
        assert key_values.get(tx, "another") is None
