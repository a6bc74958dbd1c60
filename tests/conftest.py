"""The workbench for every folder that uses it; a folder or a test may have its own instead."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from bot.emulator import Emulator
from bot.settings import Settings
from tests.core.workbench import Workbench, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database to copy."""
    return migrated(tmp_path_factory.mktemp("migrated") / "empty.db")


@pytest.fixture
def settings() -> dict[str, str]:
    """More settings than the stage's own; a test overrides it by parametrising."""
    return {}


@pytest.fixture
def bench(tmp_path: Path, database: Path, settings: dict[str, str]) -> Iterator[Workbench]:
    with Emulator() as emulator:
        made = Workbench(emulator, tmp_path / "data", database, **({"POLL_INTERVAL": "10"} | settings))
        yield made
        made.stop()


@pytest.fixture
def machine(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """The workbench's settings in the environment, and a log that is put back."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in bench.stage.environ.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield bench
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
