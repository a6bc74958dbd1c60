"""What the ledger finds of a person or a space whose id it knows in another spelling."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.chat.rate_limit import check
from bot.db import audit, events, messages, request_queries, requests
from bot.db.audit import Door, Entry
from bot.db.events import Event
from bot.db.requests import State
from bot.emulator import ids
from bot.ops.forget import forget
from bot.webex.types import Target

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.requests import Delivery
    from tests.core.workbench import Workbench

ADA, GRACE = "aaaaaaaa-1ea0-4d52-9f49-6cbb4eb8e0c7", "bbbbbbbb-1ea0-4d52-9f49-6cbb4eb8e0c7"
ROOM, ELSEWHERE = "cccccccc-1ea0-11ee-9f49-6cbb4eb8e0c7", "dddddddd-1ea0-11ee-9f49-6cbb4eb8e0c7"
TEAM = "urn:TEAM:us-west-2_r"


def person(bare: str, cluster: str = "us") -> str:
    return ids.webex_id(ids.PEOPLE, bare, cluster)


def room(bare: str, cluster: str = "us") -> str:
    return ids.webex_id(ids.ROOM, bare, cluster)


def ask(tx: Transaction, bench: Workbench, origin: str, **more: Any) -> Delivery:
    values = {
        "reference": origin,
        "origin": origin,
        "asker_id": person(ADA),
        "room_id": room(ROOM),
        "room_type": "group",
        "parent_id": "root",
        "report_id": "R",
        "state": State.OPEN.value,
        "asked_at": bench.clock(),
        "deadline_at": bench.clock() + timedelta(hours=1),
    }
    made = requests.ask(tx, values | more)
    assert made is not None
    found = requests.get(tx, made)
    assert found is not None
    return found


def test_requests_are_found_by_their_place(bench: Workbench) -> None:
    here, ada = room(ROOM, TEAM), person(ADA, TEAM)
    with bench.database.begin() as tx:
        openly = ask(tx, bench, "one")
        privately = ask(tx, bench, "two", private=True, room_id=room(ELSEWHERE))
        ask(tx, bench, "three", private=True, asker_id=person(GRACE))
        ask(tx, bench, "four", room_id=room(ELSEWHERE))

        assert request_queries.open_here(tx, here, ada, "R", ()) == [openly, privately]
        assert request_queries.waiting_here(tx, here, ada, "R") == [openly, privately]
        assert request_queries.told_here(tx, here, None, "R", ()) == [openly]
        assert [one.origin for one in request_queries.told_here(tx, room("x"), ada, "R", ())] == ["four", "two", "one"]
        assert request_queries.in_thread(tx, "R", here, "root") == openly
        again = ask(tx, bench, "five", room_id=here, asker_id=ada)
        assert request_queries.awaited_here(tx, again) == openly
        assert request_queries.in_one_thread(again, openly)
        assert not request_queries.in_one_thread(again, privately)


def test_a_file_is_not_handed_over_to_who_is_forgotten(bench: Workbench) -> None:
    with bench.database.begin() as tx:
        leader = ask(tx, bench, "one")
        own = ask(tx, bench, "two", leader_id=leader.id, asker_id=person(ADA, TEAM))
        other = ask(tx, bench, "three", leader_id=leader.id, asker_id=person(GRACE))

        forgotten = forget(tx, bench.queue, person(ADA.upper()), bench.clock())

        assert forgotten.ended == 2
        ended, goes_on = (requests.get(tx, one.id) for one in (own, other))
        assert ended is not None
        assert goes_on is not None
        assert (ended.state, goes_on.state, goes_on.leader_id) == (State.CANCELED, State.OPEN, None)


def test_nothing_of_who_is_forgotten_stays(bench: Workbench) -> None:
    with bench.database.begin() as tx:
        for number, cluster in enumerate(("us", TEAM)):
            who, where = person(ADA, cluster), room(ROOM, cluster)
            ask(tx, bench, f"{number}", asker_id=who, room_id=where, room_type="direct")
            events.record(tx, Event("messages", "created", f"M{number}", where, "direct", who), bench.clock())
            messages.intend(tx, f"to a person {number}", Target(person_id=who, direct=True), bench.clock())
            audit.record(tx, Entry(Door.CHAT, "help", "answered", person_id=who), bench.clock())

        forget(tx, bench.queue, person(ADA, "eu"), bench.clock())

    with bench.database.read() as tx:
        for name in ("deliveries", "events", "posts", "audit"):
            kept = str(tx.connection.exec_driver_sql(f"SELECT * FROM {name}").all())
            assert not [one for one in (person(ADA), person(ADA, TEAM), room(ROOM), room(ROOM, TEAM)) if one in kept]


def test_the_audit_shows_a_person_by_any_spelling(bench: Workbench) -> None:
    with bench.database.begin() as tx:
        for who in (person(ADA), person(ADA, TEAM), person(GRACE)):
            audit.record(tx, Entry(Door.CHAT, "help", "answered", person_id=who, reference="r"), bench.clock())

        for rows in (
            audit.latest(tx, 9, person_id=ADA),
            audit.read(tx, limit=9, person_id=ADA),
            audit.with_reference(tx, "r", person_id=ADA),
        ):
            assert {row.person_id for row in rows} == {person(ADA), person(ADA, TEAM)}


def test_what_was_perhaps_posted_is_looked_for_in_its_space(bench: Workbench) -> None:
    with bench.database.begin() as tx:
        for key, target in (
            ("here", Target(room(ROOM), "root")),
            ("there", Target(room(ELSEWHERE), "root")),
            ("to somebody", Target(parent_id="root", person_id=person(ADA), direct=True)),
        ):
            messages.intend(tx, key, target, bench.clock())

        assert [one.key for one in messages.open_in(tx, room(ROOM, TEAM), "root")] == ["here", "to somebody"]


def test_the_limit_counts_a_person_in_all_spellings(bench: Workbench) -> None:
    bench.stage.environ["REQUESTS_PER_MINUTE"] = "1"
    bench.restart()
    kept = []
    with bench.database.begin() as tx:
        for number, one in enumerate((person(ADA), person(ADA, TEAM))):
            row = events.record(tx, Event("messages", "created", f"M{number}", person_id=one), bench.clock())
            kept.append(events.get(tx, row or 0))

    assert [one is not None and check(bench.services, one) for one in kept] == [True, False]


@pytest.mark.parametrize("spelled", [person(ADA, TEAM), person(ADA.upper()), ADA])
def test_events_of_one_space_are_read_one_after_the_other(spelled: str) -> None:
    assert Event("messages", "created", "M", spelled).lock == ADA


def test_one_request_tells_the_family_of_all_for_the_same_report(bench: Workbench) -> None:
    """Grace's card stands a moment before her row holds the family: Ada's cancel must see that Grace waits."""
    with bench.database.begin() as tx:
        ada = ask(tx, bench, "one", family="partner")
        grace = ask(tx, bench, "two", asker_id=person(GRACE))

        found = request_queries.open_here(tx, room(ROOM), person(ADA), "R", ["partner"])
        assert [one.id for one in found] == [ada.id, grace.id]
        assert request_queries.open_here(tx, room(ROOM), person("nora"), "R", ["organization"]) == []
