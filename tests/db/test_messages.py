"""The table of messages: a key is intended once, and is free again when its message was deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import messages
from bot.db.messages import DELETED, INTENDED, REFUSED, SENT, UNSURE, Name
from bot.webex.types import Target
from tests.db.rows import NOW, store_request

if TYPE_CHECKING:
    from bot.db.database import Database

THREAD = Target(room_id="room", parent_id="root")
CARD = Name("request:1:card:pending", 1, "card", "pending")


@pytest.mark.parametrize("state", [INTENDED, SENT, REFUSED, UNSURE, DELETED])
def test_a_key_is_intended_once_until_its_message_is_deleted(database: Database, state: str) -> None:
    with database.begin() as tx:
        first = messages.intend(tx, CARD, THREAD, "words", NOW)
        assert first is not None
        messages.settle(tx, first, state, NOW, message_id="M")
        again = messages.intend(tx, CARD, THREAD, "words", NOW)
        assert (again is not None) is (state == DELETED)
        assert len(messages.of_request(tx, 1)) == 1


def test_a_message_is_found_by_its_id_with_all_that_is_known_of_it(database: Database) -> None:
    with database.begin() as tx:
        row_id = messages.intend(tx, CARD, THREAD, "one", NOW)
        assert row_id is not None
        known = messages.get(tx, CARD.key)
        assert known is not None
        messages.try_again(tx, known, THREAD, "two", NOW + timedelta(seconds=5))
        messages.settle(tx, row_id, SENT, NOW, message_id="M")
        found = messages.by_message(tx, "M")
    assert found is not None
    assert (found.key, found.slot, found.variant, found.target) == (CARD.key, "card", "pending", THREAD)
    assert (found.fingerprint, found.intended_at, found.tried_at) == ("one two", NOW, NOW + timedelta(seconds=5))


def test_a_message_that_was_refused_for_now_leaves_nothing(database: Database) -> None:
    with database.begin() as tx:
        row_id = messages.intend(tx, CARD, THREAD, "words", NOW)
        assert row_id is not None
        messages.remove(tx, row_id)
        assert messages.of_request(tx, 1) == []
        assert messages.intend(tx, CARD, THREAD, "words", NOW) is not None


def test_a_file_or_a_part_of_it_is_known_by_its_slot(database: Database) -> None:
    with database.begin() as tx:
        for request_id, slot in ((1, "card"), (2, "file")):
            messages.intend(tx, Name(f"request:{request_id}:{slot}:1of2", request_id, slot), THREAD, "words", NOW)
        assert [messages.has_file(tx, number) for number in (1, 2)] == [False, True]


def test_a_message_without_an_outcome_has_its_thread_updated(database: Database) -> None:
    """But a file, which its delivery looks for."""
    with database.begin() as tx:
        one = store_request(tx)
        for slot in ("card", "file", "end"):
            row_id = messages.intend(tx, Name(slot, one.id, slot), THREAD, "words", NOW)
            if slot == "end" and row_id is not None:
                messages.settle(tx, row_id, UNSURE, NOW)
        assert messages.unsettled(tx, NOW, 9) == []
        assert messages.unsettled(tx, NOW + timedelta(seconds=1), 9) == [(one.id, "ada")]


def test_the_reports_that_answer_a_message_are_found_by_what_their_keys_begin_with(database: Database) -> None:
    """In whatever order the database puts texts."""
    with database.begin() as tx:
        for key in ("messages:m:refresh:R1", "messages:m:why:R2", "messages:m2:why:R3", "messages:m:help"):
            assert messages.intend(tx, Name(key), THREAD, "words", NOW) is not None
        assert messages.reports_shown(tx, "m") == ["R1", "R2"]
