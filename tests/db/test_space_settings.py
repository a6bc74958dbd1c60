"""A space's settings are found by its id in any spelling; what was never chosen has a default."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.db import space_settings
from bot.db.space_settings import FileFormat, Placement, SpaceSettings
from bot.db.tables import space_settings as table
from tests.db.rows import NOW

if TYPE_CHECKING:
    from bot.db.database import Database

BARE = "5c3b7d80-1111-11ee-9a3c-0242ac120002"
ENCODED = base64.b64encode(f"ciscospark://us/ROOM/{BARE}".encode()).decode()
CHOSEN = SpaceSettings("Europe/Berlin", FileFormat.XLSX, Placement.TOP_LEVEL)


def test_a_space_that_chose_nothing_has_the_defaults(database: Database) -> None:
    with database.read() as tx:
        assert space_settings.get(tx, ENCODED) == SpaceSettings("UTC", FileFormat.ORIGINAL, Placement.THREAD)
        assert space_settings.time_zone_of(tx, ENCODED) == ZoneInfo("UTC")


def test_what_was_chosen_is_the_spaces_in_every_spelling_of_its_id(database: Database) -> None:
    with database.begin() as tx:
        space_settings.save(tx, ENCODED, SpaceSettings("Asia/Tokyo"), NOW)
        space_settings.save(tx, BARE, CHOSEN, NOW)
    with database.read() as tx:
        assert space_settings.get(tx, ENCODED) == space_settings.get(tx, BARE.upper()) == CHOSEN
        assert space_settings.time_zone_of(tx, ENCODED) == ZoneInfo("Europe/Berlin")
        assert space_settings.get(tx, "another") == SpaceSettings()


def test_a_zone_that_is_gone_from_the_list_is_utc(database: Database) -> None:
    for name in ("Mars/Olympus_Mons", "../etc/passwd", ""):
        with database.begin() as tx:
            space_settings.save(tx, BARE, CHOSEN, NOW)
            tx.execute(sa.update(table).values(time_zone=name))
            assert space_settings.time_zone_of(tx, ENCODED) == ZoneInfo("UTC")
