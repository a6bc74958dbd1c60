"""Keep what Webex has just listed for a few seconds, so that programs that ask often cost no list call each.

Webex allows a token some three hundred calls a minute, for people and programs together.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.webex.report import Report

FRESH: Final = timedelta(seconds=3)
"""How long a list is reused."""
MOST: Final = 20
"""Lists that are kept at once: programs may name any region."""


class RecentLists:
    """Lists by family, region and sub-partner organization; threads share them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: dict[tuple[Family, str, str], tuple[datetime, Sequence[Report]]] = {}
        self._asking = {family: threading.Lock() for family in Family}

    def get(
        self, family: Family, region: str | None, on_behalf_of: str | None, ask: Callable[[], Sequence[Report]]
    ) -> Sequence[Report]:
        """Return what was listed less than three seconds ago, or ask: of several threads one, for which they wait."""
        key = family, region or "", on_behalf_of or ""
        with self._asking[family]:
            kept = self._kept.get(key)
            if kept is not None and abs(self._now() - kept[0]) < FRESH:  # also where the clock was set back
                return kept[1]
            asked_at, listed = self._now(), ask()
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = asked_at, listed
            return listed

    def forget(self) -> None:
        """Ask Webex the next time."""
        self._kept = {}
