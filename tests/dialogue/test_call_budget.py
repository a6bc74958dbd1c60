"""What people write costs few calls, however much they write: Webex allows a token about 300 a minute."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bot.chat.not_found_retries import FORGOTTEN_AFTER, MOST_OF_ONE_PERSON, WAITS, NotFoundRetries
from bot.chat.rate_limit import MOST_REFUSED, MOST_WELCOMES
from bot.db.events import Event
from bot.db.tables import events
from bot.emulator import Emulator
from bot.messages.elements import COMMAND
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.emulator.things import Person, Space

MOST_A_MINUTE = 30
"""``REQUESTS_PER_MINUTE``, where nothing is set."""


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[SteppedBot]:
    """Return the program in pieces, with its default limits, knowing itself."""
    with Emulator() as emulator:
        made = SteppedBot(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"))
        made.receive(made.setup.ada, "help")
        made.work()
        emulator.calls.clear()
        yield made
        made.stop()


def all_calls(stepped: SteppedBot) -> int:
    """Return how many calls the bot made to Webex, with either token, since the last time."""
    number = len(stepped.emulator.calls)
    stepped.emulator.calls.clear()
    return number


def outcomes(stepped: SteppedBot) -> Counter[str]:
    with stepped.database.read() as tx:
        return Counter(row.state for row in tx.execute(events.select()))


def write_and_delete(stepped: SteppedBot, person: Person, space: Space | None = None) -> None:
    stepped.world.delete(stepped.receive(person, "help", space), person)


def run_for(stepped: SteppedBot, seconds: int, each_second: object = None) -> None:
    for _ in range(seconds):
        if callable(each_second):
            each_second()
        stepped.work()
        stepped.clock.turn(1)


def test_a_deleted_message_costs_six_calls(stepped: SteppedBot) -> None:
    write_and_delete(stepped, stepped.setup.ethan)
    run_for(stepped, 40)

    assert all_calls(stepped) == 1 + len(WAITS)
    assert outcomes(stepped)["failed"] == 1


@pytest.mark.parametrize("seconds", WAITS)
def test_a_message_that_becomes_readable_is_answered(stepped: SteppedBot, seconds: float) -> None:
    message = stepped.receive(stepped.setup.ada, "help")
    stepped.emulator.faults.add(method="GET", path=f"/v1/messages/{message.id}", status=404, times=None)
    stepped.work()
    stepped.wait(seconds)
    stepped.emulator.faults.clear()
    run_for(stepped, 16)

    assert len(stepped.said()) == 2


def test_what_another_worker_has_read_is_not_counted_for_ever(stepped: SteppedBot) -> None:
    """Else its person's messages would soon be looked for once, and late."""
    retries = NotFoundRetries(stepped.clock.monotonic)
    for number in range(2 * MOST_OF_ONE_PERSON):
        event = Event("messages", "created", f"message {number}", "room", "direct", stepped.setup.ada.id, id=number)
        again = retries.next(event)
        assert again is not None
        assert again.seconds == WAITS[0]
        stepped.clock.turn(FORGOTTEN_AFTER + 1)


def test_a_minute_of_deleted_messages_leaves_most_of_the_budget(stepped: SteppedBot) -> None:
    for _ in range(3):
        run_for(stepped, 60, lambda: write_and_delete(stepped, stepped.setup.ethan))
        assert all_calls(stepped) <= MOST_OF_ONE_PERSON * 6 + 2 * MOST_A_MINUTE
    assert outcomes(stepped)["limited"] > 120


def test_a_minute_of_messages_from_outside_is_answered_a_few_times(stepped: SteppedBot) -> None:
    run_for(stepped, 60, lambda: stepped.receive(stepped.setup.ethan, "reports"))
    run_for(stepped, 10)

    said = stepped.said(person=stepped.setup.ethan)
    assert len(said) == MOST_REFUSED + 1
    assert (said[-1].text or "").startswith(
        f"You've hit the limit of {MOST_REFUSED} requests a minute; 55 were skipped."
    )
    assert all_calls(stepped) <= 2 * MOST_REFUSED + 4, "one shows whose a request is that was left out"


def test_a_person_of_ours_without_a_role_is_answered_a_few_times_too(stepped: SteppedBot) -> None:
    run_for(stepped, 30, lambda: stepped.receive(stepped.setup.nora, "reports"))

    assert len(stepped.said(person=stepped.setup.nora)) == MOST_REFUSED


def test_an_administrator_has_thirty_requests_a_minute(stepped: SteppedBot) -> None:
    run_for(stepped, 60, lambda: stepped.receive(stepped.setup.ada, "reports"))

    assert len(stepped.said()) == MOST_A_MINUTE


