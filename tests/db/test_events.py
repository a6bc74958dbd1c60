"""The table of events: each is stored once, and its first outcome stays; beside it the small values that are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.db import events, key_values
from bot.db.events import Event
from tests.db.rows import NOW

if TYPE_CHECKING:
    from bot.db.database import Database


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


def test_a_value_replaces_what_it_was(database: Database) -> None:
    with database.begin() as tx:
        key_values.set(tx, "name", "old", NOW - timedelta(days=1))
        key_values.set(tx, "name", "new", NOW)
        assert (key_values.get(tx, "name"), key_values.updated_at(tx, "name")) == ("new", NOW)
        assert key_values.get(tx, "another") is None
