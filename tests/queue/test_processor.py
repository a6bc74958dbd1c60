"""A worker's threads share one processor, and leave it when others take it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot.queue.processor import next_processor

PROGRAM = """
import os, threading
from bot.queue.processor import keep_to_one_processor
allowed = os.sched_getaffinity(0)
keep_to_one_processor()
found = [os.sched_getaffinity(0)]
thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
thread.start()
thread.join()
assert set.union(*found) <= allowed
print(sorted(set.union(*found)))
"""


def run(*command: str) -> list[int]:
    """Return the processors that its threads may use."""
    done = subprocess.run([*command, sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.strip("[]\n").split(", ")]


def test_all_threads_use_the_same_one():
    assert len(run()) == 1


def test_it_is_one_of_those_that_the_process_may_use():
    last = max(os.sched_getaffinity(0))
    assert run("taskset", "-c", str(last)) == [last]


@pytest.mark.parametrize(
    ("idle", "own", "chosen"),
    [
        pytest.param({0: 0.9, 1: 1.0}, 0.1, 0, id="there is room"),
        pytest.param({0: 0.0, 1: 1.0}, 0.95, 0, id="it is taken by this process"),
        pytest.param({0: 0.0, 1: 0.3}, 0.5, 0, id="all are taken"),
        pytest.param({0: 0.0, 1: 0.9}, 0.5, 1, id="others take half of it"),
        pytest.param({0: 0.05, 1: 0.6, 3: 0.9}, 0.0, 3, id="the freest"),
        pytest.param({1: 0.9}, 0.0, 1, id="it is there no longer"),
    ],
)
def test_it_is_left_when_others_take_it_and_another_one_is_free(idle: dict[int, float], own: float, chosen: int):
    assert next_processor(0, idle, own) == chosen
