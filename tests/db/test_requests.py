"""The table of requests: each is closed once, and the file of the oldest serves those that are answered with it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import audit, request_search, requests
from bot.db.requests import DIRECT, PERSON, State
from tests.db.rows import NOW, store_report, store_request, stored

if TYPE_CHECKING:
    from bot.db.database import Database, Transaction
    from bot.db.requests import Request

CLOSED = [state for state in State if state is not State.OPEN]


def test_the_same_event_makes_one_request(database: Database) -> None:
    with database.begin() as tx:
        one = store_request(tx)
        again = {"reference": "another", "event_key": one.event_key, "person_id": "ada", "report_id": "R"}
        assert requests.add(tx, again | {"asked_at": NOW, "deadline_at": NOW}) is None


@pytest.mark.parametrize("state", CLOSED)
def test_a_request_is_closed_once_with_its_row_in_the_audit(database: Database, state: State) -> None:
    with database.begin() as tx:
        one = store_request(tx, failing_since=NOW, last_error="No.")
        assert requests.close(tx, one, state, NOW, reason="Because.", cause="why")
        for later in State:
            assert not requests.close(tx, one, later, NOW, reason="too late")
        closed = stored(tx, one.id)
        (row,) = audit.read(tx, limit=9)
    assert (closed.state, closed.reason, closed.closed_at) == (state, "Because.", NOW)
    assert (closed.failing_since, closed.last_error) == (None, None)
    assert row.outcome.partition(":")[0] == state
    assert (row.person_id, row.reference, row.report_id) == ("ada", one.reference, "R")


def test_of_two_threads_that_close_a_request_one_does(database: Database) -> None:
    with database.begin() as tx:
        one = store_request(tx)
    start = threading.Barrier(8)
    won: list[bool] = []

    def run() -> None:
        start.wait()
        with database.begin() as tx:
            won.append(requests.close(tx, one, State.CANCELED, NOW))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({}, {}, True),
        ({}, {"person_id": "grace"}, True),
        ({}, {"room_id": "another"}, False),
        ({}, {"destination": PERSON}, False),
        ({"destination": PERSON}, {"destination": PERSON, "room_id": "another"}, True),
        ({"destination": PERSON}, {"destination": PERSON, "person_id": "grace"}, False),
        ({"destination": PERSON}, {"room_type": DIRECT, "room_id": "1:1"}, True),
        ({}, {"report_id": "another"}, False),
        ({}, {"report_id": "r"}, False),  # IDs are case-sensitive
        ({"found_at": None}, {}, False),  # whether that person may have it is not known yet
        ({"state": "canceled"}, {}, False),
    ],
)
def test_one_file_serves_requests_that_the_same_people_read(
    database: Database, first: dict[str, Any], second: dict[str, Any], same: bool
) -> None:
    with database.begin() as tx:
        one = store_request(tx, "messages:1:R", **first)
        other = store_request(tx, "messages:2:R", **second)
        assert requests.older(tx, other) == (one if same else None)
        assert requests.older(tx, one) is None


def test_a_failure_keeps_its_beginning_until_it_is_over(database: Database) -> None:
    with database.begin() as tx:
        one = store_request(tx)
        for minutes, error in ((0, "first"), (5, "second"), (6, "second")):
            requests.fails(tx, requests.of_report("R"), error, NOW + timedelta(minutes=minutes))
        failing = stored(tx, one.id)
        assert (failing.failing_since, failing.last_error) == (NOW, "second")
        assert requests.untold(tx, NOW, 9) == requests.failing_since(tx, NOW, one.deadline_at, 9) == [failing]

        requests.recovers(tx, [one.id])
        assert stored(tx, one.id) == one
        assert requests.untold(tx, NOW, 9) == []


def test_each_minute_s_run_reads_the_oldest_rows_only(database: Database) -> None:
    with database.begin() as tx:
        for number in range(3):
            store_request(tx, f"messages:{number}:R", found_at=None)
        requests.fails(tx, requests.are([1, 2, 3]), "No.", NOW)

        assert [one.id for one in requests.unfound(tx, 2)] == [1, 2]
        assert [one.id for one in requests.untold(tx, NOW, 2)] == [1, 2]


def test_a_closed_request_fails_no_more(database: Database) -> None:
    with database.begin() as tx:
        one = store_request(tx)
        requests.close(tx, one, State.CANCELED, NOW)
        requests.fails(tx, requests.of_report("R"), "No.", NOW)
        assert stored(tx, one.id).failing_since is None


def told(tx: Transaction, *families: str) -> list[Request]:
    return request_search.told_here(tx, "R", "room", "nora", families)


def test_a_request_is_told_where_it_was_made_as_far_as_its_family_is_the_reader_s(database: Database) -> None:
    with database.begin() as tx:
        store_report(tx)
        here = store_request(tx, "messages:1:R")
        store_request(tx, "messages:2:R", room_id="another")
        store_request(tx, "messages:3:R", destination=PERSON)
        own = store_request(tx, "messages:4:R", destination=PERSON, person_id="nora")
        unfound = store_request(tx, "messages:5:R", found_at=None)
        assert told(tx, "partner") == [unfound, own, here]
        assert told(tx, "organization") == [unfound], "of a report of others it is told as of one that does not exist"
