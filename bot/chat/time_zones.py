"""Find a time zone by its name, or by its city's."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

OF_THE_US: Final = {
    name: zone
    for word, zone in (
        ("eastern", "America/New_York"),
        ("central", "America/Chicago"),
        ("mountain", "America/Denver"),
        ("pacific", "America/Los_Angeles"),
    )
    for name in (word, f"{word[0]}t", f"{word[0]}st", f"{word[0]}dt")
}
"""By what people in the United States call them: ``pacific``, ``pt``, ``pst``. Those change to daylight saving."""
MOST_OFFERED: Final = 4
"""Time zones that may be meant."""


@lru_cache(maxsize=1)
def _zones() -> dict[str, list[str]]:
    """Return the zones by their names in small letters and by their cities'."""
    zones = sorted(available_timezones() - {"Factory", "localtime"})
    found = {_folded(zone): [zone] for zone in zones}
    cities: dict[str, list[str]] = {}
    for zone in zones:
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "US/")):
            cities.setdefault(_folded(zone.rpartition("/")[2]), []).append(zone)
    return cities | found | {name: [zone] for name, zone in OF_THE_US.items()}


def _folded(words: str) -> str:
    return "_".join(words.replace("_", " ").split()).casefold()


def zone_named(words: str) -> str | None:
    """Return the time zone of a name or of a city, in any case of letters; None where there is none, or several."""
    found = _zones().get(_folded(words), [])
    return found[0] if len(found) == 1 else None


def zones_near(words: str) -> list[str]:
    """Return the time zones that may be meant by words that name none, or several."""
    asked = _folded(words)
    names = [asked] if asked in _zones() else difflib.get_close_matches(asked, _zones(), MOST_OFFERED, cutoff=0.75)
    return list(dict.fromkeys(zone for name in names for zone in _zones()[name]))[:MOST_OFFERED]
