"""Keep the details of reports that are ready for under a minute, so that the file costs no second details call.

They hold the download link, so they live in the memory of this process only: never in the database, never in a log.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bot.webex.report import Report

FRESH: Final = timedelta(minutes=1)
"""How long details are reused. A link lasts longer; who asked in between may have deleted or rerun the report."""
MOST: Final = 500
"""Reports that are kept at once; the one kept longest goes first."""


class RecentDetails:
    """Details by family, sub-partner organization and report; threads share it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: OrderedDict[tuple[str, str, str], Report] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, report: Report) -> None:
        """Keep what Webex has just said of a report, in place of what it said before."""
        key = report.family.value, report.on_behalf_of, report.id
        with self._lock:
            self._kept.pop(key, None)
            if report.phase is Phase.READY and report.download_url and report.fetched_at is not None:
                self._kept[key] = report
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def forget(self, family: str, report_id: str, on_behalf_of: str | None = None) -> None:
        """Ask Webex the next time."""
        with self._lock:
            self._kept.pop((family, on_behalf_of or "", report_id), None)

    def get(self, family: str, report_id: str, on_behalf_of: str | None = None) -> Report | None:
        """Return what Webex said less than a minute ago, if the report was ready then."""
        key = family, on_behalf_of or "", report_id
        with self._lock:
            report = self._kept.get(key)
            if report is None or report.fetched_at is None:
                return None
            if abs(self._now() - report.fetched_at) < FRESH:  # also where the clock was set back
                return report
            del self._kept[key]
            return None