def test_each_report_of_a_message_is_a_request(stepped: SteppedBot) -> None:
    ids = " ".join(stepped.setup.partner_report(f"Usage {number}", ready_after_polls=99).id for number in range(16))
    for _ in range(4):
        stepped.receive(stepped.setup.ada, f"report {ids}")
        run_for(stepped, 2)

    assert outcomes(stepped)["limited"] == 2


def test_what_webex_does_not_know_of_a_person_is_remembered_for_a_minute(stepped: SteppedBot) -> None:
    path = f"/v1/people/{stepped.setup.ethan.id}"
    stepped.emulator.faults.add(method="GET", path=path, status=404, times=None)
    for _ in range(4):
        stepped.receive(stepped.setup.ethan, "reports")
        stepped.work()
    assert stepped.calls("GET", path) == 1

    stepped.receive(stepped.setup.ethan, "reports")
    stepped.wait(61)
    assert stepped.calls("GET", path) == 2


def test_a_space_with_nobody_of_ours_costs_nothing_after_the_first_refusal(stepped: SteppedBot) -> None:
    ethan = stepped.setup.ethan
    space = stepped.world.add_space("Globex alone", [ethan, stepped.setup.bot])
    others = [stepped.world.add_person(f"Agent {number}", stepped.setup.globex) for number in range(5)]
    for one in others:
        stepped.world.join(space, one)
    for words in ("help", "reports"):
        stepped.receive(ethan, words, space)
        stepped.work()
    assert len(stepped.said(space)) == 2
    stepped.emulator.calls.clear()

    for one in others:
        stepped.receive(one, "reports", space)
        stepped.pressed(one, stepped.said(space)[0], {COMMAND: "help"})
    stepped.work()
    assert all_calls(stepped) == 0

    stepped.world.join(space, stepped.setup.ada)
    stepped._keep(Event("memberships", "created", "joined", space.id, "group", stepped.setup.ada.id))
    stepped.receive(stepped.setup.ada, "help", space)
    stepped.work()
    assert len(stepped.said(space)) == 3


def test_a_space_with_nobody_of_ours_is_looked_into_again_after_some_minutes(stepped: SteppedBot) -> None:
    space = stepped.world.add_space("Globex alone", [stepped.setup.ethan, stepped.setup.bot])
    for minutes in (0, 5, 6):
        stepped.clock.turn(60 * minutes)
        stepped.receive(stepped.setup.ethan, "reports", space)
        stepped.work()

    assert len(stepped.said(space)) == 2
    assert stepped.calls("GET", "/v1/memberships") == 2


def test_the_members_of_a_space_with_some_of_ours_are_listed_once(stepped: SteppedBot) -> None:
    for _ in range(3):
        stepped.receive(stepped.setup.ethan, "reports", stepped.setup.outside)
        stepped.work()

    assert len(stepped.said(stepped.setup.outside)) == 3
    assert stepped.calls("GET", "/v1/memberships") == 1


def test_few_spaces_a_minute_are_welcomed(stepped: SteppedBot) -> None:
    spaces = [stepped.world.add_space(f"S{number}", [stepped.setup.ethan, stepped.setup.bot]) for number in range(40)]
    for space in spaces:
        (own,) = [one for one in stepped.world.memberships_in(space.id) if one.person_id == stepped.setup.bot.id]
        stepped._keep(Event("memberships", "created", own.id, space.id, "group", stepped.setup.bot.id))
    stepped.work()

    assert sum(len(stepped.said(space)) for space in spaces) == MOST_WELCOMES
    stepped.wait(70)
    assert stepped.next_wait() is None


def test_a_large_space_is_listed_in_few_calls(stepped: SteppedBot) -> None:
    stepped.world.page_size = 1000
    for number in range(300):
        stepped.world.join(stepped.setup.group, stepped.world.add_person(f"P{number}", stepped.setup.acme))
    stepped.receive(stepped.setup.ada, "reports", stepped.setup.group)
    stepped.work()

    assert stepped.calls("GET", "/v1/memberships") == 2, "before the reports are asked for, and right before the list"


def test_an_administrator_who_joins_such_a_space_is_answered_without_an_event_of_it(stepped: SteppedBot) -> None:
    ethan = stepped.setup.ethan
    space = stepped.world.add_space("Globex alone", [ethan, stepped.setup.bot])
    stepped.receive(ethan, "reports", space)
    stepped.work()
    before = len(stepped.said(space))
    stepped.world.join(space, stepped.setup.ada)

    stepped.receive(stepped.setup.ada, "reports", space)
    stepped.work()

    assert len(stepped.said(space)) == before + 1, "that the answer comes directly"
