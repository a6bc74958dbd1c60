from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
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
