"""A request with its report and the messages of its thread, read in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, and_, bindparam, exists, or_, select

from bot.db import messages, reports, requests, tables, webhooks
from bot.db.space_settings import ANY_EXIST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import Row

    from bot.db.database import Transaction

_requests, _reports, _messages = tables.requests.c, tables.reports.c, tables.messages.c
_older = tables.requests.alias().c
_has_older = exists().where(
    _older.report_id == _requests.report_id,
    _older.state == tables.OPEN,
    _older.found_at.is_not(None),
    _older.id + 0 < _requests.id,  # not the bare column, or SQLite reads all older open requests, for any report
)
_ROWS = (
    select(tables.requests, tables.reports, tables.messages, _has_older, ANY_EXIST, webhooks.ANY_EXIST)
    .outerjoin(tables.reports, _reports.report_id == _requests.report_id)
    .outerjoin(tables.messages, and_(_messages.request_id == _requests.id, _messages.state != tables.DELETED))
    .order_by(_requests.id, _messages.id)
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)
_OF_REQUEST = _ROWS.where(_requests.id == bindparam("row"))
_WAITING_FOR = _ROWS.where(
    _requests.report_id == bindparam("report"),
    or_(
        and_(_requests.state == tables.OPEN, _requests.found_at.is_not(None)),
        _requests.id.in_(bindparam("closed", expanding=True)),
    ),
)
_REPORT: Final = len(_requests)
_MESSAGE: Final = _REPORT + len(_reports)
_HAS_OLDER: Final = _MESSAGE + len(_messages)
_SETTINGS_EXIST: Final = _HAS_OLDER + 1
_WEBHOOKS_EXIST: Final = _SETTINGS_EXIST + 1


@dataclass(frozen=True, slots=True)
class ThreadRows:
    """A request, its report as far as that is known, and its messages that were not deleted, oldest first."""

    request: requests.Request
    report: reports.ReportRow | None
    messages: tuple[messages.Message, ...]
    has_older: bool
    """An older request for the same report is open, and its report was found."""
    settings_exist: bool
    """Some space has settings."""
    webhooks_exist: bool
    """Some other system is told of events."""


def of_request(tx: Transaction, request_id: int) -> ThreadRows | None:
    """Return the rows of one request."""
    return next(_grouped(tx.execute(_OF_REQUEST, {"row": request_id})), None)


def waiting_for(tx: Transaction, report_id: str, *, and_closed: Collection[int] = ()) -> list[ThreadRows]:
    """Return the rows of each open request whose report was found, and of these closed ones, the oldest first."""
    return list(_grouped(tx.execute(_WAITING_FOR, {"report": report_id, "closed": list(and_closed)})))


def _grouped(rows: Iterable[Row[Any]]) -> Iterator[ThreadRows]:
    for _, group in groupby(rows, key=lambda row: row[0]):
        found = list(group)
        first = found[0]
        yield ThreadRows(
            requests.read(first),
            reports.read(first[_REPORT:]) if first[_REPORT] is not None else None,
            tuple(messages.read(row[_MESSAGE:]) for row in found if row[_MESSAGE] is not None),
            bool(first[_HAS_OLDER]),
            bool(first[_SETTINGS_EXIST]),
            bool(first[_WEBHOOKS_EXIST]),
        )
