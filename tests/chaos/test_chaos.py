"""A short randomised run with a fixed seed; `make chaos` plays long ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.chaos.plan import Ask, Kill, plan
from tests.chaos.run import run
from tests.chaos.verdict import summary

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7
SECONDS = 12.0
REQUESTS = 30


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: it finds processes in /proc")
def test_whatever_dies_and_whatever_webex_answers_nothing_is_lost_and_nothing_said_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config
) -> None:
    on_postgresql = pytestconfig.getoption("--database") == "postgresql"
    outcome = run(SEED, SECONDS, REQUESTS, tmp_path, on_postgresql=on_postgresql)

    with capsys.disabled():
        print(f"\n{summary(outcome.figures())}")
    assert outcome.lost == []
    assert outcome.twice == []
    assert outcome.presses > 0
    assert outcome.kills > 0
    assert outcome.faults > 0
    assert outcome.verdict.delivered > 0
    assert outcome.unasked.announced > 0
    assert outcome.unasked.ran > 0
    assert outcome.unasked.answered > 0
    assert outcome.unasked.told > 0


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(7, 20.0, 30) == plan(7, 20.0, 30) != plan(8, 20.0, 30)
    assert sum(isinstance(step, Ask) for step in plan(7, 20.0, 30)) == 30
    assert any(isinstance(step, Kill) for step in plan(7, 20.0, 30))
