"""What the bot makes of databases of PostgreSQL that others have set up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.db import key_values
from bot.db.database import Database
from bot.db.migrations import upgrade

if TYPE_CHECKING:
    from tests.postgresql import Databases


def test_texts_of_a_database_without_an_encoding_are_read_as_they_were_written(postgresql: Databases) -> None:
    """As ``initdb`` makes one where no locale is set, such as in a container."""
    database = Database(postgresql.empty("SQL_ASCII"))
    try:
        upgrade(database)
        with database.begin() as tx:
            key_values.set(tx, "key", "Köln’s", datetime.now(UTC))
        with database.read() as tx:
            assert key_values.get(tx, "key") == "Köln’s"
    finally:
        database.close()
        postgresql.drop_all()
