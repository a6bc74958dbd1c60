"""What a space chose: time zone, format of files, where answers stand. A 1:1 space's settings are the person's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from bot.db.tables import space_settings
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.db.database import Transaction

UTC = "UTC"
_settings = space_settings.c
ANY_EXIST: Final = sa.exists(sa.select(_settings.room))
"""The condition that some space has settings: statements that are made for each request ask it, to save a second one.
"""


class FileFormat(StrEnum):
    """How a report's file is posted."""

    ORIGINAL = "original"
    CSV = "csv"
    ZIP = "zip"
    XLSX = "xlsx"


class Placement(StrEnum):
    """Where answers and files stand."""

    THREAD = "thread"
    TOP_LEVEL = "top level"


@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """The settings of a space, or what is the case where nothing was chosen."""

    time_zone: str = UTC
    file_format: FileFormat = FileFormat.ORIGINAL
    placement: Placement = Placement.THREAD

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone; UTC where the machine's list does not have it any more."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo(UTC)


def get(tx: Transaction, room_id: str) -> SpaceSettings:
    """Return the settings of a space; the id may be in any spelling."""
    row = tx.execute(sa.select(space_settings).where(space_settings.c.room == id_key(room_id))).one_or_none()
    if row is None:
        return SpaceSettings()
    return SpaceSettings(
        row.time_zone or UTC,
        FileFormat(row.file_format or FileFormat.ORIGINAL),
        Placement(row.placement or Placement.THREAD),
    )


def formats(tx: Transaction, room_ids: Iterable[str | None]) -> dict[str, FileFormat]:
    """Return the format of each of these spaces that has settings, by its id as it is given."""
    keys = {room_id: id_key(room_id) for room_id in room_ids if room_id}
    rows = tx.execute(sa.select(_settings.room, _settings.file_format).where(_settings.room.in_(keys.values())))
    found = {row.room: FileFormat(row.file_format or FileFormat.ORIGINAL) for row in rows}
    return {room_id: found[key] for room_id, key in keys.items() if key in found}


def time_zone_of(tx: Transaction, room_id: str) -> ZoneInfo:
    """Return the time zone by which a space's days begin."""
    return get(tx, room_id).zone


def save(tx: Transaction, room_id: str, chosen: SpaceSettings, now: datetime, *, person_id: str | None = None) -> None:
    """Store the settings of a space; ``person_id``: whose they are, in a 1:1 space."""
    values = {
        "room": id_key(room_id),
        "time_zone": chosen.time_zone,
        "file_format": chosen.file_format.value,
        "placement": chosen.placement.value,
        "person_id": person_id,
        "changed_at": now,
    }
    tx.upsert(space_settings, values, conflict=["room"])
