"""A migrated database, without a program around it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from bot.db.database import Database
from tests.live_bot import LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path, database_file: Path) -> Iterator[Database]:
    if LiveBot.databases is not None:
        made = Database(LiveBot.databases.migrated())
    else:
        shutil.copy(database_file, tmp_path / "bot.db")
        made = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path, database_file: Path) -> Iterator[str]:
    """The address of a migrated, empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(database_file, tmp_path / 'bot.db')}"
        return
    databases = request.getfixturevalue("postgresql")
    made = databases.migrated()
    yield made
    databases.take_back()
