"""Open the database of a command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.app import open_database
from bot.db.migrations import Migration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.db.database import Database
    from bot.settings import StorageSettings


@contextmanager
def migrated(settings: StorageSettings) -> Iterator[Database]:
    """Give the database, brought to this version, in the block. Raises ``DatabaseUnavailable``."""
    database = open_database(settings)
    try:
        Migration(database)()
        yield database
    finally:
        database.close()
