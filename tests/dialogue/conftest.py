from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from tests.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def settings() -> dict[str, str]:
    """More settings than the stage's own; a test overrides it by parametrising."""
    return {}


@pytest.fixture
def stage(tmp_path: Path, settings: dict[str, str]) -> Iterator[Stage]:
    with Emulator() as emulator:
        made = Stage(emulator, tmp_path / "data", **settings)
        with made.program() as door:
            made.register(door)
            yield made
