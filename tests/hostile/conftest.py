"""A stepped bot that all hostile texts of a module go through, with its log."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from bot.emulator import Emulator
from bot.logs import start_logging
from tests.hostile.texts import TEXTS
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("test", level="debug", form="json", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory, log: io.StringIO) -> Iterator[SteppedBot]:
    folder = tmp_path_factory.mktemp("hostile")
    with Emulator() as emulator:
        made = SteppedBot(emulator, folder / "data", migrated(folder / "empty.db"), POLL_INTERVAL="10")
        yield made
        made.stop()


@pytest.fixture(autouse=True)
def end_faults(stepped: SteppedBot) -> Iterator[None]:
    yield
    stepped.emulator.faults.clear()


@pytest.fixture(params=sorted(TEXTS))
def text(request: pytest.FixtureRequest, stepped: SteppedBot) -> str:
    return str(TEXTS[request.param].replace("{ethan}", stepped.setup.ethan.id))
