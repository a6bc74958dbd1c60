"""Requests of one person over the limit are skipped, and the person is told once, when the minute is over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bot.db.tables import audit, events
from bot.emulator import Emulator
from bot.messages.elements import COMMAND
from tests.core.workbench import Workbench, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST = 3


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """Return the program in pieces, under a set clock, with room for three requests a minute."""
    with Emulator() as emulator:
        made = Workbench(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"), REQUESTS_PER_MINUTE=str(MOST))
        yield made
        made.stop()


def outcomes(bench: Workbench) -> Counter[str]:
    with bench.database.read() as tx:
        return Counter(row.state for row in tx.execute(events.select()))


def told(bench: Workbench) -> list[str]:
    return [one.text or "" for one in bench.said() if "hit the limit" in (one.text or "")]


def test_requests_over_the_limit_are_skipped_and_their_number_is_told_once(bench: Workbench) -> None:
    ada = bench.stage.ada
    for _ in range(MOST + 4):
        bench.hears(ada, "help")
    bench.work()

    assert outcomes(bench) == {"done": MOST, "limited": 4}
    assert len(bench.said()) == MOST
    assert told(bench) == []

    bench.wait(62)

    (sentence,) = told(bench)
    assert sentence == "You've hit the limit of 3 requests a minute; 4 were skipped. Please resend them."
    assert bench.next_wait() is None


def test_a_skipped_request_costs_no_call(bench: Workbench) -> None:
    for _ in range(MOST):
        bench.hears(bench.stage.ada, "help")
    bench.work()
    bench.emulator.calls.clear()

    bench.hears(bench.stage.ada, "help")
    bench.work()

    assert list(bench.emulator.calls) == []


def test_others_are_answered_and_the_next_minute_counts_by_itself(bench: Workbench) -> None:
    ada, grace, group = bench.stage.ada, bench.stage.grace, bench.stage.group
    for _ in range(MOST + 1):
        bench.hears(ada, "help", group)
    bench.hears(grace, "help", group)
    bench.work()
    assert outcomes(bench) == {"done": MOST + 1, "limited": 1}

    bench.wait(62)
    bench.hears(ada, "help", group)
    bench.work()

    assert outcomes(bench) == {"done": MOST + 2, "limited": 1}
    assert told(bench)[0].endswith("1 was skipped. Please resend it.")
    assert all("hit the limit" not in (one.text or "") for one in bench.said(group))


def test_presses_count_too(bench: Workbench) -> None:
    message = bench.hears(bench.stage.ada, "help")
    bench.work()
    (card,) = bench.said()
    assert message.id
    for _ in range(MOST):
        bench.pressed(bench.stage.ada, card, {COMMAND: "help"})
    bench.work()

    assert outcomes(bench)["limited"] == 1


def test_it_is_told_after_a_kill_within_that_minute(bench: Workbench) -> None:
    for _ in range(MOST + 2):
        bench.hears(bench.stage.ada, "help")
    bench.work()

    bench.restart()
    bench.wait(62)

    assert "; 2 were skipped" in told(bench)[0]


def test_requests_that_waited_for_a_worker_count_for_the_minute_in_which_they_were_made(bench: Workbench) -> None:
    for _ in range(3 * MOST):
        bench.hears(bench.stage.ada, "help")
        bench.clock.turn(30)
    bench.work()

    assert outcomes(bench) == {"done": 3 * MOST}


def test_a_skipped_request_is_in_the_audit(bench: Workbench) -> None:
    for _ in range(MOST + 2):
        bench.hears(bench.stage.ada, "help")
    bench.work()

    with bench.database.read() as tx:
        rows = [row for row in tx.execute(audit.select()) if row.outcome == "limited"]
    assert [(row.person_id, row.door) for row in rows] == [(bench.stage.ada.id, "chat")] * 2


def test_zero_means_no_limit(bench: Workbench) -> None:
    bench.stage.environ["REQUESTS_PER_MINUTE"] = "0"
    bench.restart()
    for _ in range(30 + 5):
        bench.hears(bench.stage.ada, "help")
        bench.clock.turn(0.7)  # faster, it would be taken for two bots that answer each other
    bench.work()

    assert outcomes(bench) == {"done": 30 + 5}
