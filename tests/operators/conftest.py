from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from tests.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Return the stage without the program; the group space is the operators'."""
    with Emulator() as emulator:
        made = Stage(emulator, tmp_path / "data")
        made.environ["OPERATORS_SPACE"] = made.group.id
        yield made
