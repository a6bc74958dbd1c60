from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from tests.killed.program import SERVE, Program
from tests.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., Program]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests read /proc to find every process and its memory."""
    if sys.platform != "linux":
        for item in items:
            if "tests/killed" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="needs Linux: it finds processes and their memory in /proc"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Emulator() as emulator:
        made = Stage(emulator, tmp_path / "data")
        yield made
        emulator.deliver_webhooks = False


@pytest.fixture
def start(stage: Stage, tmp_path: Path) -> Iterator[Start]:
    """Start the program; whatever happens, nothing of it is left at the end."""
    started: list[Program] = []

    def run(command: tuple[str, ...] = SERVE) -> Program:
        program = Program(stage, tmp_path / f"log {len(started)}", command)
        started.append(program)
        program.up()
        return program

    yield run
    for program in started:
        program.kill()
