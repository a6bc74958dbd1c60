from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from tests.live_bot import LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def live(tmp_path: Path, database_file: Path) -> Iterator[LiveBot]:
    """Return the setup without the program; the group space is the operators'."""
    with Emulator() as emulator:
        made = LiveBot(emulator, tmp_path / "data")
        made.has_database(database_file)
        made.environ["OPERATORS_SPACE"] = made.group.id
        yield made
