"""Requests of one person over the limit are skipped, and the person is told once, when the minute is over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bot.db.tables import audit, events
from bot.emulator import Emulator
from bot.messages.elements import COMMAND
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST = 3


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[SteppedBot]:
    """Return the program in pieces, under a set clock, with room for three requests a minute."""
    with Emulator() as emulator:
        made = SteppedBot(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"), REQUESTS_PER_MINUTE=str(MOST))
        yield made
        made.stop()


def outcomes(stepped: SteppedBot) -> Counter[str]:
    with stepped.database.read() as tx:
        return Counter(row.state for row in tx.execute(events.select()))


def told(stepped: SteppedBot) -> list[str]:
    return [one.text or "" for one in stepped.said() if "hit the limit" in (one.text or "")]


def test_requests_over_the_limit_are_skipped_and_their_number_is_told_once(stepped: SteppedBot) -> None:
    ada = stepped.setup.ada
    for _ in range(MOST + 4):
        stepped.receive(ada, "help")
    stepped.work()

    assert outcomes(stepped) == {"done": MOST, "limited": 4}
    assert len(stepped.said()) == MOST
    assert told(stepped) == []

    stepped.wait(62)

    (sentence,) = told(stepped)
    assert sentence == "You've hit the limit of 3 requests a minute; 4 were skipped. Please resend them."
    assert stepped.next_wait() is None


def test_a_skipped_request_costs_no_call(stepped: SteppedBot) -> None:
    for _ in range(MOST):
        stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    stepped.emulator.calls.clear()

    stepped.receive(stepped.setup.ada, "help")
    stepped.work()

    assert list(stepped.emulator.calls) == []


def test_others_are_answered_and_the_next_minute_counts_by_itself(stepped: SteppedBot) -> None:
    ada, grace, group = stepped.setup.ada, stepped.setup.grace, stepped.setup.group
    for _ in range(MOST + 1):
        stepped.receive(ada, "help", group)
    stepped.receive(grace, "help", group)
    stepped.work()
    assert outcomes(stepped) == {"done": MOST + 1, "limited": 1}

    stepped.wait(62)
    stepped.receive(ada, "help", group)
    stepped.work()

    assert outcomes(stepped) == {"done": MOST + 2, "limited": 1}
    assert told(stepped)[0].endswith("1 was skipped. Please resend it.")
    assert all("hit the limit" not in (one.text or "") for one in stepped.said(group))


def test_presses_count_too(stepped: SteppedBot) -> None:
    message = stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    (card,) = stepped.said()
    assert message.id
    for _ in range(MOST):
        stepped.pressed(stepped.setup.ada, card, {COMMAND: "help"})
    stepped.work()

    assert outcomes(stepped)["limited"] == 1


def test_it_is_told_after_a_kill_within_that_minute(stepped: SteppedBot) -> None:
    for _ in range(MOST + 2):
        stepped.receive(stepped.setup.ada, "help")
    stepped.work()

    stepped.restart()
    stepped.wait(62)

    assert "; 2 were skipped" in told(stepped)[0]


def test_requests_that_waited_for_a_worker_count_for_the_minute_in_which_they_were_made(stepped: SteppedBot) -> None:
    for _ in range(3 * MOST):
        stepped.receive(stepped.setup.ada, "help")
        stepped.clock.turn(30)
    stepped.work()

    assert outcomes(stepped) == {"done": 3 * MOST}


def test_a_skipped_request_is_in_the_audit(stepped: SteppedBot) -> None:
    for _ in range(MOST + 2):
        stepped.receive(stepped.setup.ada, "help")
    stepped.work()

    with stepped.database.read() as tx:
        rows = [row for row in tx.execute(audit.select()) if row.outcome == "limited"]
    assert [(row.person_id, row.channel) for row in rows] == [(stepped.setup.ada.id, "chat")] * 2


def test_zero_means_no_limit(stepped: SteppedBot) -> None:
    stepped.setup.environ["REQUESTS_PER_MINUTE"] = "0"
    stepped.restart()
    for _ in range(30 + 5):
        stepped.receive(stepped.setup.ada, "help")
        stepped.clock.turn(0.7)  # faster, it would be taken for two bots that answer each other
    stepped.work()

    assert outcomes(stepped) == {"done": 30 + 5}
