"""Which reports each of Webex's lists has shown ready: what is not here yet is new, and subscriptions announce it once.

A list that was never looked at has no row; the first look stores what is ready by then, and nothing of it is new.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, func, select

from bot.db import tables
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction
    from bot.webex.report import Report
    from bot.webex.report_lists import ReportList

_ready = tables.ready_reports.c
LOOKED_AT: Final = ""
"""The report ID of a row that says no more than that the list was looked at."""
SEEN_AGAIN: Final = timedelta(days=1)
"""How old a row's time may become while its report is still listed."""
ROWS: Final = 500
"""Reports that one query asks for."""


def _place(which: ReportList) -> dict[str, str]:
    """Return the columns that say which list it is; the region's has a sub-partner, too."""
    return {"family": which.family, "region": which.key.partition(":")[2]}


def _of(family: str, region: str) -> ColumnElement[bool]:
    return and_(_ready.family == family, _ready.region == region)


def unseen(tx: Transaction, which: ReportList, listed: Sequence[Report], now: datetime) -> tuple[list[Report], bool]:
    """Return the ready reports of a list that it has not shown ready before, and True when something is to be stored.

    None of them is new at the first look. That rows get old is a reason to store, too: see ``store``.
    """
    keys = [id_key(report.id) for report in listed]
    seen: dict[str, datetime] = {}
    for start in range(0, len(keys) + 1, ROWS):
        some = [LOOKED_AT, *keys[start : start + ROWS]]
        rows = select(_ready.report_id, _ready.seen_at).where(_of(**_place(which)), _ready.report_id.in_(some))
        found = tx.execute(rows)
        seen |= {row.report_id: row.seen_at for row in found}
    missing = [report for report, key in zip(listed, keys, strict=True) if key not in seen]
    old = any(abs(now - at) >= SEEN_AGAIN for at in seen.values())
    return (missing if LOOKED_AT in seen else []), bool(missing) or old or LOOKED_AT not in seen


def store(tx: Transaction, which: ReportList, listed: Sequence[Report], now: datetime) -> None:
    """Store that a list shows these reports ready now."""
    keys = [LOOKED_AT, *dict.fromkeys(id_key(report.id) for report in listed)]
    for key in keys:
        values = _place(which) | {"report_id": key, "seen_at": now}
        tx.upsert(tables.ready_reports, values, conflict=["family", "region", "report_id"])


def forget(tx: Transaction, which: ReportList) -> None:
    """Forget what a list has shown, so that its next look is its first."""
    tx.execute(delete(tables.ready_reports).where(_of(**_place(which))))


def prune(tx: Transaction, kept_for: timedelta) -> int:
    """Delete rows of reports that their list does not show any more since so long, by its own last look.

    So a downtime, however long, makes nothing new again. Returns how many there were.
    """
    last = select(_ready.family, _ready.region, func.max(_ready.seen_at, type_=_ready.seen_at.type).label("at"))
    number = 0
    for one in tx.execute(last.group_by(_ready.family, _ready.region)).all():
        old = (_of(one.family, one.region), _ready.seen_at < one.at - kept_for)
        number += tx.execute(delete(tables.ready_reports).where(*old)).rowcount
    return number
