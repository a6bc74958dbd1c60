"""What people write costs few calls, however much they write: Webex allows a token about 300 a minute."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bot.chat.not_found_retries import MOST_OF_ONE_PERSON, WAITS
from bot.chat.rate_limit import MOST_REFUSED, MOST_WELCOMES
from bot.db.events import Event
from bot.db.tables import events
from bot.emulator import Emulator
from bot.messages.elements import COMMAND
from tests.core.workbench import Workbench, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.emulator.things import Person, Space

MOST_A_MINUTE = 30
"""``REQUESTS_PER_MINUTE``, where nothing is set."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """Return the program in pieces, with its default limits, knowing itself."""
    with Emulator() as emulator:
        made = Workbench(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"))
        made.hears(made.stage.ada, "help")
        made.work()
        emulator.calls.clear()
        yield made
        made.stop()


def all_calls(bench: Workbench) -> int:
    """Return how many calls the bot made to Webex, with either token, since the last time."""
    number = len(bench.emulator.calls)
    bench.emulator.calls.clear()
    return number


def outcomes(bench: Workbench) -> Counter[str]:
    with bench.database.read() as tx:
        return Counter(row.state for row in tx.execute(events.select()))


def write_and_delete(bench: Workbench, person: Person, space: Space | None = None) -> None:
    bench.world.delete(bench.hears(person, "help", space), person)


def run_for(bench: Workbench, seconds: int, each_second: object = None) -> None:
    for _ in range(seconds):
        if callable(each_second):
            each_second()
        bench.work()
        bench.clock.turn(1)


def test_a_deleted_message_costs_six_calls(bench: Workbench) -> None:
    write_and_delete(bench, bench.stage.ethan)
    run_for(bench, 40)

    assert all_calls(bench) == 1 + len(WAITS)
    assert outcomes(bench)["failed"] == 1


@pytest.mark.parametrize("seconds", WAITS)
def test_a_message_that_becomes_readable_is_answered(bench: Workbench, seconds: float) -> None:
    message = bench.hears(bench.stage.ada, "help")
    bench.emulator.faults.add(method="GET", path=f"/v1/messages/{message.id}", status=404, times=None)
    bench.work()
    bench.wait(seconds)
    bench.emulator.faults.clear()
    run_for(bench, 16)

    assert len(bench.said()) == 2


def test_a_minute_of_deleted_messages_leaves_most_of_the_budget(bench: Workbench) -> None:
    for _ in range(3):
        run_for(bench, 60, lambda: write_and_delete(bench, bench.stage.ethan))
        assert all_calls(bench) <= MOST_OF_ONE_PERSON * 6 + 2 * MOST_A_MINUTE
    assert outcomes(bench)["limited"] > 120


def test_a_minute_of_messages_from_outside_is_answered_a_few_times(bench: Workbench) -> None:
    run_for(bench, 60, lambda: bench.hears(bench.stage.ethan, "reports"))
    run_for(bench, 10)

    said = bench.said(person=bench.stage.ethan)
    assert len(said) == MOST_REFUSED + 1
    assert (said[-1].text or "").startswith(
        f"You've hit the limit of {MOST_REFUSED} requests a minute; 55 were skipped."
    )
    assert all_calls(bench) <= 2 * MOST_REFUSED + 4, "one shows whose a request is that was left out"


def test_a_person_of_ours_without_a_role_is_answered_a_few_times_too(bench: Workbench) -> None:
    run_for(bench, 30, lambda: bench.hears(bench.stage.nora, "reports"))

    assert len(bench.said(person=bench.stage.nora)) == MOST_REFUSED


def test_an_administrator_has_thirty_requests_a_minute(bench: Workbench) -> None:
    run_for(bench, 60, lambda: bench.hears(bench.stage.ada, "reports"))

    assert len(bench.said()) == MOST_A_MINUTE


def test_each_report_of_a_message_is_a_request(bench: Workbench) -> None:
    ids = " ".join(bench.stage.partner_report(f"Usage {number}", ready_after_polls=99).id for number in range(16))
    for _ in range(4):
        bench.hears(bench.stage.ada, f"report {ids}")
        run_for(bench, 2)

    assert outcomes(bench)["limited"] == 2


def test_what_webex_does_not_know_of_a_person_is_remembered_for_a_minute(bench: Workbench) -> None:
    path = f"/v1/people/{bench.stage.ethan.id}"
    bench.emulator.faults.add(method="GET", path=path, status=404, times=None)
    for _ in range(4):
        bench.hears(bench.stage.ethan, "reports")
        bench.work()
    assert bench.calls("GET", path) == 1

    bench.hears(bench.stage.ethan, "reports")
    bench.wait(61)
    assert bench.calls("GET", path) == 2


def test_a_space_with_nobody_of_ours_costs_nothing_after_the_first_refusal(bench: Workbench) -> None:
    ethan = bench.stage.ethan
    space = bench.world.add_space("Globex alone", [ethan, bench.stage.bot])
    others = [bench.world.add_person(f"Agent {number}", bench.stage.globex) for number in range(5)]
    for one in others:
        bench.world.join(space, one)
    for words in ("help", "reports"):
        bench.hears(ethan, words, space)
        bench.work()
    assert len(bench.said(space)) == 2
    bench.emulator.calls.clear()

    for one in others:
        bench.hears(one, "reports", space)
        bench.pressed(one, bench.said(space)[0], {COMMAND: "help"})
    bench.work()
    assert all_calls(bench) == 0

    bench.world.join(space, bench.stage.ada)
    bench._keep(Event("memberships", "created", "joined", space.id, "group", bench.stage.ada.id))
    bench.hears(bench.stage.ada, "help", space)
    bench.work()
    assert len(bench.said(space)) == 3


def test_a_space_with_nobody_of_ours_is_looked_into_again_after_some_minutes(bench: Workbench) -> None:
    space = bench.world.add_space("Globex alone", [bench.stage.ethan, bench.stage.bot])
    for minutes in (0, 5, 6):
        bench.clock.turn(60 * minutes)
        bench.hears(bench.stage.ethan, "reports", space)
        bench.work()

    assert len(bench.said(space)) == 2
    assert bench.calls("GET", "/v1/memberships") == 2


def test_the_members_of_a_space_with_some_of_ours_are_listed_once(bench: Workbench) -> None:
    for _ in range(3):
        bench.hears(bench.stage.ethan, "reports", bench.stage.outside)
        bench.work()

    assert len(bench.said(bench.stage.outside)) == 3
    assert bench.calls("GET", "/v1/memberships") == 1


def test_few_spaces_a_minute_are_welcomed(bench: Workbench) -> None:
    spaces = [bench.world.add_space(f"S{number}", [bench.stage.ethan, bench.stage.bot]) for number in range(40)]
    for space in spaces:
        (own,) = [one for one in bench.world.memberships_in(space.id) if one.person_id == bench.stage.bot.id]
        bench._keep(Event("memberships", "created", own.id, space.id, "group", bench.stage.bot.id))
    bench.work()

    assert sum(len(bench.said(space)) for space in spaces) == MOST_WELCOMES
    bench.wait(70)
    assert bench.next_wait() is None


def test_a_large_space_is_listed_in_few_calls(bench: Workbench) -> None:
    bench.world.page_size = 1000
    for number in range(300):
        bench.world.join(bench.stage.group, bench.world.add_person(f"P{number}", bench.stage.acme))
    bench.hears(bench.stage.ada, "reports", bench.stage.group)
    bench.work()

    assert bench.calls("GET", "/v1/memberships") == 2, "before the reports are asked for, and right before the list"


def test_an_administrator_who_joins_such_a_space_is_answered_without_an_event_of_it(bench: Workbench) -> None:
    ethan = bench.stage.ethan
    space = bench.world.add_space("Globex alone", [ethan, bench.stage.bot])
    bench.hears(ethan, "reports", space)
    bench.work()
    before = len(bench.said(space))
    bench.world.join(space, bench.stage.ada)

    bench.hears(bench.stage.ada, "reports", space)
    bench.work()

    assert len(bench.said(space)) == before + 1, "that the answer comes directly"
